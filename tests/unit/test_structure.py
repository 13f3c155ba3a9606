"""What `python -m tools.structure` counts."""

import ast
from pathlib import Path

import grimp
import pytest

from tools import structure
from tools.structure import Figure, Source

CODE = """\
import os  # noqa: F401
TEXT = "no comment: # noqa"

class HasQueue(Protocol):
    queue: object

class Hash:
    def __init__(self): ...
    def _digest(self): ...

async def press(interaction: discord.Interaction[Any], other: Interaction[Client]) -> None:
    client = cast(HasQueue, interaction.client)
    size = typing.cast("int", client.queue)
    monkeypatch.setattr(press, "__defaults__", (0,))
    press.__defaults__ = (size,)
"""


@pytest.fixture
def sources() -> list[Source]:
    return [Source(Path("code.py"), CODE, ast.parse(CODE))]


def test_noqa_counts_in_comments_only(sources: list[Source]) -> None:
    assert structure.count_noqa(sources) == 1


def test_interactions_count_when_their_client_is_any(sources: list[Source]) -> None:
    assert structure.count_untyped_interactions(sources) == 1


def test_has_classes_and_their_casts_are_told_from_others(sources: list[Source]) -> None:
    assert structure.count_has_classes(sources) == 1
    assert structure.count_casts(sources, "Has") == 1
    assert structure.count_casts(sources) == 2


def test_defaults_count_as_attribute_and_as_the_argument_of_a_patch(sources: list[Source]) -> None:
    assert structure.count_defaults(sources) == 2


def test_private_functions_are_those_with_one_underscore(sources: list[Source]) -> None:
    assert structure.private_functions_rate(sources) == pytest.approx(1000 / len(CODE.splitlines()))


def test_a_module_imported_by_its_package_and_one_other_counts_as_imported_once() -> None:
    graph = grimp.ImportGraph()
    for importer, imported in (
        ("room", "room.one"),
        ("room.two", "room.one"),
        ("room.one", "room.three"),
        ("room.two", "room.three"),
        ("room.three", "room.box"),
        ("room.two", "room.box.four"),
    ):
        graph.add_import(importer=importer, imported=imported)

    assert structure.imported_once(graph) == {"room.box.four": "room.two", "room.one": "room.two"}


def test_the_largest_folder_counts_what_lies_in_it_directly() -> None:
    paths = [Path("a/x.py"), Path("a/b/x.py"), Path("a/b/y.py"), Path("a/c/x.py")]

    assert structure.largest_folder(paths) == (Path("a/b"), 2)


def test_a_figure_holds_up_to_its_bar() -> None:
    assert Figure("files", 14, 14).holds
    assert not Figure("files", 15, 14).holds
    assert "DOES NOT HOLD" in str(Figure("files", 15, 14))
    assert Figure("lines", 99).holds


def test_the_report_names_every_figure_of_this_project(monkeypatch: pytest.MonkeyPatch) -> None:
    root = Path(__file__).parents[2]
    monkeypatch.syspath_prepend(root)

    measured = structure.figures(root)

    assert len({figure.name for figure in measured}) == 9
    assert all(figure.value > 0 for figure in measured if "largest" in figure.name or "repository" in figure.name)
