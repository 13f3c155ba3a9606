"""Writes constraints.txt from what pip resolved: `make lock`.

The input is the report of `pip install --dry-run --ignore-installed --report`, so that what happens to be installed
plays no part. The output depends on the report alone and names no index.
"""

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

OWN = "easel-bot"
TORCH = "torch"
HEADER = """\
# Made by `make lock` for CPython {python} on {platform}; do not edit.
# Exact versions of what Easel needs, and of what that needs in turn. Not here: torch, which pyproject.toml pins, and
# what torch needs, which differs by the build for each device. docs/decisions/0017-exact-versions-without-hashes.md
"""


def constraints(report: dict[str, Any]) -> str:
    """Returns the text of constraints.txt.

    Args:
        report: pip's installation report, version 1.
    """
    found = {canonicalize_name(each["metadata"]["name"]): each["metadata"] for each in report["install"]}
    environment = {name: str(value) for name, value in report["environment"].items()}
    left_out = needed(TORCH, found, environment) | {OWN}
    header = HEADER.format(python=environment["python_version"], platform=environment["platform_system"])
    lines = [f"{name}=={found[name]['version']}\n" for name in sorted(found) if name not in left_out]
    return header + "".join(lines)


def needed(root: str, found: dict[Any, Any], environment: dict[str, str]) -> set[str]:
    """Lists a distribution and everything that it needs, at any remove.

    Args:
        root: The distribution's canonical name.
        found: The metadata of all distributions, by canonical name.
        environment: The environment markers' values.
    """
    seen: set[tuple[str, str]] = set()
    waiting = [(root, "")]
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in seen or name not in found:
            continue
        seen.add((name, extra))
        for line in _lines(found[name].get("requires_dist")):
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({**environment, "extra": extra}):
                waiting += [(canonicalize_name(requirement.name), each) for each in ("", *requirement.extras)]
    return {name for name, _ in seen}


def _lines(requires: Iterable[str] | None) -> Iterable[str]:
    return requires or ()


def main() -> None:
    """Reads a report, writes constraints."""
    parser = argparse.ArgumentParser(prog="python -m tools.lock", description=__doc__)
    parser.add_argument("report", type=Path, help="pip's installation report")
    parser.add_argument("output", type=Path, help="the file to write")
    arguments = parser.parse_args()
    report = json.loads(arguments.report.read_text(encoding="utf-8"))
    arguments.output.write_text(constraints(report), encoding="utf-8")


if __name__ == "__main__":
    main()
