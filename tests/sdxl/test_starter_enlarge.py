"""The recipe from 128 to 256 pixels from start to finish, in small: a few drawn shapes, tiny models, a few steps."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from bot.services.requests.sizes import size_for
from generation.models.catalog import describe
from generation.models.safetensors_header import read_header
from generation.sdxl.sampling.sigmas import training_sigmas
from generation.starter.enlarge import pools
from generation.starter.enlarge.growth import grow
from generation.starter.enlarge.measure import held_out_pairs
from generation.starter.enlarge.perceptual import distance
from generation.starter.enlarge.schedule import BUCKETS, DEVIATION, Phase, Schedule
from generation.starter.enlarge.way import NOTES, Enlargement, Way, begin
from generation.starter.judge import judge_of
from generation.starter.train import compose
from generation.starter.train.diffusion import v_loss
from generation.starter.train.export import export, resume
from generation.starter.train.models import Models, Shape, build
from generation.starter.train.pictures import Picture
from generation.starter.train.vae import to_tensor
from generation.starter.train.vocabulary import learn_merges

torch.set_num_threads(1)

SMALL = Shape(
    unet=(16, 16, 32), unet_heads=(1, 1, 2), unet_groups=8, vae=(16, 16, 16, 16), text=(16, 24), text_heads=(2, 2)
)
LARGER = replace(SMALL, unet_depth=(1, 1, 2), vae_layers=2)


def drawn(label: str, shape: str, colour: tuple[int, int, int]) -> Picture:
    image = Image.new("RGBA", (64, 48))
    getattr(ImageDraw.Draw(image), shape)((0, 0, 63, 47), fill=(*colour, 255))
    return Picture(label, ("shape",), 7, image)


PICTURES = [
    drawn("wheel", "ellipse", (200, 30, 30)),
    drawn("blue box", "rectangle", (30, 30, 200)),
    drawn("disc", "ellipse", (200, 30, 30)),
]
SCHEDULE = Schedule(
    phases=(Phase("squares", 2, "common", square=3), Phase("names", 4, "everyday", square=2, oblong=1)),
    decoder_steps=2,
    shape=LARGER,
    batch=2,
    measured=2,
)


def small_models() -> Models:
    models = build(SMALL, learn_merges(PICTURES, 40))
    models.scaling_factor = 1.25
    return models


@pytest.fixture(scope="module")
def beginning(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exported checkpoint of 128 pixels."""
    return export(small_models(), tmp_path_factory.mktemp("beginning") / "small.safetensors")


