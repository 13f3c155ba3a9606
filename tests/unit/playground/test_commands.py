"""Registering commands: what Discord refuses, and who is offered what."""

from typing import Any

import discord
import pytest

from playground.state.commands import CommandBook, allowed
from playground.state.wire import Refusal
from playground.state.world import World


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def book(world: World) -> CommandBook:
    return world.commands


def command(**changed: Any) -> dict[str, Any]:
    return {"name": "test", "description": "Tests", "type": 1, **changed}


def option(**changed: Any) -> dict[str, Any]:
    return {"name": "what", "description": "What", "type": 3, **changed}


def test_a_command_that_is_registered_again_keeps_its_id(book: CommandBook) -> None:
    (first,) = book.register([command()], None)

    again, new = book.register([command(description="Tests more"), command(name="new")], None)

    assert again["id"] == first["id"]
    assert again["version"] != first["version"]
    assert new["id"] != first["id"]
    assert book.register([], None) == []


@pytest.mark.parametrize(
    "payload",
    [
        command(name="Test"),
        command(name="x" * 33),
        command(name="two words"),
        command(description=""),
        command(description="x" * 101),
        command(options=[option(name=f"o{number}") for number in range(26)]),
        command(options=[option(), option()]),
        command(options=[option(name="a"), option(name="b", required=True)]),
        command(options=[option(choices=[{"name": str(n), "value": str(n)} for n in range(26)])]),
        command(options=[option(choices=[{"name": "x" * 101, "value": "x"}])]),
        command(options=[option(choices=[{"name": "x", "value": "x" * 101}])]),
        command(
            options=[option(name=f"o{n}", choices=[{"name": "n" * 100, "value": "v" * 100}] * 9) for n in range(5)]
        ),
        command(options=[{"name": "group", "description": "", "type": 1}]),
    ],
)
def test_impossible_commands_are_refused_and_nothing_changes(book: CommandBook, payload: dict[str, Any]) -> None:
    book.register([command(name="before")], None)

    with pytest.raises(Refusal) as caught:
        book.register([command(name="fine"), payload], None)

    assert caught.value.body["code"] == 50035
    assert "1" in caught.value.body["errors"]
    assert book.names() == {"before"}


def test_names_are_unique_by_kind_and_kinds_have_their_most(book: CommandBook) -> None:
    book.register([command(), command(type=3, name="Test", description="")], None)

    for payloads in (
        [command(), command()],
        [command(name=f"c{number}") for number in range(101)],
        [command(type=3, name=f"Menu {number}") for number in range(16)],
    ):
        with pytest.raises(Refusal):
            book.register(payloads, None)


def test_in_the_server_its_own_command_stands_for_the_general_one(world: World, book: CommandBook) -> None:
    book.register([command(), command(name="other")], None)
    (own,) = book.register([command()], world.guild_id)

    assert [each["id"] for each in book.everything() if each["name"] == "test"] == [own["id"]]
    assert book.find(int(own["id"])) == own


@pytest.mark.parametrize(
    ("changed", "general", "nsfw", "private"),
    [
        ({}, True, True, True),
        ({"nsfw": True}, False, True, True),
        ({"contexts": [0]}, True, True, False),
        ({"contexts": [1]}, False, False, True),
        ({"default_member_permissions": "0"}, False, False, True),
        ({"default_member_permissions": str(discord.Permissions(manage_messages=True).value)}, False, False, True),
        ({"default_member_permissions": str(discord.Permissions(send_messages=True).value)}, True, True, True),
        ({"guild_id": "1"}, True, True, False),
    ],
)
def test_a_member_is_offered_what_the_place_and_the_permissions_allow(
    world: World, changed: dict[str, Any], general: bool, nsfw: bool, private: bool
) -> None:
    member = world.people["member"]
    places = (world.general, world.nsfw, world.direct_messages(member.id))

    assert tuple(allowed(command(**changed), member, place) for place in places) == (general, nsfw, private)


def test_the_owner_may_use_what_nobody_else_may(world: World) -> None:
    closed = command(default_member_permissions="0")

    assert allowed(closed, world.people["owner"], world.general)
    assert not allowed(closed, world.people["moderator"], world.general)
