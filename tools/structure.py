"""Prints the figures of the project's structure, each with its bar: `python -m tools.structure`.

The exit status is 1 if a bar does not hold.
"""

import ast
import io
import re
import sys
import tokenize
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import grimp

PACKAGES = ("bot", "generation", "playground")
EVERYWHERE = (*PACKAGES, "tests", "benchmarks", "migrations", "tools")


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure.

    Attributes:
        name: What was counted.
        value: The count.
        bar: The most that is allowed; None for a figure that only informs.
        detail: Where the figure comes from.
    """

    name: str
    value: float
    bar: int | None = None
    detail: str = ""

    @property
    def holds(self) -> bool:
        """Whether the value stays within the bar."""
        return self.bar is None or self.value <= self.bar

    def __str__(self) -> str:
        """One line of the report."""
        verdict = "" if self.bar is None else f"<= {self.bar}, {'holds' if self.holds else 'DOES NOT HOLD'}"
        return f"{self.name:<52}{self.value:>6g}  {verdict:<22}{self.detail}".rstrip()


@dataclass(frozen=True, slots=True)
class Source:
    """One Python file, read and parsed."""

    path: Path
    text: str
    tree: ast.Module


def figures(root: Path) -> list[Figure]:
    """Measures the project.

    Args:
        root: The folder that holds its packages.
    """
    package_sources, bot = read(root, PACKAGES), read(root, ("bot",))
    everything = read(root, EVERYWHERE)
    folder, files = largest_folder([source.path for source in package_sources])
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    once = imported_once(graph)
    most = ", ".join(f"{module} {count}" for module, count in Counter(once.values()).most_common(5))
    has_names = count_has_classes(everything) + count_casts(everything, "Has")
    return [
        Figure("Python files in the largest folder", files, 14, str(folder.relative_to(root))),
        Figure("modules imported by exactly one other", len(once), 45, f"most by {most}"),
        Figure("noqa comments in the packages", count_noqa(package_sources), 35),
        Figure("noqa comments in the repository", count_noqa(everything)),
        Figure("Interaction[Any]", count_untyped_interactions(everything), 0),
        Figure("Has... classes and casts to them", has_names, 0),
        Figure("uses of __defaults__", count_defaults(everything), 0),
        Figure("casts in bot/", count_casts(bot), 10),
        Figure("private functions per 1,000 lines", round(private_functions_rate(package_sources), 1)),
    ]


def read(root: Path, folders: Iterable[str]) -> list[Source]:
    """Reads every Python file below some folders."""
    paths = [path for folder in folders for path in sorted((root / folder).rglob("*.py"))]
    texts = [(path, path.read_text(encoding="utf-8")) for path in paths if "node_modules" not in path.parts]
    return [Source(path, text, ast.parse(text, path)) for path, text in texts]


def largest_folder(paths: Iterable[Path]) -> tuple[Path, int]:
    """Returns the folder that holds most files, and how many."""
    return Counter(path.parent for path in paths).most_common(1)[0]


def imported_once(graph: grimp.ImportGraph) -> dict[str, str]:
    """Finds the modules that exactly one other module imports; a package's `__init__` counts on neither side.

    Returns:
        The importer of each.
    """
    modules = {module for module in graph.modules if not graph.find_children(module)}
    importers = {module: graph.find_modules_that_directly_import(module) & modules for module in modules}
    return {module: next(iter(found)) for module, found in importers.items() if len(found) == 1}


def count_noqa(sources: Iterable[Source]) -> int:
    """Counts the comments that silence the linter."""
    return sum(
        token.type == tokenize.COMMENT and re.search(r"#\s*noqa\b", token.string) is not None
        for source in sources
        for token in tokenize.generate_tokens(io.StringIO(source.text).readline)
    )


def count_untyped_interactions(sources: Iterable[Source]) -> int:
    """Counts `Interaction[Any]`."""
    return sum(
        _last_name(node.value) == "Interaction" and _last_name(node.slice) == "Any"
        for node in _nodes(sources)
        if isinstance(node, ast.Subscript)
    )


def count_has_classes(sources: Iterable[Source]) -> int:
    """Counts the classes whose names say what another object has, such as `HasQueue`."""
    return sum(isinstance(node, ast.ClassDef) and _is_has(node.name) for node in _nodes(sources))


def count_casts(sources: Iterable[Source], prefix: str = "") -> int:
    """Counts the calls of `typing.cast`.

    Args:
        sources: Where to look.
        prefix: How the name of the type begins; "" counts every cast.
    """
    return sum(
        _last_name(node.func) == "cast" and (not prefix or _is_has(_last_name(node.args[0])))
        for node in _nodes(sources)
        if isinstance(node, ast.Call)
    )


def count_defaults(sources: Iterable[Source]) -> int:
    """Counts the places that reach for a function's default arguments."""
    return sum(
        (isinstance(node, ast.Attribute) and node.attr == "__defaults__")
        or (isinstance(node, ast.Call) and any(_is_defaults(argument) for argument in node.args))
        for node in _nodes(sources)
    )


def private_functions_rate(sources: Iterable[Source]) -> float:
    """Returns how many functions per 1,000 lines have a name that begins with one underscore."""
    sources = list(sources)
    private = sum(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and re.match(r"_(?!_)", node.name) is not None
        for node in _nodes(sources)
    )
    return 1000 * private / sum(len(source.text.splitlines()) for source in sources)


def _nodes(sources: Iterable[Source]) -> Iterable[ast.AST]:
    return (node for source in sources for node in ast.walk(source.tree))


def _last_name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _is_has(name: str) -> bool:
    return re.match("Has[A-Z]", name) is not None


def _is_defaults(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value == "__defaults__"


def main() -> int:
    """Prints the figures."""
    measured = figures(Path.cwd())
    sys.stdout.writelines(f"{figure}\n" for figure in measured)
    return 0 if all(figure.holds for figure in measured) else 1


if __name__ == "__main__":
    sys.exit(main())
