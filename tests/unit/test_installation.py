"""What is installed: exact versions within the ranges, the same in the checkout and in the image."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.lock import constraints

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def declared() -> list[Requirement]:
    """Lists all requirements of pyproject.toml, those of the extras and of the build too."""
    project = PROJECT["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values(), PROJECT["build-system"]["requires"]]
    return [Requirement(line) for group in groups for line in group]


def locked() -> dict[str, str]:
    """Returns the versions of constraints.txt by name."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if not line.startswith("#"))


def distribution(name: str, version: str, *requires: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "version": version, "requires_dist": list(requires)}}


@pytest.mark.parametrize("requirement", declared(), ids=str)
def test_every_dependency_is_pinned_within_its_range(requirement: Requirement) -> None:
    if requirement.name == "torch":
        assert re.fullmatch(r"==\d+\.\d+\.\d+", str(requirement.specifier))
        assert "torch" not in locked()
    else:
        assert requirement.specifier.contains(locked()[canonicalize_name(requirement.name)])


def test_constraints_hold_exact_sorted_versions_and_no_address() -> None:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]

    assert lines == sorted(lines, key=lambda line: line.split("==")[0])
    assert [line for line in lines if not re.fullmatch(r"[a-z0-9-]+==[a-z0-9.]+", line)] == []
    assert "//" not in text
    assert [name for name in locked() if name.startswith(("nvidia", "triton", "cuda"))] == []


def test_a_lock_leaves_out_torch_and_what_torch_needs_at_any_remove() -> None:
    report: dict[str, Any] = {
        "environment": {"python_version": "3.11", "platform_system": "Linux", "sys_platform": "linux"},
        "install": [
            distribution("easel-bot", "0.1.0", "torch==2.13.0", "Pillow>=13"),
            distribution("torch", "2.13.0+cpu", "sympy", 'kept; sys_platform == "win32"', "fsspec[http]"),
            distribution("sympy", "1.14.0", "mpmath"),
            distribution("mpmath", "1.3.0"),
            distribution("fsspec", "2026.9.0", 'only_http; extra == "http"', 'kept; extra == "s3"'),
            distribution("only.http", "1.0"),
            distribution("Pillow", "13.0.0"),
            distribution("kept", "2.0"),
        ],
    }

    text = constraints(report)

    assert [line for line in text.splitlines() if not line.startswith("#")] == ["kept==2.0", "pillow==13.0.0"]
    assert text == constraints(json.loads(json.dumps({**report, "install": report["install"][::-1]})))


def test_the_checkout_and_the_image_are_installed_with_the_constraints() -> None:
    for page in ("Makefile", "Dockerfile"):
        lines = (ROOT / page).read_text(encoding="utf-8").splitlines()
        installs = [line for line in lines if "pip install" in line and "'.[" in line]
        assert [line for line in installs if "--constraint constraints.txt" not in line] == []
        assert installs


def test_the_image_runs_unprivileged_without_a_compiler_and_holds_every_package() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    build, final = re.split(r"^FROM ", text, flags=re.MULTILINE)[1:]
    copied = set(re.findall(r"^COPY (\w+) \1$", build, flags=re.MULTILINE))

    assert copied == {*PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"], "migrations"}
    assert "\nUSER 1000:1000\n" in final
    assert "apt-get" not in final
