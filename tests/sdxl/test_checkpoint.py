"""Loading, compared with diffusers' and transformers' own."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import AutoencoderKL, EulerDiscreteScheduler, StableDiffusionXLPipeline, UNet2DConditionModel
from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from generation.errors import ModelError
from generation.models.catalog import describe
from generation.models.safetensors_header import Header, Kind, read_header, recognise
from generation.prompt.parser import weigh
from generation.prompt.tokenizer import clip_merges
from generation.sdxl.model.architecture import infer
from generation.sdxl.model.checkpoint import load
from generation.sdxl.model.layout import REFINER_PREFIXES, Component, origins, to_original
from generation.sdxl.model.model import Model
from tests import tiny
from tests.sdxl.conftest import CPU


@pytest.fixture(scope="module")
def model(models_folder: Path) -> Model:
    """The tiny model, loaded for these tests alone: others change what theirs holds."""
    return load(describe(models_folder / "tiny.safetensors"), CPU)


def modules(model: Model) -> dict[Component, Any]:
    return {
        "unet": model.unet,
        "vae": model.vae,
        "text_encoder": model.text.encoder,
        "text_encoder_2": model.text.encoder_2,
    }


def test_a_single_file_gives_back_every_tensor_that_was_saved(model: Model) -> None:
    for component, original in tiny.parts().items():
        loaded = modules(model)[component].state_dict()
        saved = original.state_dict()
        assert loaded.keys() == saved.keys()
        assert all(torch.equal(loaded[name], saved[name].half().float()) for name in saved), component


def test_diffusers_own_loader_finds_the_same_tensors_in_our_file(
    model: Model, models_folder: Path, diffusers_folder: Path
) -> None:
    file = str(models_folder / "tiny.safetensors")
    kinds = {"unet": UNet2DConditionModel, "vae": AutoencoderKL}

    for component, kind in kinds.items():
        theirs = kind.from_single_file(file, config=str(diffusers_folder), subfolder=component, local_files_only=True)
        ours = modules(model)[component].state_dict()  # type: ignore[index]
        assert all(torch.equal(tensor, ours[name]) for name, tensor in theirs.state_dict().items())


def test_a_diffusers_folder_loads_to_the_same_model(model: Model, diffusers_folder: Path) -> None:
    loaded = load(describe(diffusers_folder), CPU)

    for component, module in modules(loaded).items():
        ours = modules(model)[component].state_dict()
        assert all(torch.equal(tensor, ours[name]) for name, tensor in module.state_dict().items())
    words = weigh("a red apple")
    assert loaded.text.tokenizer.rows(words) == model.text.tokenizer.rows(words)


def test_a_hub_id_loads_from_the_local_cache_at_its_revision(
    diffusers_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = tmp_path / "models--someone--tiny"
    snapshot = repository / "snapshots" / ("a" * 40)
    snapshot.parent.mkdir(parents=True)
    snapshot.symlink_to(diffusers_folder)
    (repository / "refs").mkdir()
    (repository / "refs" / "v1").write_text("a" * 40)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))

    from generation import Catalog

    entry = Catalog(tmp_path / "none", "someone/tiny@v1").default()

    assert load(entry, CPU).downscale == 8
    with pytest.raises(ModelError, match="someone/tiny@v2 could not be fetched"):
        load(Catalog(tmp_path / "none", "someone/tiny@v2").default(), CPU)


def test_true_sdxl_has_its_2515_keys() -> None:
    keys = {component: len(set(_true_size_keys(component))) for component in _TRUE_SIZE}

    assert keys == {"unet": 1680, "vae": 248, "text_encoder": 196, "text_encoder_2": 389}
    strays = 2  # position_ids of CLIP-L, logit_scale of bigG
    assert sum(keys.values()) + strays == 2515


def test_true_sdxls_architecture_is_read_from_its_shapes(tmp_path: Path) -> None:
    shapes = {key: shape for component in _TRUE_SIZE for key, shape in _true_size_shapes(component).items()}

    found = infer(Header(tmp_path / "sd_xl_base_1.0.safetensors", shapes, "F16", {}))

    assert found.unet["block_out_channels"] == [320, 640, 1280]
    assert found.unet["transformer_layers_per_block"] == [1, 2, 10]
    assert found.unet["attention_head_dim"] == [5, 10, 20]
    assert found.unet["cross_attention_dim"] == 2048
    assert found.unet["projection_class_embeddings_input_dim"] == 2816
    assert found.unet["down_block_types"] == ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"]
    assert found.vae["block_out_channels"] == [128, 256, 512, 512]
    assert found.vae["scaling_factor"] == 0.13025
    assert found.text_encoder is not None
    assert (found.text_encoder["hidden_size"], found.text_encoder["num_attention_heads"]) == (768, 12)
    assert (found.text_encoder_2["hidden_size"], found.text_encoder_2["num_attention_heads"]) == (1280, 20)
    assert found.text_encoder_2["projection_dim"] == 1280


def test_the_true_refiners_architecture_is_read_from_its_shapes(tmp_path: Path) -> None:
    """What diffusers' folder of SDXL's refiner says in its unet/config.json."""
    published = {
        "block_out_channels": [384, 768, 1536, 1536],
        "attention_head_dim": [6, 12, 24, 24],
        "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
        "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
        "cross_attention_dim": 1280,
        "projection_class_embeddings_input_dim": 2560,
        "layers_per_block": 2,
        "addition_time_embed_dim": 256,
        "addition_embed_type": "text_time",
        "use_linear_projection": True,
    }
    with torch.device("meta"):
        refiner = UNet2DConditionModel(**published, transformer_layers_per_block=4)
    modules = {"unet": refiner, "vae": _true_size("vae"), "text_encoder_2": _true_size("text_encoder_2")}
    shapes = {
        key: tuple(tensor.shape)
        for component, module in modules.items()
        for key, tensor in to_original(component, module.state_dict(), REFINER_PREFIXES).items()  # type: ignore[arg-type]
    }

    header = Header(tmp_path / "sd_xl_refiner_1.0.safetensors", shapes, "F16", {})
    found = infer(header)

    assert recognise(header) is Kind.SDXL_REFINER
    assert found.text_encoder is None
    assert {name: found.unet[name] for name in published} == published
    assert found.unet["transformer_layers_per_block"] == [1, 4, 4, 4]
    assert found.text_encoder_2["hidden_size"] == 1280
    with torch.device("meta"):
        again = UNet2DConditionModel(**found.unet).state_dict()
    assert {name: tensor.shape for name, tensor in again.items()} == {
        name: tensor.shape for name, tensor in refiner.state_dict().items()
    }


def test_a_missing_tensor_is_named(models_folder: Path, tmp_path: Path) -> None:
    tensors = load_file(models_folder / "tiny.safetensors")
    del tensors["model.diffusion_model.middle_block.1.norm.weight"]
    path = tmp_path / "torn.safetensors"
    save_file(tensors, path, {"easel.config": json.dumps(tiny.CONFIG)})

    with pytest.raises(ModelError, match=r"torn.safetensors .*middle_block.1.norm.weight is missing"):
        load(describe(path), CPU)


def test_a_tensor_of_another_shape_is_named(models_folder: Path, tmp_path: Path) -> None:
    tensors = load_file(models_folder / "tiny.safetensors")
    tensors["model.diffusion_model.time_embed.0.weight"] = torch.zeros(3, 3)
    path = tmp_path / "odd.safetensors"
    save_file(tensors, path, {"easel.config": json.dumps(tiny.CONFIG)})

    with pytest.raises(ModelError, match=r"time_embed.0.weight has the shape \(3, 3\)"):
        load(describe(path), CPU)


def test_stray_keys_are_no_obstacle(models_folder: Path, tmp_path: Path) -> None:
    tensors = load_file(models_folder / "tiny.safetensors")
    tensors["model_ema.decay"] = torch.zeros(1)
    tensors["conditioner.embedders.1.model.logit_scale"] = torch.zeros(1)
    path = tmp_path / "stray.safetensors"
    save_file(tensors, path, {"easel.config": json.dumps(tiny.CONFIG)})

    assert load(describe(path), CPU).latent_channels == 4


def test_a_checkpoint_may_bring_its_own_vocabulary(models_folder: Path, tmp_path: Path) -> None:
    merges = list(clip_merges()[:1000])
    models = tiny.parts()
    for name in ("text_encoder", "text_encoder_2"):
        models[name].resize_token_embeddings(512 + len(merges) + 2)
    path = tmp_path / "words.safetensors"
    tiny.save_single_file(path, models, {**tiny.CONFIG, "tokenizer": {"merges": merges}})

    loaded = load(describe(path), CPU)

    assert loaded.text.tokenizer.size == 1514
    assert loaded.encode("the red apple", None)[0].hidden.shape == (1, 77, sum(tiny.TEXT_WIDTHS))


def test_the_header_is_read_without_tensors(models_folder: Path) -> None:
    header = read_header(models_folder / "tiny.safetensors")

    assert header.dtype == "F16"
    assert header.shapes["model.diffusion_model.input_blocks.0.0.weight"] == (32, 4, 3, 3)
    assert header.config["native_size"] == 256


@pytest.fixture(scope="session")
def diffusers_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model as diffusers itself saves it, in half precision."""
    folder = tmp_path_factory.mktemp("diffusers") / "tiny"
    models = {component: module.half() for component, module in tiny.parts().items()}
    vocabulary = {"<|startoftext|>": 0, "<|endoftext|>": 1}
    tokenizer = CLIPTokenizer(vocab=vocabulary, merges=[])
    pipeline = StableDiffusionXLPipeline(
        **models, tokenizer=tokenizer, tokenizer_2=tokenizer, scheduler=EulerDiscreteScheduler()
    )  # fmt: skip
    pipeline.save_pretrained(folder, safe_serialization=True)
    for name in ("tokenizer", "tokenizer_2"):
        (folder / name / "merges.txt").write_text("#version: 0.2\n" + "\n".join(clip_merges()) + "\n")
    return folder


