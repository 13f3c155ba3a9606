"""Latents in tiles: one UNet call for each, one estimate for all of them (MultiDiffusion, arXiv 2302.08113).

Every step asks for the estimate of the whole. Tile after tile gives its share, and where tiles overlap the estimate is
their weighted mean (eq. 5), so they agree at every step and no seam can grow. Only one tile is in the UNet at a time.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from generation.request.tile_grid import OVERLAP_SHARE, Box, tiles


class Tiles:
    """The tiles of one picture, and what they have answered in the present step.

    Args:
        width: The picture's, in pixels.
        height: Likewise.
        tile: A tile's side in pixels; 0 for one that is the whole picture.
        downscale: Pixels per latent along a side.
    """

    def __init__(self, width: int, height: int, tile: int, downscale: int) -> None:
        self._boxes = tiles(width, height, tile or max(width, height), downscale)
        self._downscale = downscale
        self._next = 0
        self._sum: Tensor | None = None
        self._weights: Tensor | None = None

    def __len__(self) -> int:
        return len(self._boxes)

    @property
    def box(self) -> Box:
        """The next tile, in pixels."""
        return self._boxes[self._next]

    @property
    def shape(self) -> tuple[int, int]:
        """The size of every tile in pixels, width and height."""
        left, top, right, bottom = self._boxes[0]
        return right - left, bottom - top

    @property
    def pixels(self) -> int:
        """The area of a tile."""
        return self.shape[0] * self.shape[1]

    def cut(self, whole: Tensor) -> Tensor:
        """Cuts the next tile out of latents, (rows, channels, h, w)."""
        left, top, right, bottom = (side // self._downscale for side in self.box)
        return whole[..., top:bottom, left:right]

    def take(self, estimate: Tensor) -> Tensor | None:
        """Takes the estimate of the next tile; returns that of the whole once it is the last one's, else None."""
        if len(self._boxes) == 1:
            return estimate
        if self._sum is None or self._weights is None:
            wide, tall = (
                max(sides) // self._downscale for sides in zip(*((b[2], b[3]) for b in self._boxes), strict=True)
            )
            self._sum = estimate.new_zeros(*estimate.shape[:-2], tall, wide)
            self._weights = estimate.new_zeros(tall, wide)
        weight = hill(estimate)
        self.cut(self._sum).add_(estimate * weight)
        self.cut(self._weights).add_(weight)
        self._next = (self._next + 1) % len(self._boxes)
        if self._next:
            return None
        whole = self._sum / self._weights
        self._sum = self._weights = None
        return whole


class Mosaic:
    """A picture laid together of overlapping tiles, row after row; where they overlap, one flows into the other.

    Only the tiles of one row are kept in floating point; above them the picture is finished, in eight bits.

    Args:
        boxes: The tiles, row by row, each from left to right.
        scale: How many times larger what is laid is than its box.
    """

    def __init__(self, boxes: Sequence[Box], scale: int = 1) -> None:
        self._boxes = [tuple(scale * side for side in box) for box in boxes]
        self._tops = sorted({box[1] for box in self._boxes})
        self._next = 0
        width, height = (max(box[side] for box in self._boxes) for side in (2, 3))
        tall = self._boxes[0][3] - self._boxes[0][1]
        self._strip = torch.zeros(3, tall, width)
        self._weights = torch.zeros(tall, width)
        self.picture = torch.empty(height, width, 3, dtype=torch.uint8)

    def lay(self, tile: Tensor) -> None:
        """Lays the next tile, (3, h, w), 0 to 1, anywhere."""
        left, top, right, _ = self._boxes[self._next]
        weight = hill(tile)
        self._strip[..., left:right] += (tile * weight).cpu()
        self._weights[:, left:right] += weight.cpu()
        self._next += 1
        if self._next == len(self._boxes) or self._boxes[self._next][1] != top:
            self._finish_row(top)

    def _finish_row(self, top: int) -> None:
        """Finishes what no later tile touches, and keeps what the next row overlaps."""
        number = self._tops.index(top)
        last = number == len(self._tops) - 1
        done = len(self._weights) if last else self._tops[number + 1] - top
        levels = (self._strip[:, :done] / self._weights[:done]).clamp_(0, 1).mul_(255).round_()
        self.picture[top : top + done] = levels.to(torch.uint8).permute(1, 2, 0)
        for kept in (self._strip, self._weights):
            kept[..., : len(self._weights) - done, :] = kept[..., done:, :].clone()
            kept[..., len(self._weights) - done :, :] = 0


def hill(estimate: Tensor) -> Tensor:
    """Returns a weight that is 1 in a tile's middle and falls towards its edges, (h, w)."""
    height, width = estimate.shape[-2:]
    rise = [
        (torch.minimum(place + 1, side - place) / max(side // OVERLAP_SHARE, 1)).clamp(max=1)
        for side in (height, width)
        for place in (torch.arange(side, device=estimate.device),)
    ]
    return torch.outer(rise[0], rise[1]).to(estimate.dtype)
