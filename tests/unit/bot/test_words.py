from datetime import UTC, datetime
from typing import Any

import pytest

from bot.ui.discord.permissions import invite_link
from bot.ui.jobs import text as words
from bot.ui.jobs.autocomplete import matching
from generation import Progress, Stage
from generation.typed_text import TypedText
from tests.unit.bot.jobs import job

SOON = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("prompt", ["x" * 6000, "*" * 6000, "@everyone " * 600, "🍎" * 3000])
def test_every_message_fits_into_discord(prompt: str) -> None:
    long = job(prompt=prompt, model="m" * 200, count=10)

    for text in (
        words.waiting(long, 12, SOON),
        words.running(long, Progress(Stage.PAINTING, 1, 3), SOON),
        words.running(long, Progress(Stage.LOADING, 0, 3), SOON),
        words.finished(long, ["Memory was short: decoding in tiles."]),
        words.cancelled(long),
    ):
        assert len(text) <= words.CONTENT_LIMIT
        assert "…" in text


def test_progress_is_said_in_percent_and_counts_down() -> None:
    shown = words.running(job(), Progress(Stage.PAINTING, 7, 20), SOON)

    assert shown == "**a cat** - <@1> (35%) <t:1767225600:R>"


def test_a_waiting_job_tells_its_place() -> None:
    assert words.waiting(job(), 3, SOON) == "**a cat** - <@1> (waiting, 3 in front) <t:1767225600:R>"
    assert words.waiting(job(), 0, SOON) == "**a cat** - <@1> (starting) <t:1767225600:R>"


def test_a_batch_names_its_seeds() -> None:
    assert "seeds 7 to 10" in words.recipe_line(job(count=4).request)


@pytest.mark.parametrize("shared", [{"noise": "comfyui"}, {"subseed": 3, "subseed_strength": 0.5}])
def test_a_batch_of_one_seed_names_one(shared: dict[str, Any]) -> None:
    assert words.recipe_line(job(count=4, **shared).request).startswith("seed 7 ·")


def test_what_is_unusual_is_named_and_nothing_else() -> None:
    unusual = job(vae="soft", clip_skip=1, guidance_end=0.6, subseed=9).request

    assert words.recipe_line(unusual).endswith("tiny · vae soft · clip_skip 1 · cfg_end 0.6")


def test_autocomplete_offers_beginnings_first_and_no_more_than_discord_takes() -> None:
    offered = [choice.name for choice in matching(TypedText("eu"), ["deus", "euler"])]
    assert offered == ["euler", "deus"]
    assert len(matching(TypedText(""), map(str, range(100)))) == 25


def test_the_invitation_asks_for_what_is_needed_and_no_more() -> None:
    assert invite_link(5) == (
        "https://discord.com/oauth2/authorize?client_id=5&scope=bot+applications.commands&permissions=309237763136"
    )
