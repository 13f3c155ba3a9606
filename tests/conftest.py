"""What all tests share: one thread for torch, and no network beyond loopback."""

import os
import socket
import sys
from typing import Any

import pytest
from hypothesis import settings

settings.register_profile("fuzz", deadline=None)  # `make fuzz`: tests ask by its name for more examples
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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says how much of the traffic was compared with Discord's own descriptions."""
    schemas = sys.modules.get("tests.loopback.schemas")
    if schemas is not None and schemas.Schemas.tally.total():
        terminalreporter.write_line(schemas.Schemas.summary())
