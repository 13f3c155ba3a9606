"""What lies next to the checkpoints: found by name, and never by a path that somebody typed."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from generation import ModelError
from generation.metadata import from_json
from generation.models.auxiliary import AuxiliaryFiles
from generation.models.catalog import STARTER_FILE, ModelEntry
from generation.models.safetensors_header import Kind
from generation.prompt.parser import embeddings, parse
from generation.prompt.token_count import TokenCounter
from generation.request.validation import file_name

EMBEDDING = {"clip_l": (2, 8), "clip_g": (2, 12)}
VAE = {"decoder.conv_in.weight": (1,)}


def write(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({key: np.zeros(shape, np.float16) for key, shape in shapes.items()}, path)
    return path


class Counting(AuxiliaryFiles):
    """Extras that know what was looked up."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.found: list[str] = []

    def find(self, kind: Kind, name: str) -> Path:
        self.found.append(name)
        return super().find(kind, name)


STARTER = ModelEntry("starter", STARTER_FILE, "")


class OffLimits(AuxiliaryFiles):
    """Extras whose folder may not be looked at."""

    def _files(self) -> list[Path]:
        raise AssertionError("the file system was touched")


@pytest.mark.parametrize("kind", [Kind.EMBEDDING, Kind.LORA, Kind.UPSCALER, Kind.VAE, Kind.TINY_DECODER])
@pytest.mark.parametrize(
    "name",
    [
        "/etc/private.safetensors",
        "../private.safetensors",
        "sub/private",
        "~/private.safetensors",
        "\\\\host\\share\\x.safetensors",
        "C:\\models\\x.safetensors",
        "pear\0",
    ],
)
def test_a_path_is_refused_by_name_before_the_file_system_is_touched(tmp_path: Path, kind: Kind, name: str) -> None:
    with pytest.raises(ModelError, match=r"is a path\. Name the .* by its file's name alone"):
        OffLimits(tmp_path).find(kind, name)


@pytest.mark.parametrize("name", ["private.safetensors", "..", ".", "private"])
def test_a_file_outside_the_models_folder_is_not_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    write(tmp_path / "private.safetensors", EMBEDDING)
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ModelError, match="There is no textual inversion embedding named"):
        AuxiliaryFiles(tmp_path / "models").find(Kind.EMBEDDING, name)


def test_a_vae_that_the_operator_names_by_its_path_is_found_by_its_name_alone(tmp_path: Path) -> None:
    path = write(tmp_path / "elsewhere" / "soft.safetensors", VAE)
    extras = AuxiliaryFiles(tmp_path / "models", str(path))

    assert extras.names(Kind.VAE) == ["soft"]
    assert extras.find(Kind.VAE, "Soft") == path
    with pytest.raises(ModelError, match="is a path"):
        extras.find(Kind.VAE, str(path))


def test_a_setting_that_names_no_vae_says_what_the_file_is(tmp_path: Path) -> None:
    path = write(tmp_path / "pear.safetensors", EMBEDDING)

    with pytest.raises(ModelError, match=r"pear.safetensors is no VAE but a textual inversion embedding"):
        AuxiliaryFiles(tmp_path / "models", str(path)).find(Kind.VAE, "pear")


@pytest.mark.parametrize(
    ("setting", "name"),
    [
        (None, ""),
        ("soft", "soft"),
        ("/srv/models/soft.v2.safetensors", "soft.v2"),
        ("C:\\models\\soft.safetensors", "soft"),
        ("soft.safetensors", "soft"),
    ],
)
def test_people_see_the_name_of_the_operators_vae_and_not_its_folder(setting: str | None, name: str) -> None:
    assert file_name(setting) == name


def test_a_path_in_an_earlier_versions_recipe_becomes_a_name() -> None:
    old = '{"easel": 4, "request": {"prompt": "a", "model": "m", "seed": 1, "vae": "/srv/models/soft.safetensors"}}'

    assert from_json(old).vae == "soft"


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        ({"clip_l": (2, 8)}, "is an embedding for Stable Diffusion 1.x or 2.x, not for SDXL"),
        ({"clip_g": (2, 8)}, "not for SDXL"),
        ({"emb_params": (2, 8)}, "not for SDXL"),
        ({"clip_l": (4, 8), "clip_g": (2, 12)}, "is damaged: clip_l and clip_g must be as many vectors"),
        ({"clip_l": (), "clip_g": ()}, "is damaged"),
        ({"clip_l": (8,), "clip_g": (12,)}, "is damaged"),
    ],
)
def test_an_embedding_that_cannot_be_used_is_refused_in_words_where_tokens_are_counted(
    tmp_path: Path, shapes: dict[str, tuple[int, ...]], words: str
) -> None:
    write(tmp_path / "pear.safetensors", shapes)

    with pytest.raises(ModelError, match=words):
        TokenCounter(AuxiliaryFiles(tmp_path)).count("embedding:pear", "comfyui", STARTER)


def test_an_embedding_named_many_times_is_looked_up_once(tmp_path: Path) -> None:
    write(tmp_path / "pear.safetensors", {"clip_l": (1, 8), "clip_g": (1, 12)})
    extras = Counting(tmp_path)

    counts = TokenCounter(extras).count("embedding:pear, embedding:PEAR, " * 9, "comfyui", STARTER)

    assert [count.used for count in counts] == [36, 36]
    assert extras.found == ["pear"]


def test_a_prompt_tells_which_embeddings_it_asks_for() -> None:
    text = "embedding:pear, (embedding:old style:1.2) BREAK [embedding:apple], embedding:pear, anembedding:no"

    assert embeddings(parse(text, "a1111")) == ("pear", "old", "apple")
    assert embeddings(parse("a cat")) == ()
