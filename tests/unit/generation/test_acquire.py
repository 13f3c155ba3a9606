"""Adding models: from a file, and from a hub on loopback."""

import hashlib
import json
import shutil
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from huggingface_hub import HfApi
from safetensors.numpy import load_file, save, save_file

from generation import Catalog, ModelError
from generation.models.download import add
from tests.fakes import model_files
from tests.hub import COMMIT, Hub, running

LORA = save({"x.lora_up.weight": np.zeros(1, np.float16)})
PARTS = ("unet", "vae", "text_encoder", "text_encoder_2")


@pytest.fixture(autouse=True)
def quiet_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)  # the suite is offline but for loopback
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_PROGRESS_BARS", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running() as hub:
        yield hub


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    model_files(tmp_path / "downloads", "opendalle")
    return tmp_path / "downloads" / "opendalle.safetensors"


def silent(_done: int, _total: int) -> None:
    pass


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def recorded(folder: Path) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = json.loads((folder / "models.json").read_text())
    return found


def test_a_file_is_copied_hashed_and_written_down(folder: Path, checkpoint: Path) -> None:
    told: list[tuple[int, int]] = []

    added = add(str(checkpoint), folder, lambda done, total: told.append((done, total)))

    content = checkpoint.read_bytes()
    assert (folder / "opendalle.safetensors").read_bytes() == content
    assert Catalog(folder).default() == added.entry
    assert added.hashes == {"opendalle.safetensors": sha256(content)}
    assert recorded(folder) == {"opendalle": {"source": "opendalle.safetensors", "sha256": added.hashes}}
    assert told[-1] == (len(content), len(content))


def test_a_file_that_lies_there_already_is_only_written_down(folder: Path) -> None:
    model_files(folder / "sdxl", "opendalle")

    added = add(str(folder / "sdxl" / "opendalle.safetensors"), folder, silent)

    assert list(added.hashes) == ["sdxl/opendalle.safetensors"]
    assert [path.name for path in folder.rglob("*.safetensors")] == ["opendalle.safetensors"]


def test_what_cannot_be_painted_with_is_refused_and_not_copied(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "style.safetensors").write_bytes(LORA)

    with pytest.raises(ModelError, match=r"style.safetensors is not an SDXL checkpoint but a LoRA"):
        add(str(tmp_path / "style.safetensors"), folder, silent)

    assert not folder.exists()


def test_a_file_that_is_not_there_is_named(folder: Path) -> None:
    with pytest.raises(ModelError, match=r"nothing.safetensors"):
        add("nothing.safetensors", folder, silent)


def test_a_taken_name_is_refused(folder: Path, checkpoint: Path) -> None:
    add(str(checkpoint), folder, silent)

    with pytest.raises(ModelError, match=r"There is a opendalle.safetensors in the models folder already"):
        add(str(checkpoint), folder, silent)


def test_a_full_disk_is_noticed_before_copying(folder: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(10**9, 10**9, 5 * 10**8))

    with pytest.raises(ModelError, match=r"has only 0.5 GB left"):
        add(str(checkpoint), folder, silent)

    assert list(folder.iterdir()) == []


def test_the_only_checkpoint_of_a_repository_is_downloaded(folder: Path, checkpoint: Path, hub: Hub) -> None:
    content = checkpoint.read_bytes()
    hub.repositories["someone/dalle"] = {"opendalle.safetensors": content, "README.md": b"Read me."}

    added = add("someone/dalle", folder, silent, hub.address)

    assert (folder / "opendalle.safetensors").read_bytes() == content
    assert recorded(folder) == {
        "opendalle": {"source": f"someone/dalle@{COMMIT}", "sha256": {"opendalle.safetensors": sha256(content)}}
    }
    assert [entry.name for entry in Catalog(folder, starter=None).entries()] == [added.entry.name]


def test_one_of_several_checkpoints_must_be_named(folder: Path, checkpoint: Path, hub: Hub) -> None:
    content = checkpoint.read_bytes()
    hub.repositories["someone/two"] = {"a.safetensors": content, "b.safetensors": content}

    with pytest.raises(ModelError, match=r"has a.safetensors, b.safetensors; name one"):
        add("someone/two", folder, silent, hub.address)

    assert add("someone/two/b.safetensors@main", folder, silent, hub.address).entry.name == "b"


def test_a_lora_is_refused_by_its_header_before_it_is_downloaded(folder: Path, hub: Hub) -> None:
    hub.repositories["someone/style"] = {"style.safetensors": LORA}

    with pytest.raises(ModelError, match=r"style.safetensors is not an SDXL checkpoint but a LoRA"):
        add("someone/style", folder, silent, hub.address)

    assert hub.asked == []


