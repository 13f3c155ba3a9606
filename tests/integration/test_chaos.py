"""Whatever is killed when: every accepted job is posted exactly once."""

from pathlib import Path

import pytest

from tests.chaos.storm import Kill, Storm
from tests.fakes import model_files
from tests.loopback import LoopbackDiscord

KILLS = 20


def spread(steps: int, count: int) -> list[int]:
    """Chooses steps evenly from the first to the last."""
    return sorted({1 + round(number * (steps - 1) / (count - 1)) for number in range(count)})


@pytest.mark.ci
async def test_every_job_is_posted_exactly_once_however_often_the_bot_is_killed(
    discord: LoopbackDiscord, tmp_path: Path
) -> None:
    model_files(tmp_path / "models", "tiny")
    storm = Storm(discord, tmp_path)
    kills: list[Kill] = []
    for late in (False, True):
        steps = await storm.steps(late=late)
        kills += [Kill(step, late) for step in spread(steps, KILLS)]

    await storm.rage(kills)

    assert storm.kills >= 2 * KILLS - 4
    for job in storm.jobs:
        (message_id,) = storm.posted(job)
        assert storm.kept(job) == ("posted", message_id)
    assert storm.left_thinking() == []
