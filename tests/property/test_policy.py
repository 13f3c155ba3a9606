from hypothesis import given
from hypothesis import strategies as st

from generation.sdxl.policy import Candidate, choose, pictures_per_call

candidates = st.lists(
    st.builds(
        Candidate,
        key=st.sampled_from("ab"),
        remaining=st.integers(1, 150),
        waited=st.integers(0, 500),
        pixels=st.just(512 * 512),
        alone=st.booleans(),
    ),
    max_size=30,
)


@given(candidates)
def test_a_call_is_shared_only_by_those_who_can(waiting: list[Candidate]) -> None:
    chosen = [waiting[index] for index in choose(waiting)]

    assert bool(chosen) == bool(waiting)
    assert len({candidate.key for candidate in chosen}) <= 1
    assert len(chosen) == 1 or not any(candidate.alone for candidate in chosen)
    assert len(chosen) <= pictures_per_call(512 * 512)


@given(candidates)
def test_the_least_remaining_work_leads_less_what_was_waited(waiting: list[Candidate]) -> None:
    chosen = choose(waiting)

    if chosen:
        assert waiting[chosen[0]].remaining - waiting[chosen[0]].waited == min(
            candidate.remaining - candidate.waited for candidate in waiting
        )


@given(st.integers(1, 12), st.integers(10, 60))
def test_nobody_starves_however_many_drafts_arrive(drafts: int, steps: int) -> None:
    """A long job among an endless stream of four-step drafts ends in bounded time."""
    long_left, long_waited, calls = steps, 0, 0
    stream = [4] * drafts
    while long_left:
        waiting = [Candidate("long", long_left, long_waited, 1024 * 1024)]
        waiting += [Candidate(number, left, 0, 1024 * 1024) for number, left in enumerate(stream)]
        if (index := choose(waiting)[0]) == 0:
            long_left -= 1
        else:
            long_waited += 1
            stream[index - 1] = stream[index - 1] - 1 or 4
        calls += 1
        assert calls <= 2 * steps + 4


@given(st.integers(64 * 64, 4096 * 4096))
def test_large_pictures_are_painted_one_per_call(pixels: int) -> None:
    room = pictures_per_call(pixels)

    assert 1 <= room <= 8
    assert room == 1 or room * pixels <= 1024 * 1024
