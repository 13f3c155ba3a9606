"""How different two pictures look to the VAE's own encoder.

As LPIPS (Zhang et al. 2018, arXiv 1801.03924) compares pictures by the features of a network that knows pictures, with
the encoder in place of one that was trained on photographs: no further weights, and the features are those that the
latents are made of.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


def features(encoder: Any, pictures: Tensor) -> list[Tensor]:
    """Returns what an AutoencoderKL's encoder sees at each of its levels, every place's features of length 1.

    Args:
        encoder: The encoder.
        pictures: (n, 3, h, w), -1 to 1.
    """
    seen = encoder.conv_in(pictures)
    levels = []
    for block in encoder.down_blocks:
        for resnet in block.resnets:
            seen = resnet(seen, temb=None)
        levels.append(functional.normalize(seen.float(), dim=1))
        for downsampler in block.downsamplers or ():
            seen = downsampler(seen)
    return levels


def distance(encoder: Any, decoded: Tensor, pictures: Tensor) -> Tensor:
    """Returns the mean squared difference of features, summed over channels and averaged over levels."""
    with torch.no_grad():
        wanted = features(encoder, pictures)
    found = features(encoder, decoded)
    offs = [(one - other).pow(2).sum(dim=1).mean() for one, other in zip(found, wanted, strict=True)]
    return torch.stack(offs).mean()
