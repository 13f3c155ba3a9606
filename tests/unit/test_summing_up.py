"""What the worker processes of the tests compared is summed and printed once."""

from collections import Counter
from types import SimpleNamespace

import pytest

from tests import conftest
from tests.loopback.schemas import Schemas


def test_what_the_workers_compared_is_summed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Schemas, "tally", Counter())

    conftest.pytest_testnodedown(SimpleNamespace(workeroutput={"compared": {"requests": 3, "events": 1}}))
    conftest.pytest_testnodedown(SimpleNamespace(workeroutput={"compared": {"requests": 4, "answers": 2}}))

    assert Schemas.tally == {"requests": 7, "answers": 2, "events": 1}
    assert "10 bodies" in Schemas.summary() or not Schemas.available()


def test_a_worker_that_broke_down_has_nothing_to_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Schemas, "tally", Counter())

    conftest.pytest_testnodedown(SimpleNamespace())

    assert Schemas.tally.total() == 0


def test_a_worker_hands_over_what_it_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Schemas, "tally", Counter(requests=5))
    session = SimpleNamespace(config=SimpleNamespace(workeroutput={"exitstatus": 0}))

    conftest.pytest_sessionfinish(session)

    assert session.config.workeroutput["compared"] == {"requests": 5}
    assert session.config.workeroutput["exitstatus"] == 0
