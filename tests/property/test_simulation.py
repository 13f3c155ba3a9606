"""The event-driven simulation is compared with one that makes every call, by the same policy."""

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.scheduling.policy import Candidate, Turn, choose
from generation.scheduling.simulation import BatchTable, Outline, Pass, Simulation, spread

RULE = BatchTable()
MEASURED = BatchTable({64: {1: 1.0, 2: 1.2, 3: 1.4}, 4096: {1: 1.0, 2: 1.9}})

PASSES = st.builds(Pass, st.integers(0, 30), st.sampled_from([64, 4096]), st.just(0.5), st.sampled_from([0.1, 2.0]))
OUTLINES = st.builds(
    Outline,
    st.sampled_from(["a", "b"]),
    st.just((64, 64)),
    st.sampled_from([1, 2]),
    st.integers(1, 4),
    st.lists(PASSES, min_size=1, max_size=2).map(tuple),
    st.sampled_from([0.0, 0.7]),
)


class Slow:
    """One picture in a loop that makes every call."""

    def __init__(self, name: str, outline: Outline) -> None:
        self.name, self.outline = name, outline
        self.passes = deque(each for each in outline.passes if each.calls)
        self.left = self.passes[0].calls if self.passes else 0

    def candidate(self) -> Candidate:
        pixels, calls = self.passes[0].pixels, self.passes[0].calls
        key = (self.outline.model, self.outline.size, pixels)
        return Candidate(key, self.outline.model, self.left, calls, pixels, self.outline.rows)

    def advance(self) -> bool:
        self.left -= 1
        if self.left:
            return False
        self.passes.popleft()
        if self.passes:
            self.left = self.passes[0].calls
        return not self.passes


def call_by_call(works: dict[str, Outline], table: BatchTable) -> dict[str, float]:
    pictures = [Slow(name, outline) for name, outline in works.items() for _ in range(outline.count)]
    left = {name: outline.count for name, outline in works.items()}
    painted = deque(picture for picture in pictures if not picture.passes)
    pictures = [picture for picture in pictures if picture.passes]
    done: dict[str, float] = {}
    seconds, turn = 0.0, Turn()
    while pictures or painted:
        if pictures:
            choice = choose([picture.candidate() for picture in pictures], turn, lambda _lead: table)
            chosen, turn = [pictures[index] for index in choice.indices], choice.turn
            seconds += chosen[0].passes[0].shared + sum(picture.passes[0].own for picture in chosen)
            ready = [picture for picture in chosen if picture.advance()]
            pictures = [picture for picture in pictures if picture not in ready]
            painted += ready
        if painted:
            picture = painted.popleft()
            seconds += picture.outline.finishing
            left[picture.name] -= 1
            if not left[picture.name]:
                done[picture.name] = seconds
    return done


@given(st.lists(OUTLINES, min_size=1, max_size=6), st.sampled_from([RULE, MEASURED]))
def test_leaping_comes_to_the_same_as_making_every_call(outlines: list[Outline], table: BatchTable) -> None:
    works = {str(number): outline for number, outline in enumerate(outlines)}
    simulation = Simulation(lambda _model: table)
    for name, outline in works.items():
        simulation.admit(name, outline)

    done: dict[str, float] = {}
    while (each := simulation.advance()) is not None:
        done[each.name] = each.seconds

    assert done == pytest.approx(call_by_call(works, table))


def test_it_stops_at_a_second_and_goes_on_from_there() -> None:
    simulation = Simulation(lambda _model: RULE)
    simulation.admit("long", Outline("a", (64, 64), 2, 1, (Pass(100, 4096, 0.5, 0.5),), 1.0))

    assert simulation.advance(until=9.5) is None
    assert simulation.seconds == pytest.approx(10)
    simulation.admit("short", Outline("a", (64, 64), 1, 1, (Pass(2, 64, 0.5, 0.5),), 1.0))

    first, second = simulation.advance(), simulation.advance()
    assert first is not None
    assert second is not None
    assert [first.name, second.name] == ["short", "long"]
    assert [first.seconds, second.seconds] == pytest.approx([13, 104])
    assert simulation.events < 10


def test_what_a_work_had_is_spread_over_its_pictures_as_the_loop_does_it() -> None:
    assert spread(0, each=10, count=3, together=1) == [0, 0, 0]
    assert spread(14, each=10, count=3, together=1) == [10, 4, 0]
    assert spread(14, each=10, count=2, together=2) == [7, 7]
    assert spread(26, each=10, count=3, together=2) == [10, 10, 6]
    assert spread(99, each=10, count=3, together=2) == [10, 10, 10]


@pytest.mark.parametrize("count", [1, 3])
def test_an_upscale_alone_takes_what_its_outline_says(count: int) -> None:
    passes = (Pass(0, 64, 0.5, 0.5), Pass(0, 4096, 0.5, 0.5))
    upscale = Outline("a", (64, 64), 2, count, passes, 3.0)
    simulation = Simulation(lambda _model: RULE)
    simulation.admit("upscale", upscale)

    done = simulation.advance()

    assert done is not None
    assert done.seconds == pytest.approx(upscale.seconds) == pytest.approx(3.0 * count)
    assert simulation.advance() is None


@pytest.mark.parametrize("calls", [(0, 4), (4, 0)])
@pytest.mark.parametrize("done", [0, 1])
def test_a_pass_without_calls_takes_no_time(calls: tuple[int, int], done: int) -> None:
    passes = tuple(Pass(each, pixels, 0.5, 0.5) for each, pixels in zip(calls, (64, 4096), strict=True))
    simulation = Simulation(lambda _model: RULE)
    simulation.admit("second pass alone", Outline("a", (64, 64), 2, 1, passes, 1.0), done=done)

    ready = simulation.advance()

    assert ready is not None
    assert ready.seconds == pytest.approx(5.0 - 0.5 * done)  # of what is under way, half of the next call too is made


def test_a_work_whose_pictures_are_all_painted_has_one_to_finish() -> None:
    simulation = Simulation(lambda _model: RULE)
    simulation.admit("nearly", Outline("a", (64, 64), 2, 2, (Pass(10, 64, 0.5, 0.5),), 0.7), done=20)

    done = simulation.advance()

    assert done is not None
    assert done.seconds == pytest.approx(0.7)
    assert simulation.advance() is None
