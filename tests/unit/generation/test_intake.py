"""Pictures that people bring: every honest kind is read, every hostile or damaged file is refused in words."""

import io
import random
import resource
import struct
import time
import zlib
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from generation import InvalidRequestError
from generation.images.icc import MAX_PROFILE
from generation.images.loading import MAX_BYTES, InputPicture, digest_of, measure, read
from tests import icc

DAMAGED_FILES = 500
MEMORY_CAP = 512 * 2**20

CORNERS = Image.new("RGB", (3, 2), "white")
CORNERS.putpixel((0, 0), (255, 0, 0))


def file_of(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def colour(picture: InputPicture, x: int = 0, y: int = 0) -> tuple[int, ...]:
    pixels = picture.pixels
    return tuple(pixels.rgb[3 * (y * pixels.width + x) : 3 * (y * pixels.width + x) + 3])


def gradient() -> Image.Image:
    y, x = np.mgrid[0:48, 0:64]
    return Image.fromarray(np.stack([x * 4, y * 5, (x + y) * 2], axis=-1).astype(np.uint8))


@pytest.mark.parametrize(
    ("kind", "modes"),
    [
        ("PNG", "RGB L P 1 RGBA LA"), ("JPEG", "RGB L CMYK"), ("WEBP", "RGB RGBA"), ("GIF", "RGB L P 1 RGBA"),
        ("BMP", "RGB L P 1"),
    ],
)  # fmt: skip
def test_every_kind_in_every_mode_gives_the_same_picture(kind: str, modes: str) -> None:
    for mode in modes.split():
        picture = read(file_of(Image.new("RGB", (16, 16), (240, 240, 240)).convert(mode), kind))

        assert (picture.pixels.width, picture.pixels.height, picture.opacity) == (16, 16, None)
        assert all(abs(level - 240) <= 15 for level in colour(picture, 5, 5)), mode


def test_sixteen_bits_become_eight_by_their_upper_half() -> None:
    deep = Image.fromarray(np.array([[0x1234, 0xFFFF]], dtype=np.uint16))

    picture = read(file_of(deep, "PNG"))

    assert (colour(picture), colour(picture, 1)) == ((0x12,) * 3, (0xFF,) * 3)


@pytest.mark.parametrize(
    ("orientation", "size", "red"),
    [
        (1, (3, 2), (0, 0)), (2, (3, 2), (2, 0)), (3, (3, 2), (2, 1)), (4, (3, 2), (0, 1)),
        (5, (2, 3), (0, 0)), (6, (2, 3), (1, 0)), (7, (2, 3), (1, 2)), (8, (2, 3), (0, 2)),
    ],
)  # fmt: skip
def test_a_photograph_is_turned_upright(orientation: int, size: tuple[int, int], red: tuple[int, int]) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation

    picture = read(file_of(CORNERS, "PNG", exif=exif))

    assert (picture.pixels.width, picture.pixels.height) == size
    assert colour(picture, *red) == (255, 0, 0)


def test_transparency_is_laid_over_white_and_kept_apart() -> None:
    image = Image.new("RGBA", (2, 1), (0, 0, 0, 0))
    image.putpixel((1, 0), (10, 20, 30, 255))

    picture = read(file_of(image, "PNG"))

    assert (colour(picture), colour(picture, 1)) == ((255, 255, 255), (10, 20, 30))
    assert picture.opacity is not None
    assert picture.opacity.levels == bytes([0, 255])


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_the_first_frame_of_an_animation_is_taken(kind: str) -> None:
    frames = [Image.new("RGB", (8, 8), name) for name in ("red", "blue")]

    picture = read(file_of(frames[0], kind, save_all=True, append_images=frames[1:], lossless=True))

    assert picture.notes == ("The image is an animation: its first frame was taken.",)
    red, _green, blue = colour(picture)
    assert red > 200
    assert blue < 50


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_colours_become_those_of_srgb_by_the_embedded_profile(kind: str) -> None:
    red = Image.new("RGB", (16, 16), (200, 30, 30))
    lossless = {"lossless": True} if kind == "WEBP" else {}

    plain, swapped, linear, named = [
        read(file_of(red, kind, icc_profile=profile, **lossless))
        for profile in (b"", icc.screen(swapped=True), icc.screen(gamma=1.0), icc.screen("sRGB, swapped", swapped=True))
    ]

    assert np.abs(np.subtract(colour(plain, 5, 5), (200, 30, 30))).max() <= 3
    assert np.abs(np.subtract(colour(swapped, 5, 5), (30, 30, 200))).max() <= 12  # 2.2 is nearly sRGB's own curve
    assert colour(linear, 5, 5)[0] > 220  # 200/255 of the light
    assert colour(named, 5, 5) == colour(plain, 5, 5)
    assert [each.notes for each in (plain, swapped, linear, named)] == [()] * 4


def test_cmyk_is_read_through_its_own_profile() -> None:
    ink = Image.new("CMYK", (16, 16), (255, 0, 0, 0))

    plain = read(file_of(ink, "JPEG"))
    printed = read(file_of(ink, "JPEG", icc_profile=icc.press()))

    red, _green, blue = colour(plain, 5, 5)
    assert (red < 20, blue > 230) == (True, True)
    assert max(colour(printed, 5, 5)) - min(colour(printed, 5, 5)) <= 3  # all of this press's inks are grey
    assert 170 < colour(printed, 5, 5)[1] < 200  # L* of 75
    assert printed.notes == ()


def test_a_profile_keeps_what_is_transparent() -> None:
    image = Image.new("RGBA", (2, 1), (200, 30, 30, 255))
    image.putpixel((0, 0), (9, 9, 9, 0))

    picture = read(file_of(image, "PNG", icc_profile=icc.screen(swapped=True)))

    assert picture.opacity is not None
    assert picture.opacity.levels == bytes([0, 255])
    assert colour(picture) == (255, 255, 255)
    assert colour(picture, 1)[2] > 180


@pytest.mark.parametrize(
    ("mode", "profile"),
    [
        ("RGB", b"no profile at all"),
        ("RGB", icc.screen()[:200]),
        ("RGB", icc.press()),
        ("CMYK", icc.screen()),
        ("L", icc.screen()),
        ("RGB", icc.screen() + bytes(MAX_PROFILE)),
    ],
    ids=["text", "cut off", "a press's", "a screen's", "of colour", "huge"],
)
def test_a_profile_that_cannot_be_used_is_ignored_and_told(mode: str, profile: bytes) -> None:
    image = Image.new("RGB", (16, 16), (240, 240, 240)).convert(mode)

    picture = read(file_of(image, "JPEG", icc_profile=profile), "mask")

    assert picture.notes == ("The mask's colour profile cannot be used: its colours were taken as they are.",)
    assert all(abs(level - 240) <= 15 for level in colour(picture, 5, 5))


def test_one_pixel_is_a_picture() -> None:
    assert colour(read(file_of(Image.new("RGB", (1, 1), (1, 2, 3)), "PNG"))) == (1, 2, 3)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is no picture that I can read: it must be PNG, JPEG, WebP, GIF or BMP."),
        (b"<html>no</html>", "is no picture that I can read"),
        (b"%PDF-1.7\n" + bytes(99), "is no picture that I can read"),
        (file_of(Image.new("RGB", (4, 4)), "TIFF"), "is no picture that I can read"),
        (file_of(gradient(), "PNG")[:100], "is damaged or was not uploaded completely"),
        (bytes(MAX_BYTES + 1), "has 25.0 MB; at most 25 MB are possible."),
    ],
    ids=["empty", "page", "pdf", "tiff", "truncated", "heavy"],
)
def test_what_is_no_whole_picture_is_refused_in_words(data: bytes, reason: str) -> None:
    with pytest.raises(InvalidRequestError, match=f"^mask {reason}"):
        read(data, "mask")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("size", [(8000, 8000), (11000, 11000), (60000, 60000), (2**31 - 1, 2**31 - 1)])
