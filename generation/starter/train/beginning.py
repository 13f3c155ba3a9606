"""How the VAE begins: as a thing that pixelates, from where it learns what lies within the pixels.

With random weights an autoencoder this small spends most of a short training on finding colours at all. So a
part of the weights is set such that latents 0, 1, 2 are the mean red, green and blue of each 8x8 block, and the
decoder paints those blocks. Eight channels of every layer carry red, -red, green, -green, blue, -blue and the
constants +c, -c: their mean is 0 and their spread hardly depends on the picture, so group normalisation leaves
them nearly as they are, and silu(x) - silu(-x) = x undoes the activation.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

CARRIED = 8
CONSTANT = 6.0
QUIET = -6.0  # log variance of the latents at first


@torch.no_grad()
def begin_as_pixels(vae: Any, examples: Tensor) -> None:
    """Sets an AutoencoderKL's weights so that it pixelates.

    Args:
        vae: With two normalisation groups and at least 16 channels everywhere.
        examples: A few pictures, (n, 3, h, w) from -1 to 1, by which its gains are set.
    """
    _quieten(vae)
    for half in (vae.encoder, vae.decoder):
        _split(half.conv_in)
    for block in vae.encoder.down_blocks:
        for sampler in block.downsamplers or ():
            _carry(sampler.conv, 0.25, taps=((0, 0), (0, 1), (1, 0), (1, 1)))
    for block in vae.decoder.up_blocks:
        for sampler in block.upsamplers or ():
            _carry(sampler.conv, 1.0)
    _join(vae.encoder.conv_out)
    nn.init.zeros_(vae.encoder.conv_out.weight[4:])
    nn.init.constant_(vae.encoder.conv_out.bias[4:], QUIET)
    _join(vae.decoder.conv_out)
    blocks = functional.avg_pool2d(examples, 8)
    latents = vae.encode(examples).latent_dist.mean
    _set_gain(vae.encoder.conv_out, latents[:, :3], blocks)
    latents = vae.encode(examples).latent_dist.mean
    _set_gain(vae.decoder.conv_out, vae.decode(latents).sample, functional.interpolate(blocks, scale_factor=8.0))


def _quieten(vae: Any) -> None:
    """Lets residual blocks, attention and the 1x1 convolutions beside the latents pass on what they get."""
    for module in vae.modules():
        if hasattr(module, "conv2") and hasattr(module, "norm2"):
            _clear(module.conv2)
            if module.conv_shortcut is not None:
                _carry(module.conv_shortcut, 1.0)
    for half in (vae.encoder, vae.decoder):
        for attention in half.mid_block.attentions:
            _clear(attention.to_out[0])
    for convolution in (vae.quant_conv, vae.post_quant_conv):
        _clear(convolution)
        nn.init.dirac_(convolution.weight)


def _clear(layer: Any, outputs: int | None = None) -> None:
    nn.init.zeros_(layer.weight[:outputs])
    nn.init.zeros_(layer.bias[:outputs])


def _carry(convolution: Any, weight: float, taps: tuple[tuple[int, int], ...] | None = None) -> None:
    """Lets the carried channels pass, each on its own."""
    middle = convolution.kernel_size[0] // 2
    _clear(convolution, CARRIED)
    for channel in range(CARRIED):
        for row, column in taps or ((middle, middle),):
            convolution.weight[channel, channel, row, column] = weight


def _split(convolution: Any) -> None:
    """Makes the carried channels of three inputs: each and its negative, and two constants."""
    _clear(convolution, CARRIED)
    for colour in range(3):
        convolution.weight[2 * colour, colour, 1, 1] = 1
        convolution.weight[2 * colour + 1, colour, 1, 1] = -1
    convolution.bias[6], convolution.bias[7] = CONSTANT, -CONSTANT


def _join(convolution: Any) -> None:
    """Makes three outputs of the carried channels."""
    _clear(convolution, 3)
    for colour in range(3):
        convolution.weight[colour, 2 * colour, 1, 1] = 1
        convolution.weight[colour, 2 * colour + 1, 1, 1] = -1


def _set_gain(convolution: Any, found: Tensor, wanted: Tensor) -> None:
    gain = (found * wanted).sum() / found.pow(2).sum()
    convolution.weight[:3] *= gain
