"""When jobs will be ready."""

import pytest

from bot.domain import Job, Speed
from bot.services.jobs.costs import ANY_SIZE, CostModel
from bot.services.jobs.fair_queue import FairQueue
from bot.services.jobs.forecast import MAX_EVENTS, REHEARSED, Forecast
from generation import Progress, Stage
from generation.scheduling.simulation import BatchTable, Simulation
from tests.unit.bot.jobs import job

PIXELS = 1024 * 1024


class Studio:
    """A queue, a device that takes a second for each step at 1024x1024, and time that stands still."""

    def __init__(self, slots: int = 2) -> None:
        costs = CostModel()
        costs.recall([Speed("tiny", PIXELS, 0.5, 100), Speed("tiny", ANY_SIZE, 0.0, 100)])
        self.cost = costs.estimate
        self.queue = FairQueue(100, costs.estimate)
        self.now = 1000.0
        self.forecast = Forecast(self.queue, costs, lambda _model: BatchTable(), slots, lambda: self.now)
        self.running: dict[str, tuple[Job, Progress]] = {}

    def waits(self, person: int = 1, steps: int = 10) -> Job:
        made = job(person, steps=steps)
        self.queue.put(made, reserved=False)
        return made

    def begin(self, done: int = 0) -> Job:
        taken = self.queue.take()
        assert taken is not None
        self.running[taken.id] = taken, Progress(Stage.PAINTING, done, taken.request.calls)
        return taken

    def ready(self, wanted: Job) -> float:
        return self.forecast.predict(self.running).seconds[wanted.id]


def test_a_job_alone_takes_what_it_costs() -> None:
    studio = Studio()
    wanted = studio.waits(steps=10)

    assert studio.ready(wanted) == pytest.approx(studio.cost(wanted.request))


def test_a_short_job_does_not_wait_for_a_long_one_that_is_being_painted() -> None:
    studio = Studio()
    long, short = studio.waits(1, steps=100), studio.waits(2, steps=4)
    studio.begin(done=10)

    assert studio.ready(short) < 2 * studio.cost(short.request)
    assert studio.ready(long) == pytest.approx(90 + 4, abs=4)


def test_a_job_waits_until_a_slot_is_free() -> None:
    studio = Studio(slots=1)
    long, short = studio.waits(1, steps=100), studio.waits(2, steps=4)
    studio.begin(done=10)

    assert studio.ready(short) == pytest.approx(studio.ready(long) + studio.cost(short.request))


def test_a_rehearsal_changes_nothing() -> None:
    studio = Studio()
    for person in (1, 2, 1, 3):
        studio.waits(person)
    studio.begin()
    before = [(each.id, place) for each, place in studio.queue.line()]

    studio.forecast.predict(studio.running)

    assert [(each.id, place) for each, place in studio.queue.line()] == before
    studio.queue.settle(next(iter(studio.running.values()))[0], 1.0)


def test_what_came_lately_is_expected_to_come_again() -> None:
    studio = Studio(slots=1)
    for _ in range(4):  # somebody wants a short one every five seconds
        studio.forecast.came(job(2, steps=3))
        studio.now += 5
    wanted = studio.waits(1, steps=10)
    second = studio.waits(1, steps=10)
    studio.forecast.came(second)

    alone = studio.cost(wanted.request)
    assert studio.ready(wanted) == pytest.approx(alone)
    assert studio.ready(second) > 2 * alone + 2


def test_the_last_that_came_is_not_expected_again_at_once() -> None:
    studio = Studio()
    wanted = studio.waits(steps=10)
    studio.forecast.came(wanted)

    assert studio.ready(wanted) == pytest.approx(studio.cost(wanted.request))


def test_those_behind_the_rehearsed_ones_go_on_at_their_pace() -> None:
    studio = Studio(slots=1)
    jobs = [studio.waits(steps=10) for _ in range(3 * REHEARSED)]

    prediction = studio.forecast.predict(studio.running)

    assert set(prediction.seconds) == {each.id for each in jobs[:REHEARSED]}
    assert prediction.pace == pytest.approx(1.0)


def test_however_much_there_is_to_do_it_is_given_up_after_so_many_leaps(monkeypatch: pytest.MonkeyPatch) -> None:
    events = 0
    leap = Simulation._leap

    def counted(simulation: Simulation, until: float) -> None:
        nonlocal events
        events += 1
        leap(simulation, until)

    monkeypatch.setattr(Simulation, "_leap", counted)
    studio = Studio(slots=8)
    for person in range(200):
        made = job(person, steps=150, count=10, width=256, height=256 + 64 * (person % 3))
        studio.queue.put(made, reserved=False)
        studio.forecast.came(made)
        studio.now += 0.01
    for _ in range(8):
        studio.begin(done=40)

    prediction = studio.forecast.predict(studio.running)

    assert MAX_EVENTS <= events < 3 * MAX_EVENTS
    assert prediction.pace > 0


def test_when_everything_takes_longer_than_foretold_more_is_foretold() -> None:
    studio = Studio()
    wanted = studio.waits(steps=10)

    for _ in range(50):
        studio.forecast.calibrate(10.0, 15.0)

    assert studio.ready(wanted) == pytest.approx(1.5 * studio.cost(wanted.request), rel=0.05)


def test_one_job_that_hung_does_not_spoil_the_countdowns() -> None:
    studio = Studio()
    wanted = studio.waits(steps=10)
    for _ in range(20):
        studio.forecast.calibrate(10.0, 10.0)

    studio.forecast.calibrate(1.0, 3600.0)

    assert studio.ready(wanted) < 1.2 * studio.cost(wanted.request)
