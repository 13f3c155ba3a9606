"""Files, ids and people."""

import pytest

from playground.rest.safety import REAL_TOKEN, is_loopback
from playground.state import cdn
from playground.state.clock import Clock, Snowflakes
from playground.state.messages import KEPT_MESSAGES
from playground.state.wire import Refusal, UploadedFile
from playground.state.world import World


def test_ids_grow_even_when_the_clock_goes_back() -> None:
    clock = Clock()
    snowflake = Snowflakes(clock)
    made = []
    for number in range(100):
        clock.advance(-number)
        made.append(snowflake())

    assert made == sorted(set(made))


def test_the_newest_files_and_messages_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cdn, "KEPT_BYTES", 100)
    world = World()
    kept = [world.cdn.keep(1, UploadedFile("files[0]", "a.txt", "text/plain", b"x" * 40)) for _ in range(3)]
    for _ in range(KEPT_MESSAGES + 1):
        world.general.add(world.new_message(world.general, world.bot))

    assert [len(file.data) for file in kept] == [0, 40, 40]
    assert len(world.general.messages) == KEPT_MESSAGES


def test_everybody_has_direct_messages_of_their_own() -> None:
    world = World()
    member, moderator = world.people["member"], world.people["moderator"]

    assert world.direct_messages(member.id) is world.direct_messages(member.id)
    assert world.direct_messages(member.id) not in world.channels_of(moderator)
    with pytest.raises(Refusal):
        world.direct_messages(world.bot.id)


def test_people_and_channels_are_the_same_at_every_start_and_all_different() -> None:
    first, second = World(), World()

    def ids(world: World) -> list[int]:
        people = [each.id for each in (*world.people.values(), world.bot)]
        return [*people, *world.channels, *(role.id for role in world.roles())]

    assert ids(first) == ids(second)
    assert len(set(ids(first))) == len(ids(first))
    assert first.token != second.token


@pytest.mark.parametrize(
    ("token", "real"),
    [
        ("MTIzNDU2Nzg5MDEyMzQ1Njc4.GabcdE.abcdefghijklmnopqrstuvwxyz0123456789AB", True),
        pytest.param(World().token, False, id="a token of the playground"),
        ("loopback-token", False),
        ("a.b.c", False),
    ],
)
def test_real_tokens_are_told_by_their_looks(token: str, real: bool) -> None:
    assert bool(REAL_TOKEN.fullmatch(token)) == real


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:8188/api/v10", True),
        ("//localhost:1", True),
        ("//[::1]:80", True),
        ("https://discord.com/api/v10", False),
        ("//127.0.0.1.evil.example", False),
        ("//localhost.evil.example:8188", False),
        ("//[", False),
    ],
)
def test_what_is_this_machine(url: str, here: bool) -> None:
    assert is_loopback(url) == here
