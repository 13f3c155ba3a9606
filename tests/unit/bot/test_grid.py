import io
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from bot.services.images.grid import LONGEST, columns, grid
from bot.services.images.originals import batches
from bot.services.ports import Upload
from generation import metadata
from tests.fakes import png

COLOURS = [(200, 40, 40), (40, 200, 40), (40, 40, 200), (200, 200, 40)]


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


def near(pixel: object, colour: tuple[int, int, int]) -> bool:
    assert isinstance(pixel, tuple)
    return all(abs(one - other) < 12 for one, other in zip(pixel, colour, strict=True))


@pytest.mark.parametrize(("count", "across"), [(2, 2), (3, 2), (4, 2), (5, 3), (6, 3), (9, 3), (10, 4)])
def test_a_grid_is_about_as_wide_as_high(count: int, across: int) -> None:
    assert columns(count) == across


def test_pictures_stand_in_the_order_in_which_one_reads() -> None:
    whole = opened(grid([png(160, 96, colour) for colour in COLOURS]))

    assert whole.size == (321, 193)
    centres = [(80, 48), (241, 48), (80, 145), (241, 145)]
    assert all(near(whole.getpixel(at), colour) for at, colour in zip(centres, COLOURS, strict=True))


def test_every_picture_has_its_number_in_a_corner() -> None:
    whole = opened(grid([png(280, 280)] * 2))

    corners = [whole.crop((x, 0, x + 40, 40)) for x in (0, 282)]
    for corner in corners:
        levels = corner.convert("L").tobytes()
        assert min(levels) < 80
        assert max(levels) > 200
    assert corners[0].tobytes() != corners[1].tobytes()


def test_large_pictures_become_smaller_in_a_grid() -> None:
    whole = opened(grid([png(3000, 1500)] * 4))

    assert LONGEST - 60 < whole.width <= LONGEST + 30
    assert whole.width / whole.height == pytest.approx(2, rel=0.02)


def test_a_grid_says_what_its_first_picture_was_made_by(tmp_path: Path) -> None:
    info = PngInfo()
    info.add_text(metadata.A1111_KEY, "a cat\nSteps: 4, Sampler: Euler, CFG scale: 7, Seed: 7, Size: 16x16")
    data = io.BytesIO()
    Image.new("RGB", (16, 16)).save(data, "PNG", pnginfo=info)

    (tmp_path / "grid.jpg").write_bytes(grid([data.getvalue(), png(16, 16)]))

    values = metadata.read_file(tmp_path / "grid.jpg").values
    assert (values["prompt"], values["seed"]) == ("a cat", 7)


def test_files_go_into_as_few_requests_as_their_size_allows() -> None:
    files = [Upload(str(number), b"x" * size) for number, size in enumerate((60, 30, 20, 90))]

    assert [[file.name for file in batch] for batch in batches(files, 100)] == [["0", "1"], ["2"], ["3"]]
    assert [len(batch) for batch in batches([Upload("x", b"x")] * 12)] == [10, 2]
