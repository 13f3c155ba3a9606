"""Texts in picture files, read without their pixels; whatever the file is, the answer is a recipe or words."""

import io
import os
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from generation import GenerationRequest, Init, InvalidRequestError, Mask, metadata
from generation.images.pixels import Pixels
from generation.request.options import UNNAMED
from generation.sdxl.engine.png import encode

REQUEST = GenerationRequest(prompt="a 猫", model="tiny", seed=7)
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(*chunks: tuple[bytes, bytes], width: int = 8, height: int = 8) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(25 * 8))
    parts = [(b"IHDR", header), *chunks, (b"IDAT", pixels), (b"IEND", b"")]
    return SIGNATURE + b"".join(chunk(kind, data) for kind, data in parts)


def packed(kind: bytes, key: bytes, text: bytes) -> tuple[bytes, bytes]:
    middle = b"\0\0" if kind == b"zTXt" else b"\0\1\0\0\0"
    return kind, key + middle + zlib.compress(text, 9)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "picture.png"


PAINTED = encode(Pixels(8, 8, bytes(192)), REQUEST).data


@pytest.mark.parametrize("kept", [0.999, 0.97, 0.95], ids=str)
def test_a_picture_that_was_cut_off_still_tells_its_recipe(file: Path, kept: float) -> None:
    file.write_bytes(PAINTED[: int(len(PAINTED) * kept)])

    assert metadata.read_file(file).values["prompt"] == "a 猫"


def test_damaged_pixels_and_sums_do_not_matter(file: Path) -> None:
    place = PAINTED.index(b"IDAT")
    file.write_bytes(PAINTED[: place + 4] + b"\xff" * 20 + PAINTED[place + 24 :])

    assert metadata.read_file(file).values["seed"] == 7


def test_a_picture_of_any_size_is_read_without_its_pixels(file: Path) -> None:
    text = (b"easel", metadata.to_json(GenerationRequest(prompt="a", model="m", seed=3)).encode())
    file.write_bytes(png((b"tEXt", b"\0".join(text)), width=200_000, height=100_000))
    tracemalloc.start()

    assert metadata.read_file(file).values["seed"] == 3
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_a_text_behind_the_pixels_is_found(file: Path) -> None:
    text = chunk(b"tEXt", b"easel\0" + metadata.to_json(GenerationRequest(prompt="a", model="m", seed=3)).encode())
    plain = png()
    file.write_bytes(plain[:-12] + text + plain[-12:])

    assert metadata.read_file(file).values["seed"] == 3


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt"])
def test_a_text_of_some_megabytes_is_read(file: Path, kind: bytes) -> None:
    file.write_bytes(png(packed(kind, b"parameters", b"a" * 3_000_000 + b"\nSteps: 20, Seed: 5")))

    assert metadata.read_file(file).values["seed"] == 5


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt"])
def test_a_text_that_unpacks_without_end_is_left_out_in_bounded_memory(file: Path, kind: bytes) -> None:
    bomb = packed(kind, b"parameters", bytes(200 * 2**20))
    file.write_bytes(png(*[bomb] * 5, packed(kind, b"easel", metadata.to_json(REQUEST).encode())))
    tracemalloc.start()

    assert metadata.read_file(file).values["seed"] == 7
    assert tracemalloc.get_traced_memory()[1] < 100 * 2**20
    tracemalloc.stop()


def jpeg(exif: bytes = b"") -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (8, 8)).save(data, "JPEG", exif=exif)
    return data.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_the_text_in_exif_is_read(file: Path, kind: str) -> None:
    Image.new("RGB", (8, 8)).save(file, kind, exif=metadata.exif_of(metadata.to_a1111(REQUEST)))

    assert metadata.read_file(file).values["prompt"] == "a 猫"


def test_the_text_in_a_pngs_exif_is_read(file: Path) -> None:
    exif = metadata.exif_of(metadata.to_a1111(REQUEST)).removeprefix(b"Exif\0\0")
    file.write_bytes(png((b"eXIf", exif)))

    assert metadata.read_file(file).values["prompt"] == "a 猫"


def _gif() -> bytes:
    data = io.BytesIO()
    Image.new("P", (8, 8)).save(data, "GIF", comment=b"hello")
    return data.getvalue()


