"""Real-ESRGAN's network, RRDBNet (Wang et al. 2021, arXiv 2107.10833; 2018, arXiv 1809.00219): four times larger."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from generation.errors import ModelError
from generation.request.tile_grid import tiles
from generation.sdxl.sampling.multidiffusion import Mosaic
from generation.sdxl.sampling.slices import Slices

SCALE = 4
TILE = 256  # pixels: what bounds the memory
_SHARE = 0.2  # of each block's output that is added to its input
_GROWTH = 32
MOST_BLOCKS = 64
_FEATURES = 64


class DenseBlock(nn.Module):
    """Five convolutions, each of which sees the answers of all before it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2, self.conv3, self.conv4 = (
            nn.Conv2d(_FEATURES + number * _GROWTH, _GROWTH, 3, 1, 1) for number in range(4)
        )
        self.conv5 = nn.Conv2d(_FEATURES + 4 * _GROWTH, _FEATURES, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Returns features of x's shape."""
        seen = [x]
        for convolution in (self.conv1, self.conv2, self.conv3, self.conv4):
            seen.append(_leaky(convolution(torch.cat(seen, dim=1))))
        answer: Tensor = self.conv5(torch.cat(seen, dim=1))
        return x + _SHARE * answer


class Rrdb(nn.Module):
    """A residual block of three dense ones."""

    def __init__(self) -> None:
        super().__init__()
        self.rdb1, self.rdb2, self.rdb3 = DenseBlock(), DenseBlock(), DenseBlock()

    def forward(self, x: Tensor) -> Tensor:
        """Returns features of x's shape."""
        answer: Tensor = self.rdb3(self.rdb2(self.rdb1(x)))
        return x + _SHARE * answer


class RrdbNet(nn.Module):
    """Makes a picture four times larger.

    Args:
        blocks: How many residual blocks: 23 in x4plus, 6 in its drawings' version.
    """

    def __init__(self, blocks: int) -> None:
        super().__init__()
        self.conv_first = nn.Conv2d(3, _FEATURES, 3, 1, 1)
        self.body = nn.Sequential(*(Rrdb() for _ in range(blocks)))
        self.conv_body, self.conv_up1, self.conv_up2, self.conv_hr = (
            nn.Conv2d(_FEATURES, _FEATURES, 3, 1, 1) for _ in range(4)
        )
        self.conv_last = nn.Conv2d(_FEATURES, 3, 3, 1, 1)

    def forward(self, picture: Tensor) -> Tensor:
        """Takes (1, 3, h, w), 0 to 1, and returns (1, 3, 4h, 4w)."""
        features = self.conv_first(picture)
        features = features + self.conv_body(self.body(features))
        for convolution in (self.conv_up1, self.conv_up2):
            features = _leaky(convolution(nn.functional.interpolate(features, scale_factor=2, mode="nearest")))
        larger: Tensor = self.conv_last(_leaky(self.conv_hr(features)))
        return larger


def from_tensors(name: str, tensors: Mapping[str, Tensor]) -> RrdbNet:
    """Makes the network of a file's tensors.

    Raises:
        ModelError: They are not those of an RRDBNet that enlarges four times.
    """
    blocks = len({key.split(".")[1] for key in tensors if key.startswith("body.")})
    if blocks > MOST_BLOCKS:
        raise ModelError(f"{name} is no upscaler that Easel knows: it has {blocks} blocks.")
    with torch.device("meta"):
        network = RrdbNet(blocks)
    try:
        network.load_state_dict(dict(tensors), strict=True, assign=True)
    except RuntimeError as error:
        raise ModelError(f"{name} is no upscaler that Easel knows: its tensors are not those of an RRDBNet.") from error
    return network.requires_grad_(requires_grad=False).eval()


def enlarging(network: RrdbNet, picture: Tensor) -> Slices[Tensor]:
    """Makes a picture four times larger, tile by tile, and lets others in after each.

    Args:
        network: On the device that works.
        picture: (height, width, 3) uint8, anywhere.

    Returns:
        (4 height, 4 width, 3) uint8, on the CPU.
    """
    weight = network.conv_first.weight
    height, width, _ = picture.shape
    boxes = tiles(width, height, TILE, step=1)
    mosaic = Mosaic(boxes, SCALE)
    for left, top, right, bottom in boxes:
        piece = picture[top:bottom, left:right].to(weight.device).permute(2, 0, 1).unsqueeze(0).to(weight.dtype) / 255
        mosaic.lay(network(piece)[0].float())
        yield
    return mosaic.picture


def _leaky(x: Tensor) -> Tensor:
    return nn.functional.leaky_relu(x, 0.2)
