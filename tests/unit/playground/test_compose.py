"""What goes into a message, and what is refused."""

from typing import Any

import pytest

from playground.payloads.compose import fill
from playground.state.limits import REQUEST_LIMIT
from playground.state.messages import COMPONENTS_V2, Message
from playground.state.wire import Refusal, UploadedFile
from playground.state.world import World
from tests.fakes import png


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def message(world: World) -> Message:
    return world.new_message(world.general, world.bot)


def file(name: str, data: bytes = b"x", number: int = 0) -> UploadedFile:
    return UploadedFile(f"files[{number}]", name, "application/octet-stream", data)


def row(*components: dict[str, Any]) -> dict[str, Any]:
    return {"type": 1, "components": list(components)}


def button(custom_id: str = "a", **more: Any) -> dict[str, Any]:
    return {"type": 2, "style": 1, "custom_id": custom_id, "label": "Press", **more}


def select(count: int, **more: Any) -> dict[str, Any]:
    options = [{"label": str(number), "value": str(number)} for number in range(count)]
    return {"type": 3, "custom_id": "s", "options": options, **more}


def test_an_edit_changes_only_what_it_names(world: World, message: Message) -> None:
    fill(world, message, {"content": "one", "embeds": [{"title": "e"}], "components": [row(button())]}, [])

    fill(world, message, {"content": None}, [])

    assert message.content == ""
    assert message.embeds == [{"title": "e"}]
    assert [each["custom_id"] for each in message.buttons()] == ["a"]


def test_named_files_stay_and_new_ones_come_after_them(world: World, message: Message) -> None:
    fill(world, message, {}, [file("a.png", png(3, 2)), file("b.txt", number=1)])
    kept, _ = message.attachments
    listed = [{"id": str(kept.id)}, {"id": 0, "description": "the third"}]

    fill(world, message, {"attachments": listed}, [file("c.txt")])

    assert [(each.filename, each.description) for each in message.attachments] == [
        ("a.png", None), ("c.txt", "the third")
    ]  # fmt: skip
    assert (kept.width, kept.height, kept.content_type) == (3, 2, "image/png")


def test_files_stay_where_an_edit_names_none_and_go_where_it_names_nothing(world: World, message: Message) -> None:
    fill(world, message, {"content": "x"}, [file("a.txt")])
    fill(world, message, {"content": "y"}, [file("b.txt")])
    assert [each.filename for each in message.attachments] == ["a.txt", "b.txt"]

    fill(world, message, {"attachments": []}, [])
    assert message.attachments == []


@pytest.mark.parametrize(
    ("data", "where"),
    [
        ({"content": "x" * 2001}, "content"),
        ({"embeds": [{"title": "x" * 257}]}, "embeds.0.title"),
        ({"embeds": [{"description": "x" * 4097}]}, "embeds.0.description"),
        ({"embeds": [{"footer": {"text": "x" * 2049}}]}, "embeds.0.footer.text"),
        ({"embeds": [{"fields": [{"name": "n", "value": "v"}] * 26}]}, "embeds.0.fields"),
        ({"embeds": [{"fields": [{"name": "n", "value": "x" * 1025}]}]}, "embeds.0.fields.0.value"),
        ({"embeds": [{"fields": [{"name": "", "value": "v"}]}]}, "embeds.0.fields.0.name"),
        ({"embeds": [{"description": "x" * 3001}] * 2}, "embeds"),
        ({"embeds": [{"title": "x"}] * 11}, "embeds"),
        ({"components": [row(button())] * 6}, "components"),
        ({"components": [row(*(button(str(n)) for n in range(6)))]}, "components.0.components"),
        ({"components": [row(button(label="x" * 81))]}, "components.0.components.0.label"),
        ({"components": [row(button("x" * 101))]}, "components.0.components.0.custom_id"),
        ({"components": [row(button(), button())]}, "components"),
        ({"components": [row(button(label=""))]}, "components.0.components.0"),
        ({"components": [row(select(26))]}, "components.0.components.0.options"),
        ({"components": [row(select(2), button())]}, "components.0.components"),
        ({"components": [row(select(2, placeholder="x" * 151))]}, "components.0.components.0.placeholder"),
        ({"components": [{"type": 10, "content": "text"}]}, "components.0.type"),
        ({"components": [{"type": 10, "content": "x"}] * 41, "flags": COMPONENTS_V2}, "components"),
        ({"components": [{"type": 10, "content": "x" * 4001}], "flags": COMPONENTS_V2}, "components"),
        ({"components": [{"type": 10, "content": "x"}], "flags": COMPONENTS_V2, "content": "y"}, "content"),
    ],
)
def test_too_long_too_many_or_not_together(world: World, message: Message, data: dict[str, Any], where: str) -> None:
    with pytest.raises(Refusal) as caught:
        fill(world, message, data, [])

    node = caught.value.body["errors"]
    for step in where.split("."):
        node = node[step]
    assert node["_errors"][0]["message"]
    assert (caught.value.status, caught.value.body["code"]) == (400, 50035)
    assert message.history == []


@pytest.mark.parametrize(
    ("files", "status"),
    [
        ([file(str(number), number=number) for number in range(11)], 400),
        ([file("large", b"x" * (10 * 2**20 + 1))], 413),
        ([file(str(number), b"x" * (REQUEST_LIMIT // 3 + 1), number) for number in range(3)], 413),
    ],
)
def test_too_many_and_too_large_files(world: World, message: Message, files: list[UploadedFile], status: int) -> None:
    with pytest.raises(Refusal) as caught:
        fill(world, message, {"content": "x"}, files)

    assert (caught.value.status, caught.value.body["code"]) == (status, 40005)
    assert message.attachments == []


def test_a_message_must_hold_something(world: World, message: Message) -> None:
    fill(world, message, {"content": "x"}, [])

    with pytest.raises(Refusal) as caught:
        fill(world, message, {"content": ""}, [])

    assert caught.value.body["code"] == 50006
    assert message.content == "x"


def test_components_v2_cannot_be_taken_back(world: World, message: Message) -> None:
    fill(world, message, {"components": [{"type": 10, "content": "x"}], "flags": COMPONENTS_V2}, [])

    with pytest.raises(Refusal):
        fill(world, message, {"content": "plain again", "components": []}, [])


def test_components_get_numbers_and_keep_their_own(world: World, message: Message) -> None:
    fill(world, message, {"components": [row(button("a", id=1), button("b")), {**row(button("c")), "id": 7}]}, [])

    numbers = [each["id"] for each in (*message.components, *message.buttons())]
    assert numbers == [2, 7, 1, 3, 4]