_TRUE_SIZE: tuple[Component, ...] = ("unet", "vae", "text_encoder", "text_encoder_2")


def _true_size_keys(component: Component) -> list[str]:
    return [origin.key for origin in origins(component, _true_size(component).state_dict()).values()]


def _true_size_shapes(component: Component) -> dict[str, tuple[int, ...]]:
    tensors = to_original(component, _true_size(component).state_dict())
    return {key: tuple(tensor.shape) for key, tensor in tensors.items()}


def _true_size(component: Component) -> Any:
    with torch.device("meta"):
        if component == "unet":
            return UNet2DConditionModel(
                block_out_channels=(320, 640, 1280), attention_head_dim=[5, 10, 20], cross_attention_dim=2048,
                down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
                up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
                transformer_layers_per_block=[1, 2, 10], use_linear_projection=True, addition_embed_type="text_time",
                addition_time_embed_dim=256, projection_class_embeddings_input_dim=2816,
            )  # fmt: skip
        if component == "vae":
            return AutoencoderKL(
                down_block_types=["DownEncoderBlock2D"] * 4, up_block_types=["UpDecoderBlock2D"] * 4,
                block_out_channels=[128, 256, 512, 512], layers_per_block=2, latent_channels=4,
            )  # fmt: skip
        if component == "text_encoder":
            return CLIPTextModel(CLIPTextConfig(
                hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12,
            ))  # fmt: skip
        return CLIPTextModelWithProjection(CLIPTextConfig(
            hidden_size=1280, intermediate_size=5120, num_hidden_layers=32, num_attention_heads=20,
            projection_dim=1280, hidden_act="gelu",
        ))  # fmt: skip