def test_a_download_that_broke_off_goes_on(
    folder: Path, tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 50_000)  # so that a small file has several
    model_files(tmp_path, "small")
    tensors = load_file(tmp_path / "small.safetensors") | {"first_stage_model.x": np.zeros(300_000, np.float16)}
    save_file(tensors, tmp_path / "large.safetensors")
    content = (tmp_path / "large.safetensors").read_bytes()
    hub.repositories["someone/large"] = {"large.safetensors": content}
    hub.breaks["large.safetensors"] = 200_000

    add("someone/large", folder, silent, hub.address)

    assert (folder / "large.safetensors").read_bytes() == content
    assert [name for name, _ in hub.asked] == ["large.safetensors"] * 2
    assert hub.asked[1][1] > 0


def test_what_arrives_damaged_is_deleted(folder: Path, checkpoint: Path, hub: Hub) -> None:
    hub.repositories["someone/dalle"] = {"opendalle.safetensors": checkpoint.read_bytes()}
    hub.claimed["opendalle.safetensors"] = "0" * 64

    with pytest.raises(ModelError, match=r"opendalle.safetensors arrived damaged"):
        add("someone/dalle", folder, silent, hub.address)

    assert not (folder / "opendalle.safetensors").exists()
    assert not (folder / "models.json").exists()


def test_a_diffusers_folder_comes_with_its_half_precision_weights_only(folder: Path, hub: Hub) -> None:
    weights = save({"x": np.zeros(1, np.float16)})
    files = {"model_index.json": b'{"_class_name": "StableDiffusionXLPipeline"}', "big.safetensors": weights}
    for part in PARTS:
        files |= {f"{part}/config.json": b"{}", f"{part}/model.safetensors": weights}
        files |= {f"{part}/model.fp16.safetensors": weights, f"{part}/model.onnx": b"other"}
    hub.repositories["someone/pipeline"] = files

    added = add("someone/pipeline", folder, silent, hub.address)

    assert added.entry.kind == "SDXL diffusers folder"
    assert sorted(added.hashes) == sorted(f"pipeline/{part}/model.fp16.safetensors" for part in PARTS)
    assert not [path for path in folder.rglob("*") if path.name in {"model.onnx", "big.safetensors"}]


def test_an_unknown_repository_is_named(folder: Path, hub: Hub) -> None:
    with pytest.raises(ModelError, match=r"nobody/nothing could not be fetched from the hub: .*404"):
        add("nobody/nothing", folder, silent, hub.address)


@pytest.mark.parametrize(
    "name",
    [
        "../stolen.safetensors",
        "a/../../stolen.safetensors",
        "/stolen.safetensors",
        "..\\stolen.safetensors",
        "C:x.safetensors",
    ],
)
def test_a_hub_that_names_files_outside_the_folder_is_refused(
    folder: Path, checkpoint: Path, hub: Hub, name: str
) -> None:
    hub.repositories["someone/dalle"] = {"opendalle.safetensors": checkpoint.read_bytes(), name: b"stolen"}

    with pytest.raises(ModelError, match="would not lie in the models folder"):
        add("someone/dalle/opendalle.safetensors", folder, silent, hub.address)

    assert hub.asked == []


@pytest.mark.parametrize("claim", ["x/..", "..", "x/../../elsewhere", "", "someone/other"])
def test_the_folder_is_named_by_what_was_asked_for_and_not_by_the_hub(
    folder: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch, claim: str
) -> None:
    weights = save({"x": np.zeros(1, np.float16)})
    files = {"model_index.json": b"{}"}
    for part in PARTS:
        files |= {f"{part}/config.json": b"{}", f"{part}/model.safetensors": weights}
    hub.repositories["someone/pipeline"] = files
    answered = HfApi.model_info

    def claiming(*args: Any, **kwargs: Any) -> Any:
        info = answered(*args, **kwargs)
        info.id = claim
        return info

    monkeypatch.setattr(HfApi, "model_info", claiming)

    add("someone/pipeline", folder, silent, hub.address)

    assert {path.name for path in folder.parent.iterdir()} <= {"models", "cache"}
    assert (folder / "pipeline" / "model_index.json").is_file()
    assert json.loads((folder / "models.json").read_text())["pipeline"]["source"] == f"someone/pipeline@{COMMIT}"


@pytest.mark.parametrize("source", ["someone/..", "../someone", "someone/.hidden", "./x", "a/../b.safetensors"])
def test_an_id_that_is_a_path_is_no_hub_id(folder: Path, hub: Hub, source: str) -> None:
    with pytest.raises(ModelError):
        add(source, folder, silent, hub.address)

    assert not folder.exists()


def test_a_record_that_cannot_be_read_is_said_in_words(folder: Path, checkpoint: Path) -> None:
    folder.mkdir()
    (folder / "models.json").write_text("[" * 100_000)

    with pytest.raises(ModelError, match=r"models\.json in the models folder cannot be read"):
        add(str(checkpoint), folder, silent)
