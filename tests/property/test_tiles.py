from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from generation.request.tile_grid import OVERLAP_SHARE, tiles

sides = st.integers(8, 128).map(lambda number: number * 8)
tile_sides = st.integers(8, 128).map(lambda number: number * 8)


@given(sides, sides, tile_sides)
def test_tiles_cover_the_picture_with_one_size_and_an_overlap(width: int, height: int, tile: int) -> None:
    boxes = tiles(width, height, tile)

    assert {(right - left, bottom - top) for left, top, right, bottom in boxes} == {
        (min(tile, width), min(tile, height))
    }
    for along, length in ((0, width), (1, height)):
        spans = sorted({(box[along], box[along + 2]) for box in boxes})
        assert (spans[0][0], spans[-1][1]) == (0, length)
        for (_, end), (start, _) in pairwise(spans):
            assert end - start >= min(tile, length) // OVERLAP_SHARE - 8
        assert all(start % 8 == 0 for start, _ in spans)


def test_4096_pixels_take_few_tiles() -> None:
    assert len(tiles(4096, 4096, 1024)) == 25
    assert tiles(1024, 1024, 1024) == [(0, 0, 1024, 1024)]
