"""Larger models that begin as the smaller ones they come from."""

import re
from collections.abc import Iterable
from typing import Any

import torch

from generation.starter.train.models import Models, Shape, build

# The last layers of what is added to a residual stream: attention, feed-forward and convolution.
_LAST = re.compile(r"\.(attn\d\.to_out\.0|ff\.net\.2|conv2)\.(weight|bias)$")


def grow(models: Models, shape: Shape) -> Models:
    """Returns models of a larger shape that compute what the given ones compute.

    Layers that are new add nothing to their residual stream at first: their last weights are zero.

    Args:
        models: Where to begin.
        shape: As theirs, but with more transformer blocks in the UNet or more layers in the VAE.
    """
    grown = build(shape, models.merges)
    for old, new in zip(models.parts().values(), grown.parts().values(), strict=True):
        missing = new.load_state_dict(old.state_dict(), strict=False).missing_keys
        _silence(new, missing)
    grown.scaling_factor, grown.native_size, grown.notes = models.scaling_factor, models.native_size, models.notes
    return grown


@torch.no_grad()
def _silence(module: Any, added: Iterable[str]) -> None:
    for name in added:
        if _LAST.search(name):
            module.get_parameter(name).zero_()
