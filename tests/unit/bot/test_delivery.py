import asyncio
from datetime import timedelta

import pytest

from bot.errors import (
    AnswerExpiredError,
    DeliveryError,
    UnreachableError,
    UploadTooLargeError,
)
from bot.services.jobs import delivery, dispatcher
from tests.unit.bot.house import House, painted
from tests.unit.bot.jobs import job


async def test_an_answer_older_than_its_token_becomes_a_message(house: House) -> None:
    await house.delivery.post(await painted(house, job(asked=timedelta(minutes=15))))

    assert [kind for kind, _ in house.messenger.said] == ["send"]


async def test_an_answer_whose_token_died_early_becomes_a_message(house: House) -> None:
    house.messenger.answer_failures = [AnswerExpiredError("gone")]

    await house.delivery.post(await painted(house, job()))

    assert [kind for kind, _ in house.messenger.said] == ["send"]


async def test_files_that_discord_finds_too_large_are_posted_smaller(house: House) -> None:
    from tests.fakes import picture

    house.messenger.answer_failures = [UploadTooLargeError("413")]
    data = picture(job().request, size=256).data + b"\0" * 10_000

    await house.delivery.post(await painted(house, job(file_limit=20_000), data))

    assert house.messenger.uploads[0][0].name.endswith(".webp")
    assert len(house.messenger.uploads[0][0].data) <= 5_000


async def test_a_picture_that_cannot_be_posted_is_sent_to_the_person(house: House) -> None:
    house.messenger.answer_failures = [DeliveryError("The channel is gone.")]
    wanted = await painted(house, job())

    await house.delivery.post(wanted)

    assert house.ledger.ways[wanted.id] == ["posted as 3"]
    assert house.messenger.said == [("letter", wanted.id)]
    assert house.messenger.notes == ("I cannot post this where you asked for it: The channel is gone.",)
    assert [upload.name for upload in house.messenger.uploads[0]] == [f"easel-{wanted.id}-7.png"]


async def test_a_picture_that_can_neither_be_posted_nor_sent_is_not_lost_in_silence(house: House) -> None:
    house.messenger.answer_failures = [DeliveryError("The channel is gone.")]
    house.messenger.takes_letters = False
    wanted = await painted(house, job())

    await house.delivery.post(wanted)

    assert house.ledger.reasons[wanted.id] == "The channel is gone."
    assert house.messenger.said[-1][1] == "Your picture is painted, but I cannot post it here: The channel is gone."


async def test_while_discord_cannot_be_reached_a_picture_waits(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "PAUSES", (0.01,))
    house.messenger.answer_failures = [UnreachableError("Discord could not be reached.")] * 4
    wanted = await painted(house, job())

    await house.delivery.post(wanted)

    assert house.ledger.ways[wanted.id] == ["posted as 1"]
    assert [kind for kind, _ in house.messenger.said] == ["answer"]


async def test_what_arrived_although_discord_seemed_away_is_not_posted_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "PAUSES", (0.01,))
    house.messenger.answer_failures = [UnreachableError("Discord could not be reached.")]
    wanted = await painted(house, job())
    house.messenger.posted_before[wanted.id] = 77

    await house.delivery.post(wanted)

    assert house.ledger.ways[wanted.id] == ["posted as 77"]
    assert house.messenger.said == []


async def test_closing_does_not_wait_for_a_discord_that_is_away(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatcher, "CLOSING_SECONDS", 0.05)
    house.messenger.answer_failures = [UnreachableError("Discord could not be reached.")]
    wanted = await house.submit(job())
    await house.settle(wanted, "rendered")

    async with asyncio.timeout(2):
        await house.dispatcher.close()

    assert house.ledger.ways[wanted.id][-1] == "rendered"


async def test_a_person_who_cannot_be_reached_is_only_logged(house: House, caplog: pytest.LogCaptureFixture) -> None:
    house.messenger.refuse_failures = [DeliveryError("This person takes no direct messages.")]

    await house.delivery.refuse(job(), "no")

    assert "takes no direct messages" in caplog.text
