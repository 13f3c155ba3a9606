"""Whether everybody who reads a gallery reads another channel too; Discord's own objects, with several roles."""

from types import SimpleNamespace
from typing import Any

import discord
import pytest
from discord import Permissions

from bot.ui.results.gallery import all_readers_can_read

SERVER, MEMBER, ARTISTS, MUTED = 100, 1, 201, 202
VIEW, HISTORY = Permissions(view_channel=True), Permissions(read_message_history=True)

Overwrites = dict[int, tuple[Permissions, bool]]


def guild() -> discord.Guild:
    """A server whose members read every channel that no overwrite closes."""
    caching = {"member_cache_flags": discord.MemberCacheFlags.none(), "cache_guild_expressions": False}
    state: Any = SimpleNamespace(shard_count=1, self_id=0, **caching)
    everybody = str((VIEW | HISTORY).value)
    roles = [{"id": str(role), "name": str(role), "permissions": everybody} for role in (SERVER, ARTISTS, MUTED)]
    data: Any = {"id": str(SERVER), "roles": roles}
    return discord.Guild(data=data, state=state)


def channel(server: discord.Guild, overwrites: Overwrites) -> discord.TextChannel:
    entries = [
        {
            "id": str(who),
            "type": 1 if who == MEMBER else 0,
            "allow": str(rights.value if allowed else 0),
            "deny": str(0 if allowed else rights.value),
        }
        for who, (rights, allowed) in overwrites.items()
    ]
    data: Any = {"id": "300", "type": 0, "name": "a", "position": 0, "permission_overwrites": entries}
    return discord.TextChannel(state=server._state, guild=server, data=data)


OPENED = {SERVER: (VIEW, False), ARTISTS: (VIEW, True)}


@pytest.mark.parametrize(
    ("gallery", "source", "all_read"),
    [
        ({}, {}, True),
        (OPENED, {}, True),
        (OPENED, OPENED, True),
        ({}, OPENED, False),
        (OPENED, {MUTED: (VIEW, False)}, False),
        (OPENED, {MUTED: (HISTORY, False)}, False),
        ({**OPENED, MUTED: (VIEW, False)}, {MUTED: (VIEW, False)}, False),
        ({**OPENED, MUTED: (VIEW, False)}, {**OPENED, MUTED: (VIEW, False)}, True),
        ({MUTED: (VIEW, False)}, {MUTED: (VIEW, False)}, True),
        ({MEMBER: (HISTORY, True)}, {}, False),
        ({}, {MEMBER: (HISTORY, False)}, False),
    ],
)
def test_a_gallery_shows_only_what_all_its_readers_can_read_by_any_of_their_roles(
    gallery: Overwrites, source: Overwrites, all_read: bool
) -> None:
    server = guild()

    assert all_readers_can_read(channel(server, gallery), channel(server, source)) is all_read