@pytest.fixture(scope="module")
def enlarged(beginning: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the whole way ends in."""
    folder = tmp_path_factory.mktemp("way")
    return Enlargement(Way(folder, beginning, SCHEDULE), PICTURES).run()


def steps(training: dict[str, Any]) -> tuple[int, int]:
    """Returns how many steps of the UNet and of the decoder an export has behind it, by its own words."""
    return training[NOTES]["unet"]["steps"], training[NOTES]["decoder"]["steps"]


def after(calls: int) -> Callable[[], bool]:
    """Returns a question that is answered with yes from its `calls`-th time on."""
    asked = iter(range(1, 1_000_000))
    return lambda: next(asked) >= calls


@pytest.mark.ci
def test_the_way_ends_in_a_checkpoint_of_256_pixels(enlarged: Path) -> None:
    entry = describe(enlarged)
    said = read_header(enlarged).config["training"]

    assert (entry.problem, entry.native_size, entry.dtype) == (None, 256, "F16")
    assert said["subjects"] == ["blue box", "disc", "wheel"]
    assert steps(said) == (4, 2)


def test_the_encoder_and_the_text_encoders_stay_as_they_were(beginning: Path, enlarged: Path) -> None:
    before, now = resume(beginning), resume(enlarged)
    old, new = before.vae.state_dict(), now.vae.state_dict()

    assert now.shape == LARGER
    assert now.scaling_factor == pytest.approx(before.scaling_factor * DEVIATION)
    assert all(torch.equal(new[name], old[name]) for name in old if name.startswith(("encoder", "quant")))
    assert not torch.equal(new["decoder.conv_out.weight"], old["decoder.conv_out.weight"])
    assert not torch.equal(now.unet.conv_in.weight, before.unet.conv_in.weight)
    for one, other in ((before.text, now.text), (before.text_2, now.text_2)):
        assert all(torch.equal(one.state_dict()[name], value) for name, value in other.state_dict().items())


def test_the_way_leaves_a_curve_and_a_sheet_at_each_point(enlarged: Path) -> None:
    curve = [json.loads(line) for line in (enlarged.parent / "curve.jsonl").read_text().splitlines()]

    assert [point["pictures"] for point in curve] == [8, 8]  # after the UNet, and after the decoder
    assert all(point["subjects"] == 3 and 0 <= point["subject"] <= 1 for point in curve)
    assert len(list((enlarged.parent / "sheets").glob("*.png"))) == 2


@pytest.mark.ci
def test_a_stopped_way_goes_on_where_it_was(beginning: Path, tmp_path: Path) -> None:
    first = read_header(Enlargement(Way(tmp_path, beginning, SCHEDULE), PICTURES, after(9)).run()).config["training"]
    done = read_header(Enlargement(Way(tmp_path, beginning, SCHEDULE), PICTURES).run()).config["training"]

    assert 0 < steps(first)[0] < 4
    assert steps(done) == (4, 2)


@pytest.mark.ci
def test_an_export_says_how_far_it_is_so_that_another_machine_can_go_on(beginning: Path, tmp_path: Path) -> None:
    only_squares = replace(SCHEDULE, phases=SCHEDULE.phases[:1], decoder_steps=1)
    first = Enlargement(Way(tmp_path / "here", beginning, only_squares), PICTURES).run()

    there = Enlargement(Way(tmp_path / "there", first, SCHEDULE), PICTURES)
    said = read_header(there.export()).config["training"]

    assert steps(said) == (2, 1)
    assert resume(there.export()).scaling_factor == resume(first).scaling_factor


def test_grown_models_compute_what_they_computed_before() -> None:
    models = small_models()
    grown = grow(models, LARGER)
    latents, told = torch.randn(2, 4, 16, 16), {"text_embeds": torch.randn(2, 24), "time_ids": torch.ones(2, 6)}

    with torch.no_grad():
        before, now = (
            each.unet(latents, 500, torch.randn(2, 77, 40, generator=torch.Generator().manual_seed(0)), None, None,
                      None, None, told).sample
            for each in (models, grown)
        )  # fmt: skip
        decoded = [each.vae.decode(latents).sample for each in (models, grown)]

    assert grown.shape == LARGER
    torch.testing.assert_close(now, before)
    torch.testing.assert_close(decoded[1], decoded[0])


def test_models_that_are_large_already_are_left_alone(enlarged: Path) -> None:
    models = resume(enlarged)

    again = begin(models, SCHEDULE)

    assert again is models
    assert again.scaling_factor == pytest.approx(1.25 * DEVIATION)


def test_the_error_weighs_as_at_the_same_share_of_noise_in_unscaled_latents(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the guess is off by e, v at sigma / d in latents / d is off by a multiple that can be worked out."""
    models = small_models()
    latents = torch.zeros(1, 4, 8, 8)
    step = 700
    monkeypatch.setattr(torch, "rand", lambda count: torch.full((count,), ((step + 0.5) / 1000) ** 1.5))
    monkeypatch.setattr(torch, "randn", torch.zeros)
    monkeypatch.setattr(models.unet, "forward", lambda *_args, **_more: (torch.ones(1, 4, 8, 8),))
    heard = torch.zeros(1, 77, 40), torch.zeros(1, 24)

    loss = float(v_loss(models, heard, latents, torch.zeros(1, 6), DEVIATION))

    sigma = float(training_sigmas()[step])
    relative = sigma / DEVIATION
    denoised_off = sigma / (1 + sigma**2) ** 0.5  # of a v that is off by 1
    v_off = denoised_off / DEVIATION * (1 + relative**2) ** 0.5 / relative
    assert loss == pytest.approx(v_off**2, rel=1e-4)


def test_latents_come_from_the_disk_the_second_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models, phase = small_models(), SCHEDULE.phases[1]
    first = pools.pools_for(models, phase, PICTURES, tmp_path, lambda: False)
    monkeypatch.setattr(pools, "fill_pool", lambda *_: pytest.fail("encoded again"))

    again = pools.pools_for(models, phase, PICTURES, tmp_path, lambda: False)

    assert {size: tuple(pool.latents.shape) for size, pool in again.items()} == {
        (width, height): (6 if width == height else 3, 4, height // 8, width // 8) for width, height in BUCKETS
    }
    assert all(torch.equal(pool.latents, first[size].latents) for size, pool in again.items())
    assert not [pair for pool in again.values() for pair in pool.named if compose.is_held_out(*pair)]


def test_buckets_are_the_sizes_that_aspects_come_to() -> None:
    assert set(BUCKETS) == {size_for(ratio, 256) for ratio in (1, 3 / 2, 2 / 3, 4 / 3, 3 / 4)}
    assert sum(BUCKETS.values()) == pytest.approx(1)


def test_the_curve_is_measured_with_pairs_that_training_never_shows() -> None:
    pairs = held_out_pairs([picture.label for picture in PICTURES], 5, seed=31)

    assert pairs == held_out_pairs([picture.label for picture in PICTURES], 5, seed=31)
    assert all(compose.is_held_out(*pair) for pair in pairs)


@pytest.mark.parametrize("size", [(256, 256), (304, 208), (208, 304)])
def test_the_judge_knows_true_scenes_of_any_aspect(size: tuple[int, int]) -> None:
    judge = judge_of(PICTURES)
    generator = np.random.default_rng(0)

    for picture in PICTURES:
        layout = compose.draw_layout(generator, min(size))
        scene = compose.compose(picture, compose.COLOURS["green"], layout, size)

        assert scene.shape == (size[1], size[0], 3)
        assert judge.background(scene) == "green"
        assert judge.nearest(scene, "green") in judge.alike()[picture.label]


def test_one_picture_under_two_names_counts_as_one() -> None:
    alike = judge_of(PICTURES).alike()

    assert alike["wheel"] == alike["disc"] == {"disc", "wheel"}
    assert alike["blue box"] == {"blue box"}


def test_pictures_look_the_less_alike_the_more_they_are_blurred() -> None:
    encoder = small_models().vae.encoder
    picture = to_tensor([compose.compose(PICTURES[1], compose.COLOURS["green"])])
    blurred = [torch.nn.functional.avg_pool2d(picture, side, 1, side // 2) for side in (3, 7)]

    with torch.no_grad():
        same, little, much = (float(distance(encoder, each, picture)) for each in (picture, *blurred))

    assert same == 0
    assert 0 < little < much
