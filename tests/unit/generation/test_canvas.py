"""The geometry of painting from pictures: what is seen, what is painted anew, what stays exactly as it was."""

import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from generation import GenerationRequest, Init, InvalidRequestError, Mask, OutpaintPadding
from generation.images.inpaint_canvas import Canvas, detail, feathered, finish, grown, prepare
from generation.images.loading import MAX_BYTES, digest_of
from generation.images.pixels import AlphaMask, Pixels

RNG = np.random.default_rng(5)


def file_of(levels: NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(levels).save(file, "PNG")
    return file.getvalue()


def colours(pixels: Pixels) -> NDArray[np.uint8]:
    return np.frombuffer(pixels.rgb, np.uint8).reshape(pixels.height, pixels.width, 3)


def levels(cover: AlphaMask | None) -> NDArray[np.uint8]:
    assert cover is not None
    return np.frombuffer(cover.levels, np.uint8).reshape(cover.height, cover.width)


def laid_out(photo: bytes, drawn: bytes | None = None, **changes: object) -> tuple[GenerationRequest, Canvas]:
    parts = {name: changes.pop(name) for name in ("mask", "fit") if name in changes}
    part = parts.get("mask")
    if isinstance(part, Mask) and drawn is not None:
        part = replace(part, picture=digest_of(drawn))
    init = Init(picture=digest_of(photo), fit=str(parts.get("fit", "crop")))
    values: dict[str, object] = {"prompt": "", "model": "m", "seed": 1, "width": 64, "height": 64}
    request = GenerationRequest(**(values | {"init": init, "mask": part} | changes))  # type: ignore[arg-type]
    canvas = prepare(request, {digest_of(file): file for file in (photo, drawn) if file is not None})
    assert canvas is not None
    return request, canvas


def noise(width: int, height: int) -> NDArray[np.uint8]:
    return RNG.integers(0, 256, (height, width, 3), dtype=np.uint8)


def spot(width: int, height: int, box: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    drawn = np.zeros((height, width), np.uint8)
    left, top, right, bottom = box
    drawn[top:bottom, left:right] = 255
    return drawn


def painted(width: int, height: int) -> Pixels:
    return Pixels(width, height, bytes([0, 255, 0]) * (width * height))


def test_a_picture_of_the_right_size_is_not_touched() -> None:
    picture = noise(64, 64)

    _, canvas = laid_out(file_of(picture))

    assert (colours(canvas.picture) == picture).all()
    assert (canvas.mask, canvas.composite) == (None, None)


def test_cropping_takes_the_middle() -> None:
    halves = np.zeros((64, 192, 3), np.uint8)
    halves[:, 64:128] = 200

    _, canvas = laid_out(file_of(halves))

    assert (colours(canvas.picture) == 200).all()


def test_padding_shows_all_of_the_picture_and_draws_its_edges_out() -> None:
    picture = np.full((32, 64, 3), 90, np.uint8)

    _, canvas = laid_out(file_of(picture), fit="pad")

    assert (colours(canvas.picture) == 90).all()


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (3, 2)])
def test_the_smallest_and_the_longest_pictures_can_be_begun_from(fit: str, size: tuple[int, int]) -> None:
    _, canvas = laid_out(file_of(noise(*size)), fit=fit)

    assert (canvas.picture.width, canvas.picture.height) == (64, 64)


@pytest.mark.parametrize("area", ["whole", "masked"])
@pytest.mark.parametrize("size", [(64, 64), (101, 67), (300, 40)])
def test_outside_the_feathered_mask_every_pixel_stays(area: str, size: tuple[int, int]) -> None:
    picture, mask = noise(*size), spot(*size, (10, 8, 30, 24))

    request, canvas = laid_out(file_of(picture), file_of(mask), mask=Mask(area=area, feather=6, margin=4))
    result = colours(finish(canvas, painted(request.width, request.height)))

    far = grown(mask, 6) == 0
    assert result.shape == picture.shape
    assert np.abs(result.astype(int) - picture)[far].max() == 0
    assert (result[mask == 255] == (0, 255, 0)).all()


def test_on_a_canvas_the_result_has_the_requests_size() -> None:
    picture, mask = noise(128, 96), spot(128, 96, (60, 40, 70, 50))

    request, canvas = laid_out(file_of(picture), file_of(mask), mask=Mask(area="canvas", feather=4))
    result = colours(finish(canvas, painted(64, 64)))

    changed = (result != colours(canvas.picture)).any(axis=-1)
    assert result.shape == (64, 64, 3)
    assert changed[32, 32]
    assert not changed[:20].any()
    assert request.mask is not None


