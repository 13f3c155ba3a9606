"""A second checkpoint goes on with a picture: as an ensemble of experts, or with a pass of its own."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import EulerDiscreteScheduler, StableDiffusionXLImg2ImgPipeline, StableDiffusionXLPipeline
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from generation import (
    SAMPLERS,
    Catalog,
    GenerationRequest,
    Hires,
    Init,
    InvalidRequestError,
    Mask,
    ModelError,
    Progress,
    Refiner,
)
from generation.images.loading import digest_of
from generation.models.catalog import describe
from generation.models.safetensors_header import Kind
from generation.request.options import Lora
from generation.sdxl.engine.refiner import put_down, refined
from generation.sdxl.engine.run import AESTHETIC_SCORES, Run, call_unet
from generation.sdxl.latents.init_latents import Start
from generation.sdxl.latents.vae import decode
from generation.sdxl.model.checkpoint import load
from generation.sdxl.model.model import Model
from generation.sdxl.sampling.noise import starting_noise
from generation.sdxl.sampling.sigmas import levels, schedule, steps_before
from generation.worker.local import LocalExecutor
from tests import tiny
from tests.marks import rest_in_ci
from tests.sdxl.conftest import CPU, pixels, request
from tests.sdxl.loras import kohya
from tests.sdxl.refiner.conftest import asked
from tests.sdxl.test_from_pictures import png
from tests.sdxl.test_rows import prompt_of

SHAPE = (1, 4, 8, 8)
PHOTO = png(np.random.default_rng(2).integers(0, 256, (64, 64, 3)).astype(np.uint8))


def driven(run: Run) -> Run:
    with torch.inference_mode():
        while run.latents is None:
            run.advance(call_unet(run.model, [run])[0])
    return run


def ensemble(asked: GenerationRequest, model: Model, expert: Model) -> Tensor:
    with torch.inference_mode():
        first = driven(Run(asked, 0, model, model.encode(asked.prompt, asked.negative_prompt)))
        text = expert.encode(asked.prompt, asked.negative_prompt)
        latents = driven(refined(put_down(first), expert, text, None)).latents
    assert latents is not None
    return latents


def by_diffusers(asked: GenerationRequest, model: Model, expert: Model) -> Tensor:
    """Paints with two pipelines: the first ends at 0.8 of the training time, where the second starts."""
    scheduler = EulerDiscreteScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", timestep_spacing="trailing"
    )
    common: dict[str, Any] = {
        "text_encoder": None, "text_encoder_2": None, "tokenizer": None, "tokenizer_2": None,
        "force_zeros_for_empty_prompt": False, "add_watermarker": False,
    }  # fmt: skip
    base: Any = StableDiffusionXLPipeline(vae=model.vae, unet=model.unet, scheduler=scheduler, **common)
    second: Any = StableDiffusionXLImg2ImgPipeline(
        vae=expert.vae, unet=expert.unet, scheduler=scheduler, requires_aesthetics_score=True, **common
    )
    highest = float(levels().highest)
    noise = starting_noise(asked.seed, SHAPE) * (1 + highest**2) ** 0.5 / highest  # theirs begins with sigma alone
    latents: Tensor = noise
    for pipeline, painter, place in ((base, model, {"denoising_end": 0.8}), (second, expert, {"denoising_start": 0.8})):
        pipeline.set_progress_bar_config(disable=True)
        prompt, negative = painter.encode(asked.prompt, asked.negative_prompt)
        size = {"width": 64, "height": 64}
        begin = {"latents": latents, **size} if painter is model else {"image": latents, "original_size": (64, 64)}
        latents = pipeline(
            prompt_embeds=prompt.hidden, pooled_prompt_embeds=prompt.pooled, negative_prompt_embeds=negative.hidden,
            negative_pooled_prompt_embeds=negative.pooled, num_inference_steps=asked.steps,
            guidance_scale=asked.guidance_scale, output_type="latent", **begin, **place,
        ).images  # fmt: skip
    return latents.float()


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # in diffusers itself
def test_the_ensemble_is_that_of_diffusers_pipelines(model: Model, expert: Model) -> None:
    wanted = asked(steps=10, negative_prompt="a pear", refiner=Refiner(model="expert", at=0.8))

    with torch.inference_mode():
        ours, theirs = ensemble(wanted, model, expert), by_diffusers(wanted, model, expert)

    assert float(ours.std()) > 0.1
    assert torch.allclose(ours, theirs, atol=1e-4)


def test_a_refiner_is_loaded_weight_by_weight(expert: Model) -> None:
    original = tiny.refiner_parts()
    loaded = {"unet": expert.unet, "vae": expert.vae, "text_encoder_2": expert.text.encoder_2}

    assert expert.text.encoder is None
    assert expert.refines
    for name, module in loaded.items():
        state = module.state_dict()
        for key, tensor in original[name].state_dict().items():  # type: ignore[index]
            assert torch.equal(state[key], tensor.half().float()), key
    heard = expert.encode("a red apple", "")[0]
    assert (heard.hidden.shape[-1], heard.pooled.shape[-1]) == (tiny.TEXT_WIDTHS[1], tiny.TEXT_WIDTHS[1])


def test_a_diffusers_folder_is_the_same_refiner(expert: Model, tmp_path: Path) -> None:
    parts = {component: module.half() for component, module in tiny.refiner_parts().items()}
    StableDiffusionXLImg2ImgPipeline(
        **parts, text_encoder=None, tokenizer=None, tokenizer_2=None, scheduler=EulerDiscreteScheduler(),
        requires_aesthetics_score=True,
    ).save_pretrained(tmp_path / "expert")  # fmt: skip

    entry = describe(tmp_path / "expert")
    loaded = load(entry, CPU)

    assert (entry.kind, entry.problem, entry.refines) == ("SDXL refiner, diffusers folder", None, True)
    assert loaded.refines
    ours = expert.unet.state_dict()
    assert all(torch.equal(tensor, ours[name]) for name, tensor in loaded.unet.state_dict().items())


def test_a_refiner_goes_on_but_does_not_begin(folder: Path) -> None:
    catalog = Catalog(folder)
    entry = catalog.find("expert")

    assert (entry.kind, entry.problem, entry.refines) == (Kind.SDXL_REFINER, None, True)
    assert "expert" not in [each.name for each in catalog.usable()]
    assert "expert" in [each.name for each in catalog.whole()]
    with pytest.raises(ModelError, match="expert is an SDXL refiner: it only goes on with"):
        Catalog(folder, "expert").default()


async def test_nobody_paints_with_a_refiner_alone(executor: LocalExecutor) -> None:
    with pytest.raises(ModelError, match="expert is an SDXL refiner"):
        await executor.generate(request(model="expert"))


@pytest.mark.parametrize(("at", "expected"), [(0.8, 8), (0.5, 5), (0.0, 0), (3, 3), (99, 10)])
def test_a_share_is_of_the_training_time_and_a_number_counts_steps(at: float, expected: int) -> None:
    assert steps_before(schedule("simple", "euler", 10), at, levels()) == expected


def test_with_karras_the_refiner_gets_the_levels_it_was_trained_on() -> None:
    sigmas = schedule("karras", "euler", 30)
    steps = steps_before(sigmas, 0.8, levels())

    assert levels().timestep(float(sigmas[steps - 1])) >= 200 > levels().timestep(float(sigmas[steps]))


@pytest.mark.parametrize("sampler", rest_in_ci(SAMPLERS, "euler", "dpmpp_2m_sde", "lcm", "uni_pc"))
def test_every_sampler_can_be_taken_over(model: Model, sampler: str) -> None:
    """A checkpoint that takes over from itself paints about the same picture."""
    handed = asked(sampler=sampler, scheduler="karras", steps=8, refiner=Refiner(model="tiny", at=4))
    run = Run(handed, 0, model, model.encode("a", "b"))
    told = run.calls_to_the_end

    first = driven(run)
    second = driven(refined(put_down(first), model, model.encode("a", "b"), None))

    assert second.latents is not None
    assert bool(second.latents.isfinite().all())
    if not SAMPLERS[sampler].adaptive:
        done = first.done + second.done
        assert told == SAMPLERS[sampler].calls(8)
        assert abs(done - told) <= 1  # some look ahead and make one call less at an end
    if sampler in {"euler", "heun", "dpm_2"}:
        whole = driven(
            Run(asked(sampler=sampler, scheduler="karras", steps=8, refiner=None), 0, model, model.encode("a", "b"))
        )
        assert whole.latents is not None
        assert torch.allclose(second.latents, whole.latents, atol=1e-4)


async def test_it_paints_another_picture_always_the_same_and_counts_its_calls(executor: LocalExecutor) -> None:
    heard: list[Progress] = []

    plain, once, again = [
        pixels(await executor.generate(each, heard.append if each.refiner else None))
        for each in (asked(refiner=None), asked(), asked())
    ]

    assert np.array_equal(once, again)
    assert np.abs(plain - once).mean() > 0.2
    assert (heard[-1].done, heard[-1].total, asked().calls) == (5, 5, 5)


@pytest.mark.parametrize(
    "refiner",
    [
        Refiner(model="expert"),
        pytest.param(Refiner(model="zebra", at=2), marks=pytest.mark.ci),
        pytest.param(Refiner(model="expert", strength=0.5, steps=2), marks=pytest.mark.ci),
    ],
)
async def test_each_picture_of_a_batch_is_what_it_would_be_alone(executor: LocalExecutor, refiner: Refiner) -> None:
    wanted = asked(count=3, refiner=refiner)

    batch = await executor.generate(wanted)
    alone = [await executor.generate(wanted.picture(index)) for index in range(3)]

    for index, each in enumerate(alone):
        assert np.abs(pixels(batch, index) - pixels(each)).max() <= 1


async def test_a_checkpoint_paints_a_pass_of_its_own_as_it_would_over_that_picture(
    folder: Path, executor: LocalExecutor, model: Model
) -> None:
    zebra = load(describe(folder / "zebra.safetensors"), CPU)
    wanted = asked(guidance_scale=1.0, refiner=Refiner(model="zebra", strength=0.5, steps=3))
    result = await executor.generate(wanted)

    with torch.inference_mode():
        first = driven(Run(asked(guidance_scale=1.0, refiner=None), 0, model, model.encode("a red apple", None)))
        start = Start(first.latents, strength=0.5)
        over = Run(asked(guidance_scale=1.0, steps=3, refiner=None), 0, zebra, zebra.encode("a red apple", None), start)
        expected = decode(zebra, driven(over).latents)  # type: ignore[arg-type]

    assert wanted.calls == 8
    assert np.abs(pixels(result) - expected.numpy().astype(np.int16)).max() <= 1


async def test_with_hires_the_refiner_ends_the_second_pass(
    executor: LocalExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[bool, tuple[int, ...]]] = []
    predict = Model.predict

    def watched(model: Model, latents: Tensor, *others: Any) -> Tensor:
        seen.append((model.refines, tuple(latents.shape[-2:])))
        return predict(model, latents, *others)

    monkeypatch.setattr(Model, "predict", watched)

    result = await executor.generate(
        asked(steps=3, hires=Hires(scale=2, steps=4, strength=1.0, tile=96), refiner=Refiner(model="expert", at=3))
    )

    assert pixels(result).shape == (128, 128, 3)
    assert seen == [(False, (8, 8))] * 3 + [(False, (12, 12))] * 3 * 4 + [(True, (12, 12))] * 4


async def test_outside_a_mask_the_refiner_changes_nothing(executor: LocalExecutor) -> None:
    drawn = np.zeros((64, 64), np.uint8)
    drawn[:, :24] = 255
    files = {digest_of(file): file for file in (PHOTO, png(drawn))}
    init, mask = (digest_of(file) for file in (PHOTO, png(drawn)))

    for refiner in (Refiner(model="expert", at=2), Refiner(model="zebra", strength=0.5, steps=2)):
        wanted = asked(init=Init(picture=init, strength=0.9), mask=Mask(picture=mask, feather=4), refiner=refiner)
        result = pixels(await executor.generate(wanted, inputs=files))
        photo = pixels_of(PHOTO)
        assert np.abs(result[:, 28:] - photo[:, 28:]).max() == 0
        assert np.abs(result[:, :24] - photo[:, :24]).mean() > 1


def pixels_of(file: bytes) -> NDArray[np.int16]:
    return np.asarray(Image.open(io.BytesIO(file))).astype(np.int16)


async def test_loras_are_the_base_checkpoints_alone(folder: Path, executor: LocalExecutor) -> None:
    kohya(load(describe(folder / "tiny.safetensors"), CPU), folder / "fur.safetensors", alpha=2.0)

    with_lora = await executor.generate(asked(loras=(Lora("fur"),), refiner=Refiner(model="expert", at=3)))
    refiner_alone = await executor.generate(asked(loras=(Lora("fur"),), refiner=Refiner(model="expert", at=0)))
    without = await executor.generate(asked(refiner=Refiner(model="expert", at=0)))

    assert np.array_equal(pixels(refiner_alone), pixels(without))
    assert not np.array_equal(pixels(with_lora), pixels(without))


async def test_where_no_step_is_left_for_it_people_are_told(executor: LocalExecutor) -> None:
    plain = await executor.generate(asked(steps=2, refiner=None))
    result = await executor.generate(asked(steps=2, refiner=Refiner(model="expert", at=0.9)))

    assert np.array_equal(pixels(plain), pixels(result))
    assert [note.partition(":")[0] for note in result.notes] == ["The refiner had nothing to do"]


async def test_a_refiner_that_is_not_there_is_named(executor: LocalExecutor) -> None:
    with pytest.raises(ModelError, match=r"There is no model named 'expet'. Did you mean expert"):
        await executor.generate(asked(refiner=Refiner(model="expet")))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"at": 5.0}, "refiner_at is 5, but of 5 steps that leaves none"),
        ({"at": 2.5}, "refiner_at must be a whole number, not 2.5"),
        ({"at": -1}, "refiner_at must be between 0 and 150"),
        ({"strength": 2}, "refiner_strength must be between 0 and 1"),
        ({"steps": 0}, "refiner_steps must be between 1 and 150"),
        ({"model": ""}, "refiner must be the name of a model"),
    ],
)
def test_impossible_refiners_are_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidRequestError, match=reason):
        asked(refiner=Refiner(**({"model": "expert"} | changes)))


@torch.inference_mode()
def test_prompts_that_take_separate_calls_are_each_told_their_own_score(expert: Model) -> None:
    run = Run(asked(refiner=None), 0, expert, expert.encode(prompt_of(3), prompt_of(7)))

    told = []
    for _ in range(2):
        told.append(float(run.time_ids()[0, -1]))
        run.advance(call_unet(expert, [run])[0])

    assert told == list(AESTHETIC_SCORES)


async def test_a_refiner_goes_on_with_prompts_that_take_separate_calls(executor: LocalExecutor) -> None:
    news: list[Progress] = []
    prompts = {"prompt": prompt_of(3), "negative_prompt": prompt_of(7)}

    result = await executor.generate(asked(refiner=Refiner(model="expert", at=3), **prompts), news.append)

    assert (result.calls, news[-1].done, news[-1].total) == (10, 5, 5)
