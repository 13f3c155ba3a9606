"""A models folder that nobody vouches for: each broken thing is listed with its reason, and nothing stops."""

import errno
import os
import resource
from pathlib import Path

import pytest

from bot.services.models import ModelRegistry
from generation import Catalog, ModelError
from generation.models.auxiliary import AuxiliaryFiles
from generation.models.catalog import describe
from generation.models.download import add
from generation.models.folders import MAX_DEPTH
from generation.models.safetensors_header import Kind, recognise
from generation.models.safetensors_header import read_header as read
from generation.visible import is_visible, visible
from tests import zoo


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("secret-place") / "models"
    zoo.fill(folder)
    return folder


@pytest.fixture(scope="module")
def reasons(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return zoo.fill(tmp_path_factory.mktemp("again") / "models")


@pytest.fixture
def unreadable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that may not be looked into; the superuser, who may run these tests, could."""
    closed = tmp_path / "closed"
    closed.mkdir()
    look = os.scandir

    def scandir(path: Path) -> object:
        if path == closed:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return look(path)

    monkeypatch.setattr(os, "scandir", scandir)
    return closed


def test_each_broken_thing_is_listed_as_unusable_with_its_reason(folder: Path, reasons: dict[str, str]) -> None:
    listed = {Path(entry.source).name: entry for entry in Catalog(folder, starter=None).entries()}

    told = {name: listed[name].problem or "usable" for name in reasons}
    assert {name: words for name, words in told.items() if reasons[name] not in words} == {}


def test_what_is_sound_stays_usable_among_broken_things(folder: Path) -> None:
    usable = {entry.name: entry.native_size for entry in Catalog(folder, starter=None).usable()}

    assert usable == {"zz-good": 128, "zz-oblong": 880}


def test_no_reason_shows_where_the_folder_lies_or_steers_a_terminal(folder: Path) -> None:
    entries = Catalog(folder, starter=None).entries()

    texts = [text for entry in entries for text in (entry.name, entry.kind, entry.dtype, entry.problem or "")]
    assert [text for text in texts if "secret-place" in text or not is_visible(text) or len(text) > 500] == []


def test_extras_leave_out_what_is_broken(folder: Path) -> None:
    extras = AuxiliaryFiles(folder)

    assert set(extras.all_names().get(Kind.LORA, ())) >= {"tags-infinite", "tags-deep", "tags-list"}
    assert all(is_visible(name) for names in extras.all_names().values() for name in names)
    assert extras.loras()["tags-infinite"] == ""


async def test_the_shelf_is_kept_fresh_whatever_lies_in_the_folder(folder: Path) -> None:
    shelf = ModelRegistry(Catalog(folder), AuxiliaryFiles(folder))

    await shelf.refresh()

    assert shelf.default() == "zz-good"
    assert "tags-infinite" in shelf.loras


@pytest.mark.parametrize(
    "name", [*zoo.FILES, *zoo.FOLDERS, "dangling.safetensors", "loop.safetensors", "pipe.safetensors"]
)
def test_nothing_broken_is_added(folder: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelError):
        add(str(folder / name), tmp_path / "models", lambda _done, _total: None)

    assert not (tmp_path / "models").exists()


def test_a_folder_that_may_not_be_read_is_listed(unreadable: Path) -> None:
    entries = Catalog(unreadable.parent, starter=None).entries()

    assert [entry.problem for entry in entries] == ["The folder closed cannot be read (Permission denied)."]
    assert Catalog(unreadable, str(unreadable / "x.safetensors")).entries()[0].problem is not None


def test_folders_nested_too_deeply_are_listed(tmp_path: Path) -> None:
    deep = tmp_path / Path(*["a"] * (MAX_DEPTH + 5))
    deep.mkdir(parents=True)

    (entry,) = Catalog(tmp_path, starter=None).entries()

    assert "folders within each other" in str(entry.problem)


def test_a_file_that_vanishes_between_two_looks_is_no_failure(tmp_path: Path) -> None:
    zoo.diffusers(tmp_path / "model")
    catalog = Catalog(tmp_path, starter=None)
    assert catalog.usable()

    (tmp_path / "model" / "unet" / "config.json").unlink()
    (tmp_path / "model").touch()
    os.utime(tmp_path / "model", (1, 1))

    assert "unet is missing" in str(catalog.entries()[0].problem)


def test_a_folder_that_was_half_copied_is_looked_at_again(tmp_path: Path) -> None:
    zoo.diffusers(tmp_path / "model", unet='{"sample')
    catalog = Catalog(tmp_path, starter=None)
    assert not catalog.usable()

    (tmp_path / "model" / "unet" / "config.json").write_text('{"sample_size": 64}', encoding="utf-8")

    assert [entry.native_size for entry in catalog.usable()] == [512]


@pytest.mark.parametrize("setting", ["{}/gone/folder", "{}/gone.safetensors", "~nobody-of-this-name/x"])
def test_a_default_model_that_is_not_there_is_refused_without_its_folder(tmp_path: Path, setting: str) -> None:
    with pytest.raises(ModelError) as refused:
        Catalog(tmp_path / "models", setting.format(tmp_path / "secret-place")).default()

    assert "secret-place" not in str(refused.value)


def test_many_tensors_are_recognised_in_bounded_memory(tmp_path: Path) -> None:
    keys = ",".join(f'"k{number}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}' for number in range(100_000))
    path = tmp_path / "many.safetensors"
    path.write_bytes(zoo.raw(b"{" + keys.encode() + b"}"))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    assert recognise(read(path)) is Kind.UNKNOWN
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400_000


def test_hidden_characters_are_written_out() -> None:
    assert visible("a\x1b[2J\x9b\u202e\ud800\n猫👩\u200d🎨") == "a\\x1b[2J\\x9b\\u202e\\ud800\\n猫👩\u200d🎨"
    assert visible("a\nb\tc", keep="\n") == "a\nb\\tc"


def test_a_thing_that_is_nothing_is_described(tmp_path: Path) -> None:
    assert describe(tmp_path / "x\0.safetensors").problem is not None
