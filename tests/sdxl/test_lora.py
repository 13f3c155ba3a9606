"""LoRAs: every file's names and products are known, merging is exact, and so is taking out."""

import asyncio
import shutil
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from generation import Catalog, GenerationSettings, InvalidRequestError, ModelError
from generation.models.auxiliary import AuxiliaryFiles
from generation.models.catalog import describe
from generation.request.options import Lora
from generation.sdxl.engine import engine, run
from generation.sdxl.model import lora
from generation.sdxl.model.checkpoint import load
from generation.sdxl.model.lora import LoadedLora, LoraFile, LoraFiles, change, read
from generation.sdxl.model.model import Model
from generation.worker.local import LocalExecutor
from tests.sdxl.conftest import CPU, pixels, request
from tests.sdxl.loras import CONVOLUTION, TEXT, TEXT_2, UNET, UNET_ORIGINAL, kohya, pair, weight


@pytest.fixture
def model(models_folder: Path) -> Model:
    """A model of the test's own, whose weights may change."""
    return load(describe(models_folder / "tiny.safetensors"), CPU)


def everything(model: Model) -> dict[str, Tensor]:
    parts = {"unet": model.unet, "one": model.text.encoder, "two": model.text.encoder_2}
    return {
        f"{part}.{name}": value.clone() for part, module in parts.items() for name, value in module.named_parameters()
    }


def loaded(path: Path, strength: float = 1.0, text_strength: float = 1.0) -> LoadedLora:
    return LoadedLora(Lora(path.stem, strength, text_strength), read(path))


