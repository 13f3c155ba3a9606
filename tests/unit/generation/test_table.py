"""How many pictures share a call, by what was measured."""

from pathlib import Path

import pytest

from generation.errors import GenerationError
from generation.scheduling.batch_table import FILE, BatchTable, DeviceKey, read_table, write_table

KEY = DeviceKey("a card", "float16", 2_567_463_684)
SMALL, LARGE = 512 * 512, 1024 * 1024
MEASURED = BatchTable({SMALL: {1: 1.0, 2: 1.2, 4: 2.0, 8: 3.9}, LARGE: {1: 4.0, 2: 7.6, 4: 15.0, 8: 33.0}})


@pytest.mark.parametrize(
    ("pixels", "waiting", "pictures"),
    [
        (SMALL, 1, 1),
        (SMALL, 3, 2),  # 1.67 times as fast; more than 4/3
        (SMALL, 4, 4),  # 2 times as fast; more than 8/5
        (SMALL, 20, 8),  # 2.05 times as fast; more than 16/9
        (LARGE, 2, 1),  # 1.05 times as fast is not worth the first one's delay
        (LARGE, 8, 4),  # in a deep queue it is
        (LARGE, 20, 4),  # eight would be slower than four
        (768 * 768, 4, 4),  # the nearest size counts
    ],
)
def test_pictures_share_a_call_where_it_pays(pixels: int, waiting: int, pictures: int) -> None:
    assert MEASURED.pictures(pixels, waiting) == pictures


def test_a_table_is_kept_beside_those_of_other_devices(tmp_path: Path) -> None:
    other = DeviceKey("another card", "float16", 1)

    write_table(tmp_path / "data", other, BatchTable({64: {1: 2.0}}))
    write_table(tmp_path / "data", KEY, MEASURED)

    assert read_table(tmp_path / "data", KEY) == MEASURED
    assert read_table(tmp_path / "data", other) == BatchTable({64: {1: 2.0}})
    assert read_table(tmp_path / "data", DeviceKey("a card", "float32", 1)) == BatchTable()


@pytest.mark.parametrize("text", ["{", "[]", '{"a card | float16 | 2567463684": {"64": {"2": 1.0}}}'])
def test_a_damaged_table_is_told_and_not_used(tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / FILE).write_text(text)

    assert read_table(tmp_path, KEY) == BatchTable()
    assert "easel bench --calibrate" in caplog.text


def test_a_table_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(GenerationError, match="cannot be written"):
        write_table(tmp_path / "file", KEY, MEASURED)
