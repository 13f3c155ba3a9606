"""Two gates that nothing goes around: what shows a job passes `Access`, what queues a request passes `Admission`."""

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_type_hints

import pytest

import bot.cogs
import bot.ui
from bot.client import EaselClient
from bot.domain import Job, Post
from bot.services.jobs.generation import GenerationService

ROOT = Path(__file__).parents[2] / "bot"
MAKERS = {"VisibleJob": "services/access.py", "AdmittedRequest": "services/jobs/admission.py"}

# A job's own message and its author's direct messages: nobody but its author chose where they are.
OWN = {"bot.ui.jobs.messenger", "bot.ui.jobs.text", "bot.ui.jobs.threads", "bot.ui.jobs.submitting"}
# Names and components alone: nothing of what the job shows.
NAMING = {"bot.ui.jobs.buttons", "bot.ui.jobs.picture_buttons"}


def sources() -> Iterator[tuple[str, ast.AST]]:
    for path in sorted(ROOT.rglob("*.py")):
        yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def calls(name: str) -> set[str]:
    """Lists the files that call something by its name, as a function or a method."""
    found = set()
    for file, tree in sources():
        for node in ast.walk(tree):
            called = node.func if isinstance(node, ast.Call) else None
            if name in {getattr(called, "id", None), getattr(called, "attr", None)}:
                found.add(file)
    return found


@pytest.mark.parametrize("made", MAKERS)
def test_only_the_gate_makes_what_passes_it(made: str) -> None:
    assert calls(made) == {MAKERS[made]}


def test_no_cast_goes_around_the_gates() -> None:
    casts = {
        file
        for file, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", None) == "cast"
        and any(name in ast.unparse(node.args[0]) for name in MAKERS)
    }

    assert casts == set()


def functions() -> Iterator[tuple[str, str, Any]]:
    """Yields every function and method of ui and the cogs: its module, its name, itself."""
    for package in (bot.ui, bot.cogs):
        for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            module = importlib.import_module(info.name)
            owners = [module, *(each for _, each in inspect.getmembers(module, inspect.isclass))]
            for owner in owners:
                for name, function in inspect.getmembers(owner, inspect.isfunction):
                    if function.__module__ == info.name:
                        yield info.name, f"{getattr(owner, '__qualname__', '')}.{name}".lstrip("."), function


def test_what_shows_a_job_takes_one_that_its_viewer_may_see() -> None:
    unchecked = {
        f"{module}.{name}"
        for module, name, function in functions()
        if module not in OWN | NAMING
        for kind in get_type_hints(function, localns={"EaselClient": EaselClient}).values()
        if kind in {Job, Post}
    }

    assert unchecked <= {
        "bot.ui.results.gallery.Gallery.star",  # the post says which picture; the job beside it is a visible one
        "bot.ui.history.text._link",
    }


def test_jobs_are_made_of_admitted_requests_alone() -> None:
    assert "AdmittedRequest" in str(get_type_hints(GenerationService.keep)["requests"])

    assert calls("keep") >= {"ui/jobs/submitting.py"}
    makers = {
        file
        for file, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "Job"
    }
    assert makers == {"services/jobs/generation.py", "persistence/jobs.py"}
