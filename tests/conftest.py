"""What all tests share: one thread for torch, and no network beyond loopback."""

import os
import socket
import sys
from collections import Counter
from typing import Any

import pytest

from tests import fuzzing

fuzzing.register_profiles()
os.environ.update({"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"})


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails a test that tries to reach anything beyond this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6} and address[0] not in {"127.0.0.1", "::1"}:
            raise AssertionError(f"a test tried to reach {address[0]}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
    for name in [name for name in os.environ if name.startswith("EASEL_") or name in {"DISCORD_TOKEN", "DATABASE_URL"}]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs every test in an empty folder, so that no .env and no data of a developer's play a part."""
    monkeypatch.chdir(tmp_path)


def pytest_sessionfinish(session: Any) -> None:
    """Hands what a worker of pytest-xdist compared, and what it left out, to the process that prints."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput |= {"compared": dict(_compared()), "left_out": _left_out()}


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Takes over what a worker compared; one that broke down has nothing to say."""
    from tests.loopback.schemas import Schemas

    output = getattr(node, "workeroutput", {})
    Schemas.tally.update(output.get("compared", {}))
    _LEFT_OUT.update(output.get("left_out", []))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says how much of the traffic was compared with Discord's own descriptions, and what was left out."""
    if _compared().total():
        from tests.loopback.schemas import Schemas

        terminalreporter.write_line(Schemas.summary())
    for line in _LEFT_OUT | set(_left_out()):
        terminalreporter.write_line(line, yellow=True)


_LEFT_OUT: set[str] = set()  # by the workers


def _compared() -> Counter[str]:
    schemas = sys.modules.get("tests.loopback.schemas")
    return schemas.Schemas.tally if schemas is not None else Counter()


def _left_out() -> list[str]:
    browser = sys.modules.get("tests.browser.conftest")
    missing = browser.MISSING if browser is not None else None
    return [f"tests/browser was left out: {missing}"] if missing else []
