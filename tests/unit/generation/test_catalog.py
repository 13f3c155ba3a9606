import os
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from generation import Catalog, ModelError
from generation.models.catalog import describe
from generation.models.safetensors_header import Kind, read_header, recognise
from tests.fakes import model_files

UNET = "model.diffusion_model."
KINDS: list[tuple[Kind, dict[str, tuple[int, ...]]]] = [
    (Kind.SD1, {UNET + "input_blocks.0.0.weight": (1, 4), "cond_stage_model.transformer.x": (1,)}),
    (Kind.SD2, {UNET + "input_blocks.0.0.weight": (1, 4), "cond_stage_model.model.x": (1,)}),
    (Kind.SD1, {UNET + "input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight": (1, 768)}),
    (Kind.SD3, {UNET + "joint_blocks.0.x": (1,)}),
    (Kind.SDXL_REFINER, {UNET + "x": (1,), "conditioner.embedders.0.model.x": (1,)}),
    (Kind.UPSCALER, {"conv_first.weight": (64, 3, 3, 3), "body.0.rdb1.conv1.weight": (32, 64, 3, 3)}),
    (Kind.SDXL_INPAINT, {UNET + "input_blocks.0.0.weight": (1, 9), "conditioner.embedders.1.model.x": (1,)}),
    (Kind.SDXL_V_PREDICTION, {UNET + "x": (1,), "conditioner.embedders.1.model.x": (1,), "v_pred": (1,)}),
    (Kind.SDXL_NO_VAE, {UNET + "x": (1,), "conditioner.embedders.1.model.x": (1,)}),
    (Kind.UNET_ONLY, {"down_blocks.0.x": (1,)}),
    (Kind.LORA, {"lora_unet_x.lora_up.weight": (1,)}),
    (Kind.LORA, {"unet.x.to_q.lora_A.weight": (1,)}),
    (Kind.CONTROLNET, {"controlnet_cond_embedding.x": (1,), "down_blocks.0.x": (1,)}),
    (Kind.VAE, {"decoder.conv_in.weight": (1,)}),
    (Kind.EMBEDDING, {"clip_g": (1,), "clip_l": (1,)}),
    (Kind.UNKNOWN, {"something": (1,)}),
]


def write(path: Path, shapes: dict[str, tuple[int, ...]]) -> Path:
    save_file({key: np.zeros(shape, np.float16) for key, shape in shapes.items()}, path)
    return path


@pytest.mark.parametrize(("kind", "shapes"), KINDS, ids=lambda value: str(value)[:30])
def test_a_file_is_recognised_and_what_does_not_paint_is_named(
    tmp_path: Path, kind: Kind, shapes: dict[str, tuple[int, ...]]
) -> None:
    path = write(tmp_path / "thing.safetensors", shapes)

    assert recognise(read_header(path)) is kind
    assert str(kind) in str(describe(path).problem)


@pytest.mark.parametrize(
    ("start", "message"),
    [
        (b"<!DOCTYPE html><html>", "thing.safetensors is a web page, not a model"),
        (b"\x80\x02}q\x00", "thing.safetensors is a pickled PyTorch file, which can run code when opened"),
        (b"PK\x03\x04archive", "thing.safetensors is a pickled PyTorch file"),
        (b"version https://git-lfs.github.com/spec/v1\n", "thing.safetensors is a Git LFS pointer"),
        (b"GGUF....", "thing.safetensors is a GGUF file"),
        (b"", "thing.safetensors is empty"),
        (b"\xff" * 64, "thing.safetensors is damaged or was not downloaded completely"),
        (b"\x08\x00\x00\x00\x00\x00\x00\x00not json", "thing.safetensors is damaged"),
    ],
)
def test_what_is_no_safetensors_file_is_named(tmp_path: Path, start: bytes, message: str) -> None:
    path = tmp_path / "thing.safetensors"
    path.write_bytes(start)

    with pytest.raises(ModelError) as refused:
        read_header(path)

    assert str(refused.value).startswith(message)
    assert str(tmp_path) not in str(refused.value)


def test_a_truncated_download_is_named(tmp_path: Path) -> None:
    model_files(tmp_path, "model")
    path = tmp_path / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])

    assert "not downloaded completely" in str(describe(path).problem)


