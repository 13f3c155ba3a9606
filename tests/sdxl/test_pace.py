"""The host beside a card, with a card that is nothing but its clock."""

from collections import deque

import pytest
import torch

from generation.request.cancellation import CancelToken
from generation.request.request import GenerationRequest
from generation.sdxl.engine import device_clock
from generation.sdxl.engine.device_clock import AHEAD, DeviceClock, Download
from generation.sdxl.engine.work import Work

CARD = torch.device("cuda")


class Card:
    """Works through what it was told, each piece for a number of seconds, when somebody waits for it."""

    def __init__(self) -> None:
        self.clock = 0.0
        self._told: deque[tuple[float, list[Event]]] = deque([(0.0, [])])

    @property
    def pieces(self) -> int:
        """What it was told and has not done yet."""
        return sum(seconds > 0 for seconds, _ in self._told)

    def tell(self, seconds: float) -> None:
        self._told.append((seconds, []))

    def mark(self, event: "Event") -> None:
        self._told[-1][1].append(event)

    def work_until(self, event: "Event") -> None:
        while event.at is None:
            seconds, events = self._told[0]
            self.clock += seconds
            self._told[0] = (0.0, [])
            for each in events:
                each.at = self.clock
            if len(self._told) > 1:
                self._told.popleft()


class Event:
    """Stands for torch.cuda.Event."""

    card: Card

    def __init__(self, **_kinds: bool) -> None:
        self.at: float | None = None

    def record(self) -> None:
        self.card.mark(self)

    def query(self) -> bool:
        return self.at is not None

    def synchronize(self) -> None:
        self.card.work_until(self)

    def elapsed_time(self, later: "Event") -> float:
        assert self.at is not None
        assert later.at is not None
        return 1000 * (later.at - self.at)


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Card:
    Event.card = Card()
    monkeypatch.setattr(device_clock, "Event", Event)
    return Event.card


def work() -> Work:
    return Work(GenerationRequest(prompt="a red apple", model="tiny", seed=0), CancelToken(), lambda _progress: None)


def charged(work: Work) -> float:
    return work._device_seconds


def test_the_host_is_one_piece_of_work_ahead_of_the_card(card: Card) -> None:
    host, someone = DeviceClock(), work()

    for _ in range(5):
        with host.spent_on([someone], CARD):
            card.tell(2.0)
        assert card.pieces <= AHEAD

    assert card.clock == 8.0  # the fifth is still before it


def test_works_pay_what_the_card_took_by_its_own_clock(card: Card) -> None:
    host, one, other = DeviceClock(), work(), work()

    with host.spent_on([one], CARD):
        card.tell(2.0)
    with host.spent_on([one, other, other], CARD):
        card.tell(3.0)
    with host.spent_on([other], CARD):
        card.tell(1.0)

    assert charged(one) == pytest.approx(2.0 + 1.0)
    assert charged(other) == pytest.approx(2.0)  # the last piece is not done yet


def test_what_fails_is_not_charged(card: Card) -> None:
    host, someone = DeviceClock(), work()

    def fail() -> None:
        with host.spent_on([someone], CARD):
            card.tell(2.0)
            raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError):
        fail()
    with host.spent_on([someone], CARD):
        card.tell(1.0)
    with host.spent_on([someone], CARD):
        card.tell(1.0)

    assert charged(someone) == pytest.approx(1.0)


def test_in_main_memory_there_is_nothing_to_wait_for() -> None:
    tensor = torch.arange(4)

    coming = Download(tensor)

    assert coming.done
    assert torch.equal(coming.result(), tensor)