def test_merged_weights_are_those_one_computes_and_come_back_bit_by_bit(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "fur.safetensors"
    pairs = kohya(model, path, alpha=2.0)
    before = everything(model)
    places = [("unet", UNET, 0.8), ("text_encoder", TEXT, 0.5), ("text_encoder_2", TEXT_2, 0.5)]
    originals = [weight(model, which, name).clone() for which, name, _ in places]

    model.use_loras([loaded(path, 0.8, 0.5)])

    for (which, name, strength), original, (down, up) in zip(places, originals, pairs.values(), strict=True):
        expected = original + strength * 2.0 / 4 * (up @ down)
        assert torch.allclose(weight(model, which, name), expected, atol=1e-5)
    model.use_loras([])
    assert all(torch.equal(value, before[name]) for name, value in everything(model).items())


def test_in_half_precision_too_the_weights_come_back_bit_by_bit(models_folder: Path, tmp_path: Path) -> None:
    half = load(describe(models_folder / "tiny.safetensors"), replace(CPU, dtype=torch.bfloat16))
    kohya(half, tmp_path / "a.safetensors", seed=1)
    kohya(half, tmp_path / "b.safetensors", seed=2)
    before = everything(half)

    for strength in (1.0, -0.7):
        half.use_loras([loaded(tmp_path / "a.safetensors", strength), loaded(tmp_path / "b.safetensors", 0.3)])
    assert not torch.equal(everything(half)[f"unet.{UNET}.weight"], before[f"unet.{UNET}.weight"])
    half.use_loras([])

    assert all(torch.equal(value, before[name]) for name, value in everything(half).items())


def test_several_loras_add_up(model: Model, tmp_path: Path) -> None:
    one = kohya(model, tmp_path / "a.safetensors", alpha=4.0, seed=1)
    other = kohya(model, tmp_path / "b.safetensors", alpha=4.0, seed=2)
    original = weight(model, "unet", UNET).clone()

    model.use_loras([loaded(tmp_path / "a.safetensors", 0.5), loaded(tmp_path / "b.safetensors", -0.25)])

    name = f"lora_unet_{UNET.replace('.', '_')}"
    expected = original + 0.5 * one[name][1] @ one[name][0] - 0.25 * other[name][1] @ other[name][0]
    assert torch.allclose(weight(model, "unet", UNET), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("down_key", "up_key"),
    [
        (f"lora_unet_{UNET.replace('.', '_')}.lora_down.weight", f"lora_unet_{UNET.replace('.', '_')}.lora_up.weight"),
        (f"lora_unet_{UNET_ORIGINAL}.lora_down.weight", f"lora_unet_{UNET_ORIGINAL}.lora_up.weight"),
        (f"unet.{UNET}.lora_A.weight", f"unet.{UNET}.lora_B.weight"),
        (f"unet.{UNET}.lora.down.weight", f"unet.{UNET}.lora.up.weight"),
        (
            f"unet.{UNET.replace('.to_k', '.processor.to_k')}_lora.down.weight",
            f"unet.{UNET.replace('.to_k', '.processor.to_k')}_lora.up.weight",
        ),
    ],
    ids=["kohya", "kohya, original layout", "peft", "diffusers", "diffusers, processors"],
)
def test_every_tools_names_lead_to_the_same_weight(model: Model, tmp_path: Path, down_key: str, up_key: str) -> None:
    original = weight(model, "unet", UNET).clone()
    down, up = pair(original)
    save_file({down_key: down, up_key: up}, tmp_path / "x.safetensors")

    model.use_loras([loaded(tmp_path / "x.safetensors")])

    assert torch.allclose(weight(model, "unet", UNET), original + up @ down, atol=1e-5)


def test_a_locon_changes_convolutions(model: Model, tmp_path: Path) -> None:
    original = weight(model, "unet", CONVOLUTION).clone()
    down, up = pair(original)
    name = f"lora_unet_{CONVOLUTION.replace('.', '_')}"
    save_file({f"{name}.lora_down.weight": down, f"{name}.lora_up.weight": up}, tmp_path / "x.safetensors")

    model.use_loras([loaded(tmp_path / "x.safetensors")])

    x = torch.randn(1, original.shape[1], 8, 8)
    convolve = torch.nn.functional.conv2d
    expected = convolve(x, original, padding=1) + convolve(convolve(x, down, padding=1), up)
    assert torch.allclose(convolve(x, weight(model, "unet", CONVOLUTION), padding=1), expected, atol=1e-3)


def test_the_products_of_lycoris_are_its_papers() -> None:
    draw = torch.Generator().manual_seed(4)
    a, b, c, d = (torch.randn(*shape, generator=draw) for shape in ((6, 2), (2, 8), (6, 2), (2, 8)))
    like = torch.zeros(6, 8)

    loha = change({"hada_w1_a": a, "hada_w1_b": b, "hada_w2_a": c, "hada_w2_b": d, "alpha": torch.tensor(1.0)}, like)
    small, low, high = (torch.randn(*shape, generator=draw) for shape in ((2, 4), (3, 2), (2, 2)))
    lokr = change({"lokr_w1": small, "lokr_w2_a": low, "lokr_w2_b": high, "alpha": torch.tensor(4.0)}, like)
    down, middle, up = (torch.randn(*shape, generator=draw) for shape in ((2, 5, 1, 1), (2, 2, 3, 3), (7, 2, 1, 1)))
    tucker = change({"down": down, "mid": middle, "up": up}, torch.zeros(7, 5, 3, 3))

    assert torch.allclose(loha, (a @ b) * (c @ d) / 2, atol=1e-5)
    assert np.allclose(lokr.numpy(), np.kron(small.numpy(), (low @ high).numpy()) * 4.0 / 2, atol=1e-5)
    x = torch.randn(1, 5, 9, 9, generator=draw)
    convolve = torch.nn.functional.conv2d
    stages = convolve(convolve(convolve(x, down), middle), up)
    assert torch.allclose(convolve(x, tucker), stages, atol=1e-3)


@pytest.mark.parametrize(
    ("tensors", "reason"),
    [
        ({"lora_unet_x_attn2_to_k.lora_down.weight": (4, 768)}, "is a LoRA for Stable Diffusion 1.x, not for SDXL."),
        ({"lora_unet_x_attn2_to_k.lora_down.weight": (4, 1024)}, "is a LoRA for Stable Diffusion 2.x, not for SDXL."),
        ({"lora_te_text_model_x.lora_down.weight": (4, 9)}, "is a LoRA for Stable Diffusion 1.x or 2.x"),
        ({"lora_unet_double_blocks_0_x.lora_down.weight": (4, 3072)}, "is a LoRA for Flux, not for SDXL."),
        ({"transformer.joint_blocks.0.x.lora_A.weight": (4, 9)}, "is a LoRA for Stable Diffusion 3, not for SDXL."),
        ({"lora_te1_x.lora_up.weight": (4, 9), "lora_te1_x.dora_scale": (4, 1)}, "which Easel cannot apply"),
    ],
)
def test_what_is_for_another_base_is_refused_by_name(
    tmp_path: Path, tensors: dict[str, tuple[int, ...]], reason: str
) -> None:
    path = tmp_path / "style.safetensors"
    save_file({key: torch.zeros(shape) for key, shape in tensors.items()}, path)

    with pytest.raises(ModelError, match=rf"style.safetensors {reason}" if "cannot" not in reason else reason):
        read(path)


def test_what_does_not_fit_this_model_changes_nothing(model: Model, tmp_path: Path) -> None:
    before = everything(model)
    kohya(model, tmp_path / "good.safetensors")
    name = f"unet.{UNET}"
    save_file(
        {f"{name}.lora_A.weight": torch.ones(2, 3), f"{name}.lora_B.weight": torch.ones(5, 2)},
        tmp_path / "b.safetensors",
    )
    save_file({"unet.else.lora_A.weight": torch.ones(2, 3)}, tmp_path / "c.safetensors")

    for bad, reason in (("b", "has another shape there"), ("c", "none of its 1 parts is in it")):
        with pytest.raises(ModelError, match=reason):
            model.use_loras([loaded(tmp_path / "good.safetensors"), loaded(tmp_path / f"{bad}.safetensors")])
        assert all(torch.equal(value, before[key]) for key, value in everything(model).items())


def test_a_file_is_read_once(model: Model, tmp_path: Path) -> None:
    kohya(model, tmp_path / "fur.safetensors")
    files = LoraFiles(AuxiliaryFiles(tmp_path))

    assert files.load(Lora("fur", 0.5)).file is files.load(Lora("FUR", 1.0)).file
    with pytest.raises(ModelError, match=r"There is no LoRA named 'furr'. Did you mean fur\?"):
        files.load(Lora("furr"))


def test_a_strength_out_of_range_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="the strength of the LoRA fur must be between"):
        Lora("fur", 11)


