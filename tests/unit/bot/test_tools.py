from dataclasses import replace

import pytest

from bot.domain import Action, InputFile
from bot.errors import LimitError
from bot.services.actions.tools import Bounds, Tool, best_upscaler, check_scale, known_size, offered
from bot.services.requests.derive import has_noise, outpainted, overpainted, settled, upscaled
from generation import GenerationRequest, Hires, Init, Mask, OutpaintPadding
from generation.typed_text import TypedText

A, B = "a" * 64, "b" * 64
BOUNDS = Bounds(native=1024, painted=2048, upscaled=4096)
PICTURE = GenerationRequest(prompt="a cat", model="sdxl", seed=7, steps=12, clip_skip=1)
PANS = {Tool.LEFT, Tool.RIGHT, Tool.UP, Tool.DOWN}


def on(width: int, height: int) -> frozenset[Tool]:
    return offered(InputFile(A, width, height), BOUNDS)


def test_a_square_picture_of_native_size_offers_all_but_make_square() -> None:
    assert on(1024, 1024) == set(Tool) - {Tool.SQUARE}


def test_only_what_is_not_square_can_be_made_so() -> None:
    assert on(1016, 832) == set(Tool)


@pytest.mark.parametrize(
    ("side", "scales"), [(1024, {Tool.UPSCALE_2, Tool.UPSCALE_4}), (1032, {Tool.UPSCALE_2}), (2056, set())]
)
def test_no_picture_is_upscaled_beyond_the_limit(side: int, scales: set[Tool]) -> None:
    assert on(side, side) & {Tool.UPSCALE_2, Tool.UPSCALE_4} == scales


def test_no_canvas_is_added_beyond_the_limit() -> None:
    wide = on(1536, 640)  # half as much again would be 2304

    assert wide & PANS == {Tool.UP, Tool.DOWN}
    assert {Tool.ZOOM_15, Tool.ZOOM_2, Tool.ZOOM, Tool.SQUARE, Tool.REGION} <= wide


def test_no_picture_becomes_wider_than_one_can_paint() -> None:
    bounds = replace(BOUNDS, painted=4096)

    assert offered(InputFile(A, 2048, 512), bounds) & PANS == {Tool.UP, Tool.DOWN}


def test_a_scale_beyond_the_limit_is_refused_with_the_limit() -> None:
    with pytest.raises(LimitError, match=r"8192x8192 is too large here: the longest side may have 4096 pixels\."):
        check_scale(InputFile(A, 2048, 2048), 4.0, BOUNDS)


@pytest.mark.parametrize(
    ("known", "best"),
    [
        ((), None),
        (("zebra", "artful"), "artful"),
        (("realesrgan-x4plus", "realesrgan-x4plus-anime", "artful"), "realesrgan-x4plus"),
    ],
)
def test_real_esrgan_upscales_where_it_is_there(known: tuple[str, ...], best: str | None) -> None:
    assert best_upscaler(known) == best


def test_the_size_of_what_was_painted_into_a_picture_is_that_pictures() -> None:
    begun = replace(PICTURE, init=Init(picture=A), width=512, height=640)

    assert known_size(begun) == (512, 640)
    assert known_size(replace(begun, hires=Hires(scale=2))) == (1024, 1280)
    assert known_size(replace(begun, mask=Mask(picture=B, area="canvas"))) == (512, 640)
    assert known_size(replace(begun, mask=Mask(picture=B, area="whole"))) is None


def test_an_upscale_by_an_upscaler_paints_nothing_anew() -> None:
    asked = upscaled(PICTURE, InputFile(A, 1024, 1024), 2.0, "realesrgan-x4plus", 1024)

    hires = Hires(scale=2, strength=0, steps=12, method="realesrgan-x4plus", tile=1024)
    assert asked == replace(PICTURE, init=Init(picture=A, strength=0), hires=hires)
    assert settled(asked)


def test_an_upscale_by_diffusion_paints_gently_over_tiles() -> None:
    asked = upscaled(PICTURE, InputFile(A, 2048, 1536), 2.0, None, 1024)

    assert (asked.width, asked.height, asked.size) == (2048, 1536, (4096, 3072))
    assert asked.hires == Hires(scale=2, strength=0.3, steps=12, method="pixel", tile=1024)
    assert not asked.guided
    assert asked.guidance_scale == 7
    gentler = upscaled(PICTURE, InputFile(A, 1024, 1024), 4.0, None, 1024).hires
    assert gentler is not None
    assert gentler.strength == 0.15
    assert not settled(asked)


def test_an_odd_size_is_upscaled_from_the_nearest_that_can_be_painted() -> None:
    asked = upscaled(PICTURE, InputFile(A, 1003, 30), 2.0, None, 1024)

    assert (asked.width, asked.height) == (1000, 64)


def test_zooming_out_lays_the_picture_into_the_middle() -> None:
    asked = outpainted(PICTURE, InputFile(A, 1216, 832), TypedText("2x"), 4, 1024, lambda: 99)

    margins = OutpaintPadding(left=304, top=208, right=304, bottom=208, feather=13)
    assert asked == replace(
        PICTURE, width=1216, height=832, seed=99, count=4, init=Init(picture=A, strength=1), outpaint=margins
    )


def test_what_came_before_and_after_a_picture_is_left_behind() -> None:
    before = replace(
        PICTURE,
        noise="comfyui",
        row=1,
        rows=4,
        subseed=5,
        subseed_strength=0.4,
        init=Init(picture=B),
        hires=Hires(scale=2),
    )

    asked = outpainted(before, InputFile(A, 1024, 1024), TypedText("left"), 1, 1024, lambda: 99)

    assert (asked.noise, asked.row, asked.rows, asked.subseed_strength, asked.hires) == ("easel", 0, 1, 0, None)
    assert asked.init == Init(picture=A, strength=1)
    assert asked.outpaint == OutpaintPadding(left=512, feather=32)


@pytest.mark.parametrize(("action", "strength"), [(Action.VARY_SUBTLE, 0.3), (Action.VARY_STRONG, 0.6)])
def test_a_picture_without_noise_of_its_own_is_varied_by_painting_over_it(action: Action, strength: float) -> None:
    larger = upscaled(PICTURE, InputFile(A, 1024, 1024), 2.0, None, 1024)

    asked = overpainted(larger, InputFile(B, 2048, 2048), action, 4, 1024, lambda: 99)

    assert not has_noise(larger)
    assert has_noise(PICTURE)
    assert asked == replace(PICTURE, init=Init(picture=B, strength=strength), seed=99, count=4)