def test_a_bomb_is_refused_before_it_is_decoded(size: tuple[int, int]) -> None:
    started = time.perf_counter()

    with pytest.raises(InvalidRequestError, match="at most 50 million pixels are possible"):
        read(resized(file_of(gradient(), "PNG"), *size))

    assert time.perf_counter() - started < 0.5


def test_the_name_of_a_picture_is_its_sha256() -> None:
    assert digest_of(b"abc").startswith("ba7816bf")


def resized(png: bytes, width: int, height: int) -> bytes:
    """Lets a PNG claim another size, with a right checksum."""
    header = b"IHDR" + struct.pack(">II", width, height) + png[24:29]
    return png[:12] + header + struct.pack(">I", zlib.crc32(header)) + png[33:]


def honest() -> list[bytes]:
    image = gradient()
    frames = [image, image.rotate(90), image.rotate(180)]
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "A camera"
    return [
        file_of(image, "PNG", exif=exif), file_of(image.convert("P"), "PNG"), file_of(image.convert("RGBA"), "PNG"),
        file_of(Image.fromarray((np.mgrid[0:40, 0:40][0] * 1600).astype(np.uint16)), "PNG"),
        file_of(frames[0], "PNG", save_all=True, append_images=frames[1:]),
        file_of(image, "JPEG", exif=exif), file_of(image, "JPEG", progressive=True),
        file_of(image.convert("CMYK"), "JPEG"), file_of(image, "JPEG", icc_profile=icc.screen(swapped=True)),
        file_of(image.convert("CMYK"), "JPEG", icc_profile=icc.press()),
        file_of(image, "WEBP", icc_profile=icc.screen(gamma=1.0)), file_of(image, "WEBP"),
        file_of(image, "WEBP", lossless=True),
        file_of(frames[0], "WEBP", save_all=True, append_images=frames[1:]), file_of(image, "GIF"),
        file_of(frames[0], "GIF", save_all=True, append_images=frames[1:]), file_of(image, "BMP"),
    ]  # fmt: skip


