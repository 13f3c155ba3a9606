"""Tiles that cover a picture with an overlap. Pure."""

import math

Box = tuple[int, int, int, int]  # left, top, right, bottom; the last two are outside
SMALL_TILE = 512  # pixels: the smallest that a VAE works in
OVERLAP_SHARE = 4  # of a tile's side: a quarter overlaps


def tiles(width: int, height: int, tile: int, step: int = 8) -> list[Box]:
    """Covers a picture with tiles of one size, evenly spread; neighbours overlap by at least a quarter.

    Args:
        width: The picture's.
        height: Likewise.
        tile: A tile's side; a picture that is smaller is its only tile.
        step: What tiles begin at multiples of.
    """
    wide, tall = min(tile, width), min(tile, height)
    return [
        (left, top, left + wide, top + tall)
        for top in _starts(height, tall, step)
        for left in _starts(width, wide, step)
    ]


def _starts(length: int, tile: int, step: int) -> list[int]:
    if tile >= length:
        return [0]
    overlap = math.ceil(tile / OVERLAP_SHARE / step) * step
    gaps = math.ceil((length - tile) / max(tile - overlap, step))
    return [round((length - tile) * index / gaps / step) * step for index in range(gaps + 1)]
