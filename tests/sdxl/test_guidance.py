"""What the UNet predicts, and guidance."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from generation import Catalog, GenerationSettings, ModelError
from generation.models.safetensors_header import prediction, read_header
from generation.sdxl.engine.run import Run, call_unet
from generation.sdxl.model.model import Model
from generation.sdxl.sampling.guidance import denoised_from, guide, rescale
from generation.sdxl.sampling.sigmas import levels
from generation.worker.local import LocalExecutor
from tests import tiny
from tests.sdxl.conftest import pixels, request

X0, NOISE, OTHER = (torch.randn((1, 4, 8, 8), generator=torch.Generator().manual_seed(seed)) for seed in range(3))


@pytest.mark.parametrize("sigma", [0.05, 1.0, 14.6])
def test_both_predictions_lead_to_the_same_estimate(sigma: float) -> None:
    level = torch.tensor(sigma)
    x = X0 + level * NOISE
    alpha, deviation = 1 / (1 + level**2).sqrt(), level / (1 + level**2).sqrt()
    v = alpha * NOISE - deviation * X0  # arXiv 2202.00512, appendix D

    assert torch.allclose(denoised_from(NOISE, x, level, "epsilon"), X0, atol=1e-4)
    assert torch.allclose(denoised_from(v, x, level, "v_prediction"), X0, atol=1e-4)


def test_rescaling_all_the_way_gives_back_the_positive_contrast() -> None:
    level = torch.tensor(2.0)
    x = X0 + level * NOISE
    guided = guide(X0, OTHER, 7.0)

    def v(denoised: torch.Tensor) -> torch.Tensor:
        return (x / (level**2 + 1) - denoised) * (level**2 + 1).sqrt() / level

    assert torch.allclose(rescale(guided, X0, x, level, 0.0), guided, atol=1e-5)
    assert float(v(rescale(guided, X0, x, level, 1.0)).std()) == pytest.approx(float(v(X0).std()), rel=1e-4)


def rows_per_call(model: Model, **changes: object) -> list[int]:
    asked = request(sampler="euler", scheduler="normal", steps=4, **changes)
    rows = []
    with torch.inference_mode():
        run = Run(asked, 0, model, model.encode("a", "b" if asked.guided else None))
        while run.latents is None:
            rows.append(run.rows)
            run.advance(call_unet(model, [run])[0])
    return rows


@pytest.mark.parametrize(
    ("changes", "rows"),
    [
        ({}, [2, 2, 2, 2]),
        ({"guidance_end": 0.5}, [2, 2, 1, 1]),
        ({"guidance_start": 0.25}, [1, 2, 2, 2]),
        ({"guidance_start": 0.25, "guidance_end": 0.75}, [1, 2, 2, 1]),
        ({"guidance_scale": 1.0}, [1, 1, 1, 1]),
        ({"guidance_end": 0.0}, [1, 1, 1, 1]),
    ],
)
def test_guidance_has_its_share_of_the_steps(model: Model, changes: dict[str, object], rows: list[int]) -> None:
    assert rows_per_call(model, **changes) == rows


async def test_rescaling_changes_the_picture(executor: LocalExecutor) -> None:
    plain = pixels(await executor.generate(request(negative_prompt="blue")))

    assert not np.array_equal(
        plain, pixels(await executor.generate(request(negative_prompt="blue", guidance_rescale=0.7)))
    )


@pytest.mark.parametrize(
    ("markers", "expected"),
    [((), "epsilon"), (("v_pred",), "v_prediction"), (("v_pred", "ztsnr"), "v_prediction_zsnr")],
)
async def test_a_checkpoint_tells_what_it_predicts_and_a_request_may_overrule_it(
    models_folder: Path, tmp_path: Path, markers: tuple[str, ...], expected: str
) -> None:
    tensors = load_file(models_folder / "tiny.safetensors") | {marker: torch.zeros(0) for marker in markers}
    save_file(tensors, tmp_path / "other.safetensors", {"easel.config": json.dumps(tiny.CONFIG)})
    executor = LocalExecutor(GenerationSettings(models_dir=tmp_path, device="cpu"), Catalog(tmp_path))

    found = pixels(await executor.generate(request(model="other")))
    said = pixels(await executor.generate(request(model="other", prediction=expected)))
    overruled = pixels(await executor.generate(request(model="other", prediction="epsilon")))
    await executor.close()

    assert prediction(read_header(tmp_path / "other.safetensors")) == expected
    assert np.array_equal(found, said)
    assert np.array_equal(found, overruled) == (expected == "epsilon")


def test_a_checkpoint_may_say_what_it_predicts(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_file({"x": torch.zeros(1)}, path, {"easel.config": '{"prediction": "v_prediction"}'})
    assert prediction(read_header(path)) == "v_prediction"

    save_file({"x": torch.zeros(1)}, path, {"easel.config": '{"prediction": "flow"}'})
    with pytest.raises(ModelError, match=r"prediction in its easel.config must be one of"):
        prediction(read_header(path))


def test_zero_terminal_levels_end_in_nothing_but_noise() -> None:
    trained = levels(zero_terminal=True)

    assert trained.highest == pytest.approx(4518, rel=1e-3)
    assert trained.lowest == pytest.approx(levels().lowest, rel=0.01)
    assert trained.timestep(trained.highest) == 999


async def test_a_separate_vae_decodes_where_it_is_named(models_folder: Path, tmp_path: Path) -> None:
    tensors = load_file(models_folder / "tiny.safetensors")
    save_file(tensors, tmp_path / "tiny.safetensors", {"easel.config": json.dumps(tiny.CONFIG)})
    prefix = "first_stage_model."
    vae = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
    save_file(vae, tmp_path / "same.safetensors")
    save_file(vae | {"decoder.conv_out.bias": vae["decoder.conv_out.bias"] + 0.5}, tmp_path / "bright.safetensors")
    theirs = {key: value.contiguous() for key, value in tiny.parts()["vae"].half().state_dict().items()}
    save_file(theirs, tmp_path / "diffusers.safetensors")
    executor = LocalExecutor(GenerationSettings(models_dir=tmp_path, device="cpu"), Catalog(tmp_path))

    own, same, bright, diffusers, again = [
        pixels(await executor.generate(request(vae=name))) for name in ("", "same", "bright", "diffusers", "")
    ]
    with pytest.raises(ModelError, match="There is no VAE named 'gone'"):
        await executor.generate(request(vae="gone"))
    await executor.close()

    assert np.array_equal(own, same)
    assert np.array_equal(own, diffusers)
    assert np.array_equal(own, again)
    assert bright.mean() > own.mean() + 30
