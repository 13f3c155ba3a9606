"""Who may use a command, by the entries that a server's admins made."""

from types import SimpleNamespace
from typing import Any

import pytest

from bot.ui.discord.command_rights import Entry, Target, allows

SERVER, PERSON, PAINTERS, MUTED, CHANNEL = 100, 1, 201, 202, 301
EVERYBODY = Entry(SERVER, Target.ROLE, allowed=False)
EVERYWHERE = Entry(SERVER - 1, Target.CHANNEL, allowed=False)


def member(*roles: int) -> Any:
    """A member as far as this goes; everybody has the role of the server's own id."""
    named = [SimpleNamespace(id=role) for role in (SERVER, *roles)]
    return SimpleNamespace(id=PERSON, guild=SimpleNamespace(id=SERVER), roles=named)


@pytest.mark.parametrize(
    ("entries", "roles", "allowed"),
    [
        ([], (), True),
        ([EVERYBODY], (), False),
        ([EVERYBODY, Entry(PAINTERS, Target.ROLE, allowed=True)], (), False),
        ([EVERYBODY, Entry(PAINTERS, Target.ROLE, allowed=True)], (PAINTERS,), True),
        ([Entry(MUTED, Target.ROLE, allowed=False)], (MUTED,), False),
        ([Entry(MUTED, Target.ROLE, allowed=False)], (PAINTERS,), True),
        (
            [Entry(MUTED, Target.ROLE, allowed=False), Entry(PAINTERS, Target.ROLE, allowed=True)],
            (MUTED, PAINTERS),
            True,
        ),
        ([EVERYBODY, Entry(PERSON, Target.USER, allowed=True)], (), True),
        ([Entry(PERSON, Target.USER, allowed=False), Entry(PAINTERS, Target.ROLE, allowed=True)], (PAINTERS,), False),
        ([Entry(CHANNEL, Target.CHANNEL, allowed=False)], (), False),
        ([EVERYWHERE], (), False),
        ([EVERYWHERE, Entry(CHANNEL, Target.CHANNEL, allowed=True)], (), True),
        ([EVERYWHERE, Entry(302, Target.CHANNEL, allowed=True)], (), False),
        ([EVERYWHERE, Entry(PERSON, Target.USER, allowed=True)], (), False),
    ],
)
def test_entries_decide_by_channel_then_person_then_role(
    entries: list[Entry], roles: tuple[int, ...], allowed: bool
) -> None:
    assert allows(entries, member(*roles), CHANNEL) is allowed
