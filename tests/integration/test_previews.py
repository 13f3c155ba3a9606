"""What a running job shows, over real sockets: previews, and for how long its message is edited."""

from datetime import timedelta

import pytest

from bot import domain
from bot.ui.jobs import messenger
from tests.fakes import FakeExecutor, jpeg
from tests.loopback import Interaction, LoopbackDiscord

JPEG, OTHER_JPEG = jpeg((200, 0, 0)), jpeg((0, 0, 200))

pytestmark = pytest.mark.usefixtures("bot")


@pytest.fixture
def edit_seconds() -> float:
    """Lets messages be edited more often than they are for people."""
    return 0.05


def shown(interaction: Interaction) -> list[str]:
    return [] if interaction.original is None else [file.filename for file in interaction.original.attachments]


async def previewed(discord: LoopbackDiscord, executor: FakeExecutor) -> Interaction:
    """Starts a job and waits until its message shows a preview."""
    executor.preview = JPEG
    executor.hold()
    interaction = await discord.slash("imagine", {"prompt": "a cat", "steps": 100})
    await discord.wait_until(lambda: shown(interaction) == ["preview.jpg"])
    return interaction


async def test_a_running_job_shows_what_is_coming_until_its_picture_is_there(
    discord: LoopbackDiscord, executor: FakeExecutor
) -> None:
    interaction = await previewed(discord, executor)
    assert interaction.pictures == [JPEG]

    executor.release()

    await discord.wait_until(lambda: shown(interaction)[0].startswith("easel-"))
    assert len(shown(interaction)) == 1


async def test_a_new_preview_takes_the_place_of_the_old(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    interaction = await previewed(discord, executor)

    executor.preview, executor.seconds_per_call = OTHER_JPEG, 0.02
    executor.release()

    await discord.wait_until(lambda: interaction.pictures == [OTHER_JPEG])


async def test_a_cancelled_job_shows_nothing_any_more(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    interaction = await previewed(discord, executor)
    assert interaction.original is not None

    await discord.press(interaction.original, "Cancel Job")

    await discord.wait_until(lambda: "(cancelled)" in str(interaction.original and interaction.original.content))
    assert shown(interaction) == []


async def test_nothing_is_edited_where_nothing_has_changed(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    interaction = await previewed(discord, executor)
    assert interaction.original is not None
    edits = len(interaction.original.history)

    executor.seconds_per_call = 0.05
    executor.release()
    await discord.wait_until(lambda: "(3%)" in str(interaction.original and interaction.original.content))

    assert len(interaction.original.history) - edits <= 3


async def test_the_message_is_edited_beyond_its_tokens_death_but_not_for_ever(
    discord: LoopbackDiscord, executor: FakeExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    interaction = await previewed(discord, executor)
    message = interaction.original
    assert message is not None
    executor.seconds_per_call = 0.05
    discord.clock.advance(16 * 60)

    executor.release()
    await discord.wait_until(lambda: "(0%)" not in message.content)
    asked = domain.now()
    monkeypatch.setattr(messenger, "now", lambda: asked + timedelta(minutes=56))
    edits = len(message.history)
    await discord.wait_until(lambda: bool(results(discord)))

    assert len(message.history) <= edits + 1  # one may have been on its way


def results(discord: LoopbackDiscord) -> list[str]:
    files = [file.filename for message in discord.general.messages.values() for file in message.attachments]
    return [name for name in files if name.startswith("easel-")]
