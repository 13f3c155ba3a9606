import asyncio
import io
import re

import numpy as np
import pytest
from PIL import Image

from bot.services.images.overlay import overlay
from bot.services.images.regions import (
    CHOICE,
    KEPT,
    MOST_STEPS,
    Choice,
    Segmenter,
    at_level,
    check_chosen,
    choice_of,
    chosen,
    colour_name,
    divide,
    mask_file,
    with_parts,
)
from generation import InvalidRequestError
from generation.images.segmentation import COUNTS
from tests.fakes import png, quarters
from tests.unit.bot.jobs import MemoryPictures

RED, GREEN, BLUE, WHITE = range(4)
DIVIDED = divide(quarters(640, 512))


@pytest.mark.parametrize(
    "choice",
    [
        Choice(),
        Choice(frozenset(range(max(COUNTS))), -MOST_STEPS, invert=True, level=len(COUNTS) - 1),
        Choice(frozenset({0, 24}), MOST_STEPS),
    ],
)
def test_a_choice_is_read_from_its_words_and_they_fit_into_an_id(choice: Choice) -> None:
    match = re.fullmatch(CHOICE, str(choice))

    assert match is not None
    assert choice_of(match) == choice
    assert len(f"easel:region-form:upload:0123456789:10:{choice}") <= 100


def test_parts_are_named_by_their_colours_and_places() -> None:
    level = DIVIDED.levels[0]

    assert [(part.colour, part.place) for part in level.parts] == [
        ("red", "top left"),
        ("green", "top right"),
        ("blue", "bottom left"),
        ("white", "bottom right"),
    ]
    assert sum(part.share for part in level.parts) == pytest.approx(1)
    for number, part in enumerate(level.parts):
        height, width = level.labels.shape
        assert level.labels[int(part.anchor[1] * height), int(part.anchor[0] * width)] == number


@pytest.mark.parametrize(
    ("rgb", "name"), [((250, 250, 250), "white"), ((0, 90, 30), "dark green"), ((180, 205, 235), "light blue")]
)
def test_colours_have_the_names_people_give_them(rgb: tuple[int, int, int], name: str) -> None:
    assert colour_name(np.array(rgb) / 255) == name


def test_what_is_chosen_is_what_the_engine_will_paint() -> None:
    green = chosen(DIVIDED, Choice(frozenset({GREEN})), (640, 512))
    grown = chosen(DIVIDED, Choice(frozenset({GREEN}), grow=2), (640, 512))
    others = chosen(DIVIDED, Choice(frozenset({GREEN}), invert=True), (640, 512))

    expected = np.zeros((512, 640), bool)
    expected[:256, 320:] = True
    assert (green != expected).mean() < 0.01
    assert np.array_equal(others, ~green)
    assert DIVIDED.pixels_grown(Choice(grow=2)) == 16
    wider = np.zeros((512, 640), bool)
    wider[: 256 + 16, 320 - 16 :] = True
    assert (grown != wider).mean() < 0.01


def test_the_mask_is_white_where_something_is_chosen() -> None:
    mask = np.asarray(Image.open(io.BytesIO(mask_file(DIVIDED, Choice(frozenset({RED, WHITE}))))))

    assert set(np.unique(mask)) == {0, 255}
    assert mask[10, 10] == mask[-10, -10] == 255
    assert mask[10, -10] == mask[-10, 10] == 0


def test_a_border_moves_as_far_as_it_goes() -> None:
    choice = Choice()
    for _ in range(2 * MOST_STEPS):
        choice = choice.grown_by(-1)

    assert choice.grow == -MOST_STEPS


def test_a_finer_division_keeps_what_is_chosen() -> None:
    noisy = np.random.default_rng(2).integers(0, 256, (8, 10, 3), np.uint8)
    data = io.BytesIO()
    Image.fromarray(noisy).resize((320, 256), Image.Resampling.NEAREST).save(data, "PNG")
    divided = divide(data.getvalue())
    coarse = Choice(frozenset({0, 2}), grow=1, invert=True)

    fine = at_level(divided, coarse, 2)

    assert fine.level == 2
    assert (fine.grow, fine.invert) == (1, True)
    assert len(fine.parts) > len(coarse.parts)
    assert mask_file(divided, fine) == mask_file(divided, coarse)
    assert at_level(divided, fine, 0) == coarse


def test_parts_that_are_not_there_are_left_out() -> None:
    assert with_parts(DIVIDED, Choice(), [1, 3, 20]).parts == {1, 3}


def test_a_choice_that_paints_nothing_is_refused() -> None:
    check_chosen(DIVIDED, Choice(invert=True))
    for choice in (Choice(), Choice(frozenset(range(4)), invert=True), Choice(frozenset(), 5)):
        with pytest.raises(InvalidRequestError, match="Nothing is chosen"):
            check_chosen(DIVIDED, choice)


def test_the_overlay_stripes_what_is_chosen_and_leaves_the_rest() -> None:
    plain, striped = (
        np.asarray(Image.open(io.BytesIO(overlay(DIVIDED, choice))), np.float64)
        for choice in (Choice(), Choice(frozenset({BLUE})))
    )

    assert plain.shape == (614, 768, 3)
    change = np.abs(plain - striped).mean(axis=2)
    assert change[330:600, 20:360].mean() > 40
    assert change[20:290, 20:740].mean() < 2


@pytest.mark.parametrize("size", [(1, 1), (8, 900), (64, 64)])
def test_every_size_can_be_divided_and_drawn(size: tuple[int, int]) -> None:
    divided = divide(png(*size))

    assert Image.open(io.BytesIO(overlay(divided, Choice(frozenset({0}), grow=3)))).format == "JPEG"


async def test_pictures_are_divided_once_while_they_are_remembered() -> None:
    pictures = MemoryPictures()
    segmenter = Segmenter(pictures)
    digests = [await pictures.put(png(16, 16, (shade, 0, 0))) for shade in range(KEPT + 1)]

    first, again = await asyncio.gather(segmenter.divide(digests[0]), segmenter.divide(digests[0]))
    assert first is again
    for digest in digests[1:]:
        await segmenter.divide(digest)
    assert await segmenter.divide(digests[-1]) is await segmenter.divide(digests[-1])
    assert await segmenter.divide(digests[0]) is not first