@pytest.fixture
async def with_loras(models_folder: Path, model: Model, tmp_path: Path) -> AsyncIterator[LocalExecutor]:
    shutil.copy(models_folder / "tiny.safetensors", tmp_path)
    kohya(model, tmp_path / "fur.safetensors", alpha=16.0)
    executor = LocalExecutor(GenerationSettings(models_dir=tmp_path, device="cpu"), Catalog(tmp_path))
    yield executor
    await executor.close()


async def test_a_prompt_and_a_request_ask_for_the_same_and_the_next_job_is_untouched(
    with_loras: LocalExecutor,
) -> None:
    plain = pixels(await with_loras.generate(request()))
    typed = pixels(await with_loras.generate(request(prompt="a red apple<lora:fur:0.8>")))
    asked = pixels(await with_loras.generate(request(loras=(Lora("fur", 0.8, 0.8),))))
    again = pixels(await with_loras.generate(request()))

    assert np.abs(typed - plain).max() > 1
    assert np.array_equal(typed, asked)
    assert np.array_equal(plain, again)


async def test_jobs_with_the_same_loras_share_calls_and_others_take_turns(
    with_loras: LocalExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    call = run.call_unet

    def counted(model: Model, runs: list[object]) -> list[Tensor]:
        sizes.append(len(runs))
        return call(model, runs)  # type: ignore[arg-type]

    monkeypatch.setattr(engine, "call_unet", counted)
    furry = (Lora("fur", 0.8, 0.8),)
    alone = [
        pixels(await with_loras.generate(request(seed=seed, loras=loras))) for seed, loras in ((1, furry), (2, ()))
    ]

    results = await asyncio.gather(
        with_loras.generate(request(seed=1, loras=furry)), with_loras.generate(request(seed=2)),
        with_loras.generate(request(seed=3, loras=furry)), with_loras.generate(request(seed=4)),
    )  # fmt: skip

    assert max(sizes) == 2
    for index, expected in enumerate(alone):
        assert np.abs(pixels(results[index]) - expected).max() <= 1


async def test_a_lora_that_is_asked_for_twice_is_merged_once_with_the_sum_of_its_strengths(
    with_loras: LocalExecutor,
) -> None:
    twice = pixels(
        await with_loras.generate(request(prompt="a red apple<lora:fur:0.5>", loras=(Lora("FUR", 0.3, 0.3),)))
    )
    once = pixels(await with_loras.generate(request(prompt="a red apple<lora:fur:0.8>")))

    assert np.array_equal(twice, once)


async def test_more_loras_than_are_possible_are_refused_before_any_is_read(with_loras: LocalExecutor) -> None:
    with pytest.raises(InvalidRequestError, match="9 LoRAs are too many: at most 8 are possible"):
        await with_loras.generate(request(loras=tuple(Lora(f"feathers{number}") for number in range(9))))


async def test_a_lora_that_is_not_there_fails_only_its_own_job(with_loras: LocalExecutor) -> None:
    with pytest.raises(ModelError, match=r"There is no LoRA named 'feathers'"):
        await with_loras.generate(request(prompt="a <lora:feathers>"))

    assert pixels(await with_loras.generate(request())).std() > 1


async def test_a_lora_is_read_while_the_present_job_paints(
    with_loras: LocalExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, go_on = threading.Event(), threading.Event()

    def slow(path: Path) -> LoraFile:
        reading.set()
        assert go_on.wait(20)
        return read(path)

    monkeypatch.setattr(lora, "read", slow)
    await with_loras.generate(request(steps=1))
    furry = asyncio.create_task(with_loras.generate(request(loras=(Lora("fur"),))))
    assert await asyncio.to_thread(reading.wait, 20)

    await with_loras.generate(request(steps=4))  # painted to its end while the file is still being read

    assert not furry.done()
    go_on.set()
    await furry