def test_a_transparent_part_is_its_own_mask_and_may_be_inverted() -> None:
    picture = np.dstack([noise(64, 64), 255 - spot(64, 64, (0, 0, 64, 32))])

    _, canvas = laid_out(file_of(picture), mask=Mask())
    _, other = laid_out(file_of(picture), mask=Mask(invert=True))

    assert (levels(canvas.mask)[:32] == 255).all()
    assert (levels(canvas.mask)[32:] == 0).all()
    assert (levels(canvas.mask) == 255 - levels(other.mask)).all()


def test_transparent_is_painted_anew_in_a_mask_whatever_its_colour() -> None:
    mask = np.zeros((64, 64, 4), np.uint8)
    mask[:, 32:, 3] = 255

    _, canvas = laid_out(file_of(noise(64, 64)), file_of(mask), mask=Mask())

    assert (levels(canvas.mask)[:, :32] == 255).all()
    assert (levels(canvas.mask)[:, 32:] == 0).all()


@pytest.mark.parametrize("mask", [Mask(), Mask(grow=-20)])
def test_a_mask_that_paints_nothing_is_refused(mask: Mask) -> None:
    drawn = spot(64, 64, (20, 20, 40, 40)) if mask.grow else np.zeros((64, 64), np.uint8)

    with pytest.raises(InvalidRequestError, match="mask is empty"):
        laid_out(file_of(noise(64, 64)), file_of(drawn), mask=mask)


def test_new_canvas_is_painted_and_the_picture_kept_beyond_the_blend() -> None:
    picture = noise(32, 48)

    request, canvas = laid_out(file_of(picture), outpaint=OutpaintPadding(left=24, right=8, top=16, feather=5))
    result = colours(finish(canvas, painted(request.width, request.height)))

    assert (result[16 + 5 :, 24 + 5 : 64 - 8 - 5] == picture[5:, 5:-5]).all()
    assert (result[:16] == (0, 255, 0)).all()
    assert (result[:, :24] == (0, 255, 0)).all()
    assert (levels(canvas.mask)[16 + 5 :, 24 + 5 : 64 - 8 - 5] == 0).all()


def test_new_canvas_begins_with_the_colours_of_the_edge() -> None:
    picture = np.zeros((32, 32, 3), np.uint8)
    picture[:, :16], picture[:, 16:] = (200, 0, 0), (0, 0, 200)

    _, canvas = laid_out(file_of(picture), outpaint=OutpaintPadding(left=16, right=16, top=32))
    begun = colours(canvas.picture)

    assert begun[40, 2, 0] > 150 > begun[40, 2, 2]
    assert begun[40, 62, 2] > 150 > begun[40, 62, 0]


def test_a_picture_whose_file_is_missing_is_named() -> None:
    request = GenerationRequest(prompt="", model="m", seed=1, init=Init(picture="c" * 64))

    with pytest.raises(InvalidRequestError, match="image is missing: the file with the SHA-256 cccc"):
        prepare(request, {})


@given(st.integers(0, 24), st.tuples(*[st.integers(0, 39)] * 2), st.tuples(*[st.integers(1, 20)] * 2))
def test_a_feather_is_whole_within_nothing_beyond_and_falls_between(
    reach: int, corner: tuple[int, int], size: tuple[int, int]
) -> None:
    mask = spot(60, 60, (corner[0], corner[1], corner[0] + size[0], corner[1] + size[1]))

    soft = feathered(mask, reach)

    assert (soft[mask == 255] == 255).all()
    assert (soft[grown(mask, reach) == 0] == 0).all()


@given(st.integers(1, 200), st.integers(1, 200), st.data(), st.integers(0, 300), st.sampled_from([(64, 64), (128, 64)]))
def test_a_detail_lies_in_the_picture_and_holds_all_of_the_mask(
    width: int, height: int, data: st.DataObject, margin: int, canvas: tuple[int, int]
) -> None:
    x, y = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    mask = spot(width, height, (x, y, min(x + 9, width), min(y + 5, height)))

    left, top, right, bottom = detail(mask, margin, *canvas)

    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height
    assert mask[top:bottom, left:right].sum() == mask.sum()


def test_a_picture_painted_here_may_be_heavier_than_what_people_bring() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (2960, 2960, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "PNG", compress_level=0)

    assert len(file.getvalue()) > MAX_BYTES
    request = GenerationRequest(prompt="a", model="m", seed=1, init=Init(picture=digest_of(file.getvalue())))
    canvas = prepare(request, {digest_of(file.getvalue()): file.getvalue()})
    assert canvas is not None
    assert (canvas.picture.width, canvas.picture.height) == (1024, 1024)
