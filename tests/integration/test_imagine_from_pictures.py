"""/imagine with pictures: attached, kept, painted from, refused where they are bad; over real sockets."""

import hashlib
import io

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file

from bot.persistence.pictures import FilePictureStore
from bot.persistence.upkeep import check
from bot.settings import Settings
from generation import ExecutorClosedError
from generation.request.options import Lora
from playground.state.interactions import Interaction
from playground.state.wire import UploadedFile
from tests.fakes import FakeExecutor, png
from tests.integration.conftest import running
from tests.loopback import LoopbackDiscord

online = pytest.mark.usefixtures("lora", "bot")


@pytest.fixture
def lora(settings: Settings) -> None:
    """A LoRA in the models folder, before the bot looks there."""
    save_file({"lora_te1_x.lora_up.weight": np.zeros((1, 1))}, settings.models_path / "fur.safetensors")


def attached(*files: bytes, name: str = "photo.png") -> list[UploadedFile]:
    return [UploadedFile(f"files[{number}]", name, "image/png", data) for number, data in enumerate(files)]


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def erased() -> bytes:
    """A picture with a transparent corner."""
    image = Image.new("RGBA", (64, 64), "red")
    image.paste((0, 0, 0, 0), (0, 0, 32, 32))
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


@online
async def test_a_picture_is_painted_from_its_attachment(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    photo = png(1216, 832)

    interaction = await discord.slash(
        "imagine", {"prompt": "a cat", "image": 0, "strength": 0.5}, files=attached(photo)
    )
    await discord.wait_until(lambda: bool(interaction.pictures))

    asked = executor.requests[0]
    assert asked.init is not None
    assert (asked.init.picture, asked.init.strength, asked.width, asked.height) == (digest(photo), 0.5, 1216, 832)
    assert executor.inputs == [{digest(photo): photo}]
    assert interaction.original is not None
    assert "from an image, strength 0.5" in interaction.original.content


@online
async def test_a_mask_and_an_outpaint_reach_the_engine(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    photo, mask = png(1024, 1024), png(512, 512, (255, 255, 255))
    files = [*attached(photo), UploadedFile("files[1]", "mask.png", "image/png", mask)]

    masked = await discord.slash("imagine", {"prompt": "a", "image": 0, "mask": 1}, files=files)
    zoomed = await discord.slash("imagine", {"prompt": "b", "image": 0, "outpaint": "2x"}, files=attached(photo))
    cut = await discord.slash("imagine", {"prompt": "c", "image": 0, "extra": "area=masked"}, files=attached(erased()))
    await discord.wait_until(lambda: bool(masked.pictures and zoomed.pictures and cut.pictures))

    by_prompt = {request.prompt: request for request in executor.requests}
    assert by_prompt["a"].mask is not None
    assert (by_prompt["a"].mask.picture, by_prompt["a"].mask.feather) == (digest(mask), 32)
    assert by_prompt["b"].outpaint is not None
    assert (by_prompt["b"].outpaint.left, by_prompt["b"].outpaint.bottom) == (256, 256)
    assert by_prompt["c"].mask is not None
    assert (by_prompt["c"].mask.picture, by_prompt["c"].mask.area) == ("", "masked")


@pytest.mark.parametrize(
    ("data", "name", "options", "answer"),
    [
        (
            png(64, 64)[:-30],
            "photo.png",
            {},
            "image is damaged or was not uploaded completely; save it anew and try again.",
        ),
        (b"hello", "photo.png", {}, "image is no picture that I can read: it must be PNG, JPEG, WebP, GIF or BMP."),
        (b"hello", "notes.txt", {}, "image is no picture but text/plain; it must be PNG, JPEG, WebP, GIF or BMP."),
        (png(64, 64), "photo.png", {"outpaint": "sideways"}, "outpaint: write 2x to zoom out, 1.5x 16:9 to"),
        (
            png(64, 64),
            "photo.png",
            {"extra": "area=whole"},
            "mask is missing: the image has nothing transparent to paint anew.",
        ),
    ],
    ids=["damaged", "text", "named text", "outpaint", "opaque"],
)
@online
async def test_a_bad_picture_is_refused_alone_and_leaves_nothing_public(
    discord: LoopbackDiscord, executor: FakeExecutor, data: bytes, name: str, options: dict[str, str], answer: str
) -> None:
    interaction = await discord.slash(
        "imagine", {"prompt": "a cat", "image": 0, **options}, files=attached(data, name=name)
    )
    await discord.wait_until(lambda: bool(interaction.private_texts))

    assert interaction.private_texts[0].startswith(answer)
    assert nothing_public(interaction)
    assert executor.requests == []


@online
async def test_a_picture_that_is_too_heavy_is_refused_before_it_is_fetched(discord: LoopbackDiscord) -> None:
    discord.world.upload_limit = 30 * 2**20

    interaction = await discord.slash("imagine", {"prompt": "a cat", "image": 0}, files=attached(bytes(26 * 2**20)))
    await discord.wait_until(lambda: interaction.acked is not None)

    assert interaction.private_texts == ["image has 26.0 MB; at most 25 MB are possible."]


@online
async def test_a_lora_reaches_the_engine_and_an_unknown_one_is_answered_with_the_nearest(
    discord: LoopbackDiscord, executor: FakeExecutor
) -> None:
    fur = await discord.slash("imagine", {"prompt": "a cat", "lora": "fur:0.5"})
    unknown = await discord.slash("imagine", {"prompt": "a cat <lora:furr>"})
    await discord.wait_until(lambda: bool(fur.pictures) and unknown.acked is not None)

    assert executor.requests[0].loras == (Lora("fur", 0.5, 0.5),)
    assert fur.original is not None
    assert "lora fur:0.5" in fur.original.content
    assert unknown.private_texts == ["There is no lora named 'furr'. Did you mean fur?"]
    assert await discord.autocomplete("imagine", "lora", "ink:1, f") == ["ink:1, fur:0.8"]


@online
async def test_a_refused_picture_costs_no_place_in_the_queue(
    discord: LoopbackDiscord, executor: FakeExecutor, settings: Settings
) -> None:
    for _ in range(settings.max_waiting + 1):
        refused = await discord.slash("imagine", {"prompt": "a", "image": 0}, files=attached(b"no"))
        await discord.wait_until(lambda refused=refused: bool(refused.private_texts))  # type: ignore[misc]

    interaction = await discord.slash("imagine", {"prompt": "a cat"})

    await discord.wait_until(lambda: bool(interaction.pictures))


@online
async def test_what_needs_a_picture_says_so_at_once(discord: LoopbackDiscord) -> None:
    interaction = await discord.slash("imagine", {"prompt": "a cat", "strength": 0.5})

    await discord.wait_until(lambda: interaction.acked is not None)
    assert interaction.private_texts == ["strength needs an image to begin from; give one, or leave strength out."]


@online
async def test_a_picture_that_discord_does_not_give_out_is_told_alone(discord: LoopbackDiscord) -> None:
    interaction = await discord.slash("imagine", {"prompt": "a", "image": 0}, files=attached(png(64, 64)))
    discord.world.cdn._files.clear()
    await discord.wait_until(lambda: bool(interaction.private_texts))

    assert interaction.private_texts == ["Discord no longer has the image; attach it again."]
    assert nothing_public(interaction)


@online
async def test_a_kept_picture_lies_in_the_store_and_belongs_to_its_job(
    discord: LoopbackDiscord, settings: Settings
) -> None:
    photo = png(64, 64, (1, 2, 3))
    interaction = await discord.slash("imagine", {"prompt": "a cat", "image": 0}, files=attached(photo))
    await discord.wait_until(lambda: bool(interaction.pictures))

    store = FilePictureStore(settings.pictures_path)
    assert await store.get(digest(photo)) == photo
    problems = await check(settings.database, store)
    assert [problem for problem in problems if digest(photo) in problem] == []


async def test_a_job_goes_on_with_its_picture_after_a_restart(
    discord: LoopbackDiscord, settings: Settings, executor: FakeExecutor
) -> None:
    photo = png(64, 64, (9, 9, 9))
    executor.hold()
    executor.failures["a cat"] = ExecutorClosedError("Easel is shutting down.")
    async with running(discord, settings, executor):
        interaction = await discord.slash("imagine", {"prompt": "a cat", "image": 0}, files=attached(photo))
        await discord.wait_until(lambda: bool(executor.requests))

    successor = FakeExecutor()
    async with running(discord, settings, successor):
        await discord.wait_until(lambda: bool(interaction.pictures))

    assert successor.inputs == [{digest(photo): photo}]


def nothing_public(interaction: Interaction) -> bool:
    return interaction.original is None or interaction.original.deleted or interaction.original.only_for is not None


@online
async def test_choices_beside_a_picture_all_begin_from_it(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    photo = png(1024, 1024)

    await discord.slash("imagine", {"prompt": "a {red, blue} cat", "image": 0}, files=attached(photo))
    await discord.wait_until(lambda: len(executor.requests) == 2)
    many = await discord.slash("imagine", {"prompt": "{a, b, c, d, e}", "image": 0}, files=attached(photo))
    await discord.wait_until(lambda: bool(many.private_texts))

    assert {request.prompt for request in executor.requests} == {"a red cat", "a blue cat"}
    assert executor.inputs == [{digest(photo): photo}] * 2
    assert many.private_texts == ["With a picture attached a prompt can make 4 jobs at once, not 5."]
