import pytest

from bot.domain import Job, Usage
from bot.errors import LimitError
from bot.services.jobs.costs import CostModel
from bot.services.jobs.fair_queue import FairQueue
from bot.services.jobs.forecast import Forecast
from bot.services.jobs.status_board import StatusBoard
from bot.services.people.overview import QueueOverview
from bot.ui.jobs import text as words
from generation import Progress, Stage
from generation.scheduling.simulation import BatchTable
from generation.typed_text import TypedText
from tests.unit.bot.jobs import MemoryJobs, RecordingMessenger, job


class Desk:
    """A queue with one job being painted and some waiting, and what can be asked about it."""

    def __init__(self) -> None:
        costs = CostModel()
        costs.learn(job(steps=10).request, 10.0)
        self.queue = FairQueue(100, costs.estimate)
        forecast = Forecast(self.queue, costs, lambda _model: BatchTable(), slots=1)
        self.board = StatusBoard(self.queue, forecast, RecordingMessenger())
        self.overview = QueueOverview(self.queue, self.board, MemoryJobs())

    def waits(self, person: int, prompt: str) -> Job:
        waiting = job(person, prompt=prompt, steps=10)
        self.queue.put(waiting, reserved=False)
        return waiting


@pytest.fixture
async def desk() -> Desk:
    return Desk()


async def painted_by_a_fifth(desk: Desk) -> Job:
    desk.waits(1, "painted")
    running = await desk.queue.get()
    desk.board.started(running)
    desk.board.progress(running, Progress(Stage.PAINTING, 2, 10))
    return running


async def test_a_person_sees_their_own_jobs_and_only_the_number_of_others(desk: Desk) -> None:
    await painted_by_a_fifth(desk)
    desk.waits(2, "a secret")
    desk.waits(1, "mine")

    text = words.queue_overview(desk.overview.of(1))

    first, second, last = text.splitlines()
    assert first.startswith("1. painted (20%) <t:")
    assert second.startswith("2. mine (1 in front) <t:")
    assert last.startswith("-# In all: 1 job being painted, 2 waiting; everything done <t:")
    assert "secret" not in text
    await desk.board.close_all()


async def test_the_countdowns_add_up(desk: Desk) -> None:
    running = await painted_by_a_fifth(desk)
    waiting = [desk.waits(person, "x") for person in (2, 1)]

    start = desk.board.ready(running)
    gaps = [(desk.board.ready(each) - start).total_seconds() for each in waiting]

    assert gaps == pytest.approx([10, 20], abs=0.5)
    assert (desk.board.free() - start).total_seconds() == pytest.approx(20, abs=0.5)
    await desk.board.close_all()


async def test_an_idle_bot_says_so(desk: Desk) -> None:
    text = words.queue_overview(desk.overview.of(1))

    assert text == "You have no job waiting or being painted.\n-# Nobody else is waiting."


async def test_a_long_list_is_cut(desk: Desk) -> None:
    for number in range(40):
        desk.waits(1, f"{'x' * 500} {number}")

    text = words.queue_overview(desk.overview.of(1))

    assert "and 30 more" in text
    assert len(text) <= words.CONTENT_LIMIT


async def test_which_jobs_are_meant(desk: Desk) -> None:
    mine = [desk.waits(1, str(number)).id for number in range(4)]
    desk.waits(2, "theirs")

    assert desk.overview.meant(1, TypedText("all")) == mine
    assert desk.overview.meant(1, TypedText(" ALL ")) == mine
    assert desk.overview.meant(1, TypedText("2")) == [mine[1]]
    assert desk.overview.meant(1, TypedText("2-3")) == mine[1:3]
    assert desk.overview.meant(1, TypedText("3 - 9")) == mine[2:]
    assert desk.overview.meant(1, TypedText("0123456789")) == ["0123456789"]


@pytest.mark.parametrize(("person", "which", "said"), [
    (3, "all", "You have no job waiting"),
    (1, "7", "There is no job 7 of yours: /queue lists 1."),
    (1, "5-9", "There is no job 5-9 of yours"),
])  # fmt: skip
async def test_what_means_no_job_is_answered_with_what_would(
    desk: Desk, person: int, which: TypedText, said: str
) -> None:
    desk.waits(1, "mine")

    with pytest.raises(LimitError, match=said):
        desk.overview.meant(person, which)


async def test_what_a_person_used_is_summed_up(desk: Desk) -> None:
    desk.waits(1, "mine")

    text = words.usage(Usage(12, 1, 3456.7), desk.overview.of(1))

    assert text.startswith("Painted for you: 12 jobs, 1 picture, 3,457 seconds of the device.\n")
    assert "Being painted: 0. Waiting: 1." in text