def cut_off(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data))]


def bytes_changed(data: bytes, chance: random.Random) -> bytes:
    spoiled = bytearray(data)
    for _ in range(chance.randint(1, 30)):
        spoiled[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(spoiled)


def counts_changed(data: bytes, chance: random.Random) -> bytes:
    """Changes something near the beginning, where sizes and counts stand."""
    spoiled = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        spoiled[chance.randrange(min(64, len(data)))] = chance.choice((0, 1, 0x7F, 0x80, 0xFF))
    return bytes(spoiled)


def hole_in_it(data: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(data))
    return data[:place] + bytes(chance.randint(0, 200)) + data[place + chance.randint(1, 200) :]


def something_in_between(data: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(data))
    return data[:place] + chance.randbytes(chance.randint(1, 300)) + data[place:]


def halves_swapped(data: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(data))
    return data[place:] + data[:place]


def another_size_or_kind(data: bytes, chance: random.Random) -> bytes:
    if data.startswith(b"\x89PNG"):
        return resized(data, chance.choice((0, 1, 65535, 2**31 - 1)), chance.choice((0, 1, 700, 2**32 - 1)))
    return chance.choice((b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM", b"\xff\xd8\xff")) + data[12:]


DAMAGES = (
    cut_off, bytes_changed, counts_changed, hole_in_it, something_in_between, halves_swapped, another_size_or_kind,
)  # fmt: skip


def corpus() -> Iterator[bytes]:
    chance = random.Random(8)  # noqa: S311 - the same files every time
    originals = honest()
    for number in range(DAMAGED_FILES):
        yield DAMAGES[number % len(DAMAGES)](chance.choice(originals), chance)


def answer(data: bytes) -> str:
    """Reads a file; returns the refusal, "" where there is none."""
    try:
        picture = read(data)
    except InvalidRequestError as error:
        return str(error)
    assert len(picture.pixels.rgb) == 3 * picture.pixels.width * picture.pixels.height
    return ""


@pytest.mark.filterwarnings("ignore")  # Pillow warns of what it finds; warnings are errors in these tests only
def test_500_damaged_files_are_read_or_refused_in_words_at_once_and_within_bounds() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    answers, longest = [], 0.0

    for data in corpus():
        started = time.perf_counter()
        answers.append(answer(data))
        longest = max(longest, time.perf_counter() - started)

    refusals = [text for text in answers if text]
    assert DAMAGED_FILES // 3 < len(refusals) < DAMAGED_FILES == len(answers)
    assert all(text.startswith("image ") and text.endswith(".") for text in refusals)
    assert longest < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before < MEMORY_CAP


def test_a_size_is_measured_without_decoding() -> None:
    data = io.BytesIO()
    Image.new("RGB", (300, 200)).save(data, "PNG")

    assert measure(data.getvalue()[:60]) == (300, 200)
    with pytest.raises(InvalidRequestError, match="no picture that I can read"):
        measure(b"hello")
