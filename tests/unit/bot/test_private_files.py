"""Who may read what Easel writes."""

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot import private_files
from bot.cli.doctor import examine
from bot.cli.main import app
from bot.persistence.database import backup, upgrade
from bot.persistence.pictures import FilePictureStore
from bot.private_files import keep_private, readable_by_others
from bot.settings import Settings

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def left_by_an_earlier_release(data: Path) -> list[Path]:
    """Makes a data folder as it was made before, and returns what of it is private."""
    files = [data / name for name in ("easel.db", "easel.db-wal", "easel-before-0007.db", "playground/easel.db")]
    folders = [data, data / "pictures", data / "pictures" / "ab", data / "playground"]
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        file.write_bytes(b"private")
    for path in (*folders, *files):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return [*folders, *files]


async def test_the_database_its_backups_and_pictures_are_their_owners_alone(settings: Settings, tmp_path: Path) -> None:
    await upgrade(settings.database)
    await backup(settings.database, tmp_path / "copy.db")
    digest = await FilePictureStore(settings.pictures_path).put(b"a picture")

    made = [
        settings.data_dir,
        settings.data_dir / "easel.db",
        tmp_path / "copy.db",
        settings.pictures_path / digest[:2],
    ]
    assert [oct(mode(path) & 0o077) for path in made] == [oct(0)] * 4


def test_what_is_there_already_is_tightened_and_new_files_are_private(settings: Settings, tmp_path: Path) -> None:
    private = left_by_an_earlier_release(settings.data_dir)
    model = settings.data_dir / "models" / "a.safetensors"
    model.parent.mkdir()
    model.write_bytes(b"weights")
    (tmp_path / "elsewhere").write_bytes(b"not Easel's")
    (settings.data_dir / "linked.db").symlink_to(tmp_path / "elsewhere")

    keep_private(settings)
    (settings.data_dir / "new").write_bytes(b"private")

    assert [path for path in (*private, settings.data_dir / "new") if mode(path) & 0o077] == []
    assert [mode(path) for path in (model, tmp_path / "elsewhere")] == [0o644, 0o644]


def test_a_folder_that_easel_shares_with_other_things_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "README").write_text("the folder that Easel is started from")
    (tmp_path / "easel.db").write_bytes(b"private")
    tmp_path.chmod(0o755)

    keep_private(Settings(data_dir=Path()))

    assert [mode(tmp_path), mode(tmp_path / "README"), mode(tmp_path / "easel.db")] == [0o755, 0o644, 0o600]


def test_what_cannot_be_tightened_is_logged(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    left_by_an_earlier_release(settings.data_dir)

    def refused(_path: Path, _mode: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "chmod", refused)

    keep_private(settings)

    assert f"other accounts may read {settings.data_dir}, and that cannot be changed" in caplog.text


def test_the_command_line_keeps_what_it_writes_to_its_account(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["db", "upgrade"])

    assert done.exit_code == 0
    assert [mode(tmp_path / "data"), mode(tmp_path / "data" / "easel.db")] == [0o700, 0o600]


async def test_the_doctor_names_what_others_may_read(settings: Settings, tmp_path: Path) -> None:
    left_by_an_earlier_release(settings.data_dir)
    (tmp_path / ".env").write_text("DISCORD_TOKEN=")
    (tmp_path / ".env").chmod(0o644)

    (found,) = [finding for finding in await examine(settings) if finding.what == "permissions"]

    assert not found.ok
    assert found.finding.startswith("other accounts on this machine may read ")
    assert {str(settings.data_dir), str(settings.data_dir / "easel-before-0007.db"), ".env"} <= set(
        found.advice.removeprefix("chmod go= ").split()
    )


async def test_the_doctor_is_content_once_all_is_tightened(settings: Settings, tmp_path: Path) -> None:
    left_by_an_earlier_release(settings.data_dir)
    keep_private(settings)
    (tmp_path / ".env").write_text("DISCORD_TOKEN=")

    (found,) = [finding for finding in await examine(settings) if finding.what == "permissions"]

    assert (found.ok, found.finding) == (True, "data, backups and .env are for this account alone")


def test_where_modes_mean_nothing_nothing_is_said_or_done(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    private = left_by_an_earlier_release(settings.data_dir)
    monkeypatch.setattr(private_files, "POSIX", False)

    keep_private(settings)

    assert readable_by_others(settings) == []
    assert [path for path in private if not mode(path) & 0o077] == []