WITHOUT: dict[str, Callable[[], bytes]] = {
    "gif": _gif,
    "png without texts": png,
    "png with a damaged EXIF block": lambda: png((b"eXIf", b"II*\0" + b"\xff" * 40)),
    "png with a text of nothing": lambda: png((b"iTXt", b""), (b"zTXt", b""), (b"tEXt", b"")),
    "png with damaged zlib": lambda: png((b"zTXt", b"parameters\0\0\xff\xff\xff")),
    "png of endless length": lambda: SIGNATURE + struct.pack(">I", 2**32 - 1) + b"tEXt",
    "png signature alone": lambda: SIGNATURE,
    "jpeg": jpeg,
    "jpeg with a damaged EXIF block": lambda: jpeg(exif=b"Exif\0\0MM\0*\xff\xff\xff\xff"),
    "jpeg with an endless directory": lambda: jpeg(exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x69\x87\x04\0" * 60),
}
UNREADABLE = {
    "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n",
    "bmp": b"BM" + bytes(60),
    "xbm": b"#define x_width 8\n#define x_height 8\nstatic char x_bits[] = {0};",
    "nothing": b"",
    "text": b"hello",
    "jpeg cut off": jpeg()[:20],
    "webp cut off": b"RIFF\xff\xff\xff\xffWEBPVP8 ",
    "gif cut off": b"GIF89a\x08\0",
    "tiff": b"II*\0\x08\0\0\0",
    "icns": b"icns\0\0\0\x10ic09\0\0\0\x08",
}


@pytest.mark.parametrize("name", WITHOUT)
def test_a_picture_without_settings_is_told_so(file: Path, name: str) -> None:
    file.write_bytes(WITHOUT[name]())

    with pytest.raises(InvalidRequestError, match=r"picture\.png carries no settings"):
        metadata.read_file(file)


@pytest.mark.parametrize("name", UNREADABLE)
def test_only_png_jpeg_webp_and_gif_are_opened(file: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_bytes(UNREADABLE[name])
    monkeypatch.setattr(os, "system", None)
    monkeypatch.setenv("PATH", "")

    with pytest.raises(InvalidRequestError, match=r"picture\.png (is no picture that can be read|cannot be read)"):
        metadata.read_file(file)


def test_pillows_other_readers_never_see_a_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_bytes(UNREADABLE["eps"])
    Image.init()
    seen: list[str] = []
    for kind, (factory, accept) in list(Image.OPEN.items()):

        def note(prefix: bytes, kind: str = kind, accept: object = accept) -> object:
            seen.append(kind)
            return accept(prefix) if callable(accept) else True

        monkeypatch.setitem(Image.OPEN, kind, (factory, note))

    with pytest.raises(InvalidRequestError):
        metadata.read_file(file)

    assert set(seen) <= {"JPEG", "WEBP", "GIF"}


def test_what_is_no_file_is_refused_in_words_without_its_folder(tmp_path: Path) -> None:
    secret = tmp_path / "secret-place"
    secret.mkdir()
    os.mkfifo(secret / "pipe.png")
    (secret / "loop.png").symlink_to("loop.png")

    for name in ("gone.png", "pipe.png", "loop.png", "."):
        with pytest.raises(InvalidRequestError) as refused:
            metadata.read_file(secret / name)
        assert "secret-place" not in str(refused.value) or name == "."


def test_a_bomb_of_another_kind_is_refused_in_words(file: Path) -> None:
    data = bytearray(_gif())
    data[6:10] = struct.pack("<HH", 65535, 65535)
    file.write_bytes(data)

    with pytest.raises(InvalidRequestError, match=r"has far more pixels|carries no settings"):
        metadata.read_file(file)


def test_an_ordinary_png_of_another_tool_is_read(file: Path) -> None:
    info = PngInfo()
    info.add_text("parameters", "a cat\nSteps: 20, Seed: 5, RNG: CPU", zip=True)
    Image.new("RGB", (8, 8)).save(file, pnginfo=info)

    assert (metadata.read_file(file).tool, metadata.read_file(file).values["seed"]) == ("A1111", 5)


BROUGHT = GenerationRequest(
    prompt="a", model="m", seed=3, init=Init(picture="ab" * 32, strength=0.4), mask=Mask(picture="cd" * 32)
)


def test_a_file_does_not_tell_which_pictures_it_was_painted_from(file: Path) -> None:
    file.write_bytes(encode(Pixels(8, 8, bytes(192)), BROUGHT).data)

    assert b"ab" * 32 not in file.read_bytes()
    assert b"cd" * 32 not in file.read_bytes()
    read = metadata.read_file(file).values
    assert (read["init"].strength, read["init"].picture, read["mask"].picture) == (0.4, UNNAMED, UNNAMED)


def test_a_mask_of_the_pictures_own_stays_one(file: Path) -> None:
    asked = GenerationRequest(prompt="a", model="m", seed=3, init=Init(picture="ab" * 32), mask=Mask(invert=True))
    file.write_bytes(encode(Pixels(8, 8, bytes(192)), asked).data)

    assert metadata.read_file(file).values["mask"] == Mask(invert=True)


def test_a_kept_file_of_an_earlier_version_is_given_out_without_the_names_of_its_inputs(file: Path) -> None:
    old = png((b"tEXt", b"easel\0" + metadata.to_json(BROUGHT).encode()), (b"tEXt", b"prompt\0" + b"ab" * 32 + b".png"))

    given = metadata.without_digests(old, BROUGHT.inputs)

    file.write_bytes(given)
    Image.open(file).load()  # its sums are right
    assert len(given) == len(old)
    assert b"ab" * 32 not in given
    assert b"cd" * 32 not in given
    assert metadata.read_file(file).values["init"] == Init(picture=UNNAMED, strength=0.4)
    assert metadata.without_digests(given, BROUGHT.inputs) == given
    assert metadata.without_digests(b"GIF89a", BROUGHT.inputs) == b"GIF89a"
    assert metadata.without_digests(old[:30], BROUGHT.inputs) == old[:30]


def test_a_file_of_an_earlier_version_still_names_its_inputs_to_who_has_it(file: Path) -> None:
    file.write_bytes(png((b"tEXt", b"easel\0" + metadata.to_json(BROUGHT).encode())))

    assert metadata.read_file(file).values["init"].picture == "ab" * 32
