import itertools
from collections import Counter
from dataclasses import dataclass, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from generation.scheduling.batch_table import BatchTable
from generation.scheduling.policy import FAR, PATIENCE, QUANTUM, Candidate, Turn, choose

ONE_BY_ONE = BatchTable({1: {1: 1.0}})
AREA = 512 * 512

candidates = st.lists(
    st.builds(
        Candidate,
        key=st.sampled_from("ab"),
        weights=st.sampled_from("vw"),
        remaining=st.integers(1, 150),
        total=st.integers(1, 150),
        pixels=st.just(AREA),
        rows=st.sampled_from([1, 2]),
        ready=st.booleans(),
        alone=st.booleans(),
    ),
    max_size=30,
)
turns = st.builds(Turn, held=st.integers(0, 3 * QUANTUM), passed=st.integers(0, 100 * AREA))


@dataclass
class Simulated:
    """One picture of a simulation; its cost is that of one row of one pixel."""

    name: str
    steps: int
    arrives: int = 0
    weights: str = "v"
    pixels: int = 1
    left: int = -1
    ends: int | None = None

    def __post_init__(self) -> None:
        self.left = self.steps


def simulate(jobs: list[Simulated], table: BatchTable = ONE_BY_ONE) -> tuple[dict[str, int], list[str]]:
    """Plays the policy in simulated time, where a call takes as long as its pixels; returns ends, and the switches."""
    clock, turn, loaded, switches = 0, Turn(), "", []
    while left := [job for job in jobs if job.left]:
        here = [job for job in left if job.arrives <= clock]
        if not here:
            clock = min(job.arrives for job in left)
            continue
        waiting = [
            Candidate(job.pixels, job.weights, job.left, job.steps, job.pixels, rows=1, ready=job.weights == loaded)
            for job in here
        ]
        choice = choose(waiting, turn, lambda _lead: table)
        turn = choice.turn
        if here[choice.indices[0]].weights != loaded:
            loaded = here[choice.indices[0]].weights
            switches.append(loaded)
        clock += sum(here[index].pixels for index in choice.indices)
        for index in choice.indices:
            here[index].left -= 1
            here[index].ends = clock
    return {job.name: job.ends for job in jobs if job.ends is not None}, switches


@given(candidates, turns)
def test_a_call_is_shared_only_by_those_who_can(waiting: list[Candidate], turn: Turn) -> None:
    chosen = [waiting[index] for index in choose(waiting, turn, lambda _lead: BatchTable()).indices]

    assert bool(chosen) == bool(waiting)
    assert len({(candidate.key, candidate.weights) for candidate in chosen}) <= 1
    assert len(chosen) == 1 or not any(candidate.alone for candidate in chosen)
    assert len(chosen) <= BatchTable().pictures(AREA, len(waiting) or 1)


@given(candidates)
def test_the_least_product_of_remaining_and_whole_work_leads(waiting: list[Candidate]) -> None:
    everything_there = [replace(candidate, ready=True) for candidate in waiting]

    choice = choose(everything_there, Turn(), lambda _lead: BatchTable())

    ranks = [candidate.rank for candidate in waiting]
    assert not choice.indices or ranks[choice.indices[0]] == min(ranks)


@given(arrives=st.integers(0, 59), steps=st.integers(4, 8), table=st.sampled_from([ONE_BY_ONE, BatchTable()]))
def test_a_draft_during_a_long_job_takes_at_most_half_as_long_again(
    arrives: int, steps: int, table: BatchTable
) -> None:
    ends, _ = simulate([Simulated("long", 60), Simulated("draft", steps, arrives)], table)

    assert ends["draft"] - arrives <= 1.5 * steps


@given(st.lists(st.integers(1, 150), min_size=2, max_size=8))
def test_who_joins_a_call_has_not_far_more_to_do_than_its_leader(totals: list[int]) -> None:
    waiting = [Candidate("a", "v", total, total, AREA) for total in totals]

    lead, *mates = choose(waiting, Turn(), lambda _lead: BatchTable({AREA: {1: 1.0, 8: 1.1}})).indices

    assert all(totals[mate] <= FAR * totals[lead] for mate in mates)


def test_a_long_job_lets_drafts_join_it_when_its_patience_has_ended() -> None:
    long, draft = Candidate("a", "v", 60, 60, AREA), Candidate("a", "v", 4, 4, AREA)

    choice = choose([long, draft], Turn(passed=PATIENCE * long.cost), lambda _lead: BatchTable())

    assert choice.indices == (0, 1)


@given(every=st.integers(1, 6), steps=st.integers(10, 30))
@settings(deadline=None)
def test_a_long_job_in_an_endless_stream_of_drafts_has_its_share(every: int, steps: int) -> None:
    stream = [Simulated(f"draft {number}", 4, number * every) for number in range((PATIENCE + 2) * steps // every)]

    ends, _ = simulate([Simulated("long", steps), *stream])

    assert ends["long"] <= (PATIENCE + 1) * steps


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(0, 60), st.sampled_from([1, 2, 4])), min_size=1, max_size=10))
@settings(deadline=None)
def test_nobody_waits_beyond_the_bound(drawn: list[tuple[int, int, int]]) -> None:
    drawn.sort(key=lambda job: job[1])
    jobs = [Simulated(str(n), left, arrives, pixels=pixels) for n, (left, arrives, pixels) in enumerate(drawn)]
    before = list(itertools.accumulate(left * pixels for left, _, pixels in drawn))

    ends, _ = simulate(jobs)

    for number, (_, arrives, pixels) in enumerate(drawn):
        assert ends[str(number)] - arrives <= (PATIENCE + 1) * (before[number] + 4) + pixels


@given(st.lists(st.tuples(st.sampled_from("vwx"), st.integers(1, 60)), min_size=2, max_size=12))
@settings(deadline=None)
def test_weights_do_not_come_and_go_with_every_call(drawn: list[tuple[str, int]]) -> None:
    jobs = [Simulated(str(number), left, weights=weights) for number, (weights, left) in enumerate(drawn)]
    calls = Counter[str]()
    for weights, left in drawn:
        calls[weights] += left

    _, switches = simulate(jobs)

    assert len(switches) <= sum(-(-count // QUANTUM) for count in calls.values())


@given(st.integers(1, 60))
def test_a_picture_of_other_weights_waits_for_a_bounded_time(arrives: int) -> None:
    ends, _ = simulate([Simulated("long", 150), Simulated("draft", 4, arrives, weights="w")])

    assert ends["draft"] - arrives <= QUANTUM + 4


@given(st.integers(64 * 64, 4096 * 4096), st.integers(1, 50))
def test_unmeasured_devices_paint_large_pictures_one_per_call(pixels: int, waiting: int) -> None:
    room = BatchTable().pictures(pixels, waiting)

    assert 1 <= room <= min(8, waiting)
    assert room == 1 or room * pixels <= 1024 * 1024
