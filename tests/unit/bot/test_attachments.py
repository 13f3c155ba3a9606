"""Attached files: how much of one is fetched, whose they are, and when they are kept."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from types import SimpleNamespace
from typing import Any, cast

import discord
import pytest
from aiohttp import web

from bot.domain import InputFile, Waiting
from bot.errors import DeliveryError, LimitError
from bot.services.images.fit_upload import DIRECT_MESSAGE_LIMIT
from bot.services.images.inputs import MIB, InputLimits, InputStore
from bot.ui.discord.attachments import Attached
from generation import InvalidRequestError
from generation.images.loading import MAX_BYTES, digest_of
from tests.fakes import png
from tests.unit.bot.jobs import MemoryPictures

PERSON = 1


class Cdn:
    """Gives out files, one of them without an end."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {"/photo.png": png(64, 64)}
        self.sent = 0
        self.url = ""

    async def serve(self, request: web.Request) -> web.StreamResponse:
        if request.path != "/endless.png":
            return web.Response(status=200 if request.path in self.files else 404, body=self.files.get(request.path))
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(bytes(MIB))
            self.sent += MIB


@pytest.fixture
async def cdn() -> AsyncIterator[Cdn]:
    cdn = Cdn()
    app = web.Application()
    app.router.add_get("/{name}", cdn.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    cdn.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield cdn
    await runner.cleanup()


class MemoryInputs:
    """Notes who brought what."""

    def __init__(self) -> None:
        self.noted: dict[int, dict[str, int]] = {}
        self.in_use = Waiting(0, 0)

    async def note(self, person: int, sizes: Mapping[str, int]) -> None:
        self.noted.setdefault(person, {}).update(sizes)

    async def waiting(self, person: int) -> Waiting:
        return self.in_use


class Shelf:
    """A shelf, with what is kept in it and noted of it."""

    def __init__(self, limits: InputLimits | None = None) -> None:
        self.pictures, self.book = MemoryPictures(), MemoryInputs()
        self.shelf = InputStore(self.pictures, self.book, limits)

    def attached(self, cdn: Cdn, name: str = "photo.png") -> Attached:
        data: Any = {
            "id": "5", "size": 10, "filename": name, "url": f"{cdn.url}/{name}", "proxy_url": f"{cdn.url}/{name}",
        }  # fmt: skip
        return Attached(
            {"image": discord.Attachment(data=data, state=cast(Any, SimpleNamespace(http=None)))}, self.shelf, PERSON
        )


async def accept(pictures: Mapping[str, InputFile]) -> str:
    return pictures["image"].digest


async def test_no_more_of_an_attachment_is_read_than_is_allowed_whatever_size_it_claims(cdn: Cdn) -> None:
    shelf = Shelf()

    with pytest.raises(InvalidRequestError, match="image is larger than 25 MB"):
        await shelf.attached(cdn, "endless.png").take_in(accept)

    assert cdn.sent < 2 * MAX_BYTES
    assert shelf.pictures.files == {}


async def test_a_file_that_discord_no_longer_has_is_told(cdn: Cdn) -> None:
    with pytest.raises(DeliveryError, match="Discord no longer has the image; attach it again"):
        await Shelf().attached(cdn, "gone.png").take_in(accept)


async def test_a_file_is_noted_and_kept_once_its_order_is_accepted(cdn: Cdn) -> None:
    shelf = Shelf()
    photo = cdn.files["/photo.png"]

    digest = await shelf.attached(cdn).take_in(accept)

    assert digest == digest_of(photo)
    assert list(shelf.pictures.files.values()) == [photo]
    assert shelf.book.noted == {PERSON: {digest: len(photo)}}


async def test_a_refused_order_leaves_no_file(cdn: Cdn) -> None:
    shelf = Shelf()

    async def refuse(_pictures: Mapping[str, InputFile]) -> str:
        raise InvalidRequestError("strength", "no")

    with pytest.raises(InvalidRequestError, match="no"):
        await shelf.attached(cdn).take_in(refuse)

    assert (shelf.pictures.files, shelf.book.noted) == ({}, {})


@pytest.mark.parametrize(
    ("waiting", "said"),
    [
        (Waiting(2, 2 * MIB), "You have 2 pictures of your own waiting with your jobs; at most 2 are possible"),
        (Waiting(1, 10 * MIB), "would come to 10 MB; at most 10 MB are possible"),
    ],
)
async def test_a_person_may_have_so_many_files_and_bytes_waiting(cdn: Cdn, waiting: Waiting, said: str) -> None:
    shelf = Shelf(InputLimits(files=2, size=10 * MIB))
    shelf.book.in_use = waiting

    with pytest.raises(LimitError, match=said):
        await shelf.attached(cdn).take_in(accept)

    assert shelf.pictures.files == {}


async def test_a_persons_orders_are_served_one_after_the_other(cdn: Cdn) -> None:
    shelf, under_way = Shelf(), list[int]()

    async def use(_pictures: Mapping[str, InputFile]) -> int:
        under_way.append(1)
        most = len(under_way)
        await asyncio.sleep(0)
        under_way.pop()
        return most

    assert await asyncio.gather(*(shelf.attached(cdn).take_in(use) for _ in range(5))) == [1] * 5


def test_direct_messages_take_what_discord_takes_from_anybody() -> None:
    assert DIRECT_MESSAGE_LIMIT == discord.utils.DEFAULT_FILE_SIZE_LIMIT_BYTES