def test_the_only_model_is_the_default(tmp_path: Path) -> None:
    model_files(tmp_path, "opendalle")

    assert Catalog(tmp_path).default().name == "opendalle"


def test_a_model_is_found_whatever_its_capitals_and_wherever_in_the_folder(tmp_path: Path) -> None:
    model_files(tmp_path / "sdxl", "OpenDalleV1.1")

    assert Catalog(tmp_path).find("opendallev1.1").name == "OpenDalleV1.1"


def test_an_unknown_name_is_answered_with_the_nearest(tmp_path: Path) -> None:
    model_files(tmp_path, "opendalle", "juggernaut")

    with pytest.raises(ModelError, match=r"There is no model named 'opendale'. Did you mean opendalle\?"):
        Catalog(tmp_path).find("opendale")


def test_a_file_that_cannot_paint_says_why_when_it_is_named(tmp_path: Path) -> None:
    write(tmp_path / "style.safetensors", {"x.lora_up.weight": (1,)})

    with pytest.raises(ModelError, match=r"style.safetensors is not an SDXL checkpoint but a LoRA"):
        Catalog(tmp_path).find("style")


def test_two_files_of_one_name_are_told_apart(tmp_path: Path) -> None:
    model_files(tmp_path / "a", "model")
    model_files(tmp_path / "b", "model")

    assert [entry.name for entry in Catalog(tmp_path, starter=None).entries()] == ["model", "model-2"]


def test_a_file_elsewhere_becomes_the_default_under_its_own_name(tmp_path: Path) -> None:
    model_files(tmp_path / "models", "one")
    model_files(tmp_path / "elsewhere", "two")
    catalog = Catalog(tmp_path / "models", str(tmp_path / "elsewhere" / "two.safetensors"))

    assert catalog.default().name == "two"
    assert [entry.name for entry in catalog.entries()] == ["two", "one", "starter"]


def test_a_hub_id_is_named_without_its_revision(tmp_path: Path) -> None:
    entry = Catalog(
        tmp_path, "stabilityai/stable-diffusion-xl-base-1.0@462165984030d82259a11f4367a4eed129e94a7b"
    ).default()

    assert entry.name == "stabilityai/stable-diffusion-xl-base-1.0"


def test_without_models_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(
        ModelError, match=r"put an SDXL checkpoint .* into the models folder or name one with EASEL_MODEL"
    ):
        Catalog(tmp_path / "none", starter=None).default()


def test_a_new_file_is_seen_and_a_replaced_one_looked_at_again(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path, starter=None)
    path = write(tmp_path / "model.safetensors", {"something": (1,)})
    assert catalog.usable() == ()

    model_files(tmp_path, "model")
    os.utime(path, (1, 1))

    assert [entry.name for entry in catalog.usable()] == ["model"]


def test_a_pickled_checkpoint_is_listed_with_its_problem(tmp_path: Path) -> None:
    (tmp_path / "old.ckpt").write_bytes(b"PK\x03\x04")

    assert "pickled" in str(Catalog(tmp_path).entries()[0].problem)


def test_a_folder_that_is_no_sdxl_names_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text('{"_class_name": "StableDiffusionPipeline"}')

    assert "unet, vae, text_encoder, text_encoder_2 is missing (StableDiffusionPipeline)" in str(
        describe(tmp_path).problem
    )


def test_without_other_models_the_starter_is_the_default(tmp_path: Path) -> None:
    entry = Catalog(tmp_path / "none").default()

    assert (entry.name, entry.bundled, entry.native_size, entry.problem) == ("starter", True, 128, None)


def test_a_model_in_the_folder_comes_before_the_starter(tmp_path: Path) -> None:
    model_files(tmp_path, "zebra")
    catalog = Catalog(tmp_path)

    assert catalog.default().name == "zebra"
    assert [entry.name for entry in catalog.usable()] == ["zebra", "starter"]
    assert Catalog(tmp_path, "starter").default().bundled


def test_a_file_named_like_the_starter_does_not_take_its_name(tmp_path: Path) -> None:
    model_files(tmp_path, "starter")

    assert [(entry.name, entry.bundled) for entry in Catalog(tmp_path).entries()] == [
        ("starter-2", False),
        ("starter", True),
    ]


def test_a_starter_that_is_missing_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"none\.safetensors"):
        Catalog(tmp_path, "starter", starter=tmp_path / "none.safetensors").default()
