"""What `easel doctor` says of the disk."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from bot.cli import doctor
from bot.settings import Settings


async def disk(tmp_path: Path) -> doctor.Finding:
    findings = await doctor.examine(Settings(data_dir=tmp_path / "not" / "there yet", discord_token=None))
    (found,) = [finding for finding in findings if finding.what == "disk"]
    return found


async def test_the_doctor_says_how_much_room_there_is(tmp_path: Path) -> None:
    found = await disk(tmp_path)

    assert found.ok
    assert "GiB free for pictures" in found.finding


async def test_the_doctor_complains_of_a_disk_that_is_nearly_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: SimpleNamespace(free=2**28))

    found = await disk(tmp_path)

    assert not found.ok
    assert found.finding == "0.2 GiB free for pictures, some 160 of 1024x1024"
    assert "EASEL_DATA_DIR" in found.advice
