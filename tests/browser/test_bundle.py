"""The built page is committed: it belongs to the present sources and needs nothing from elsewhere."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import playground

PAGE = Path(playground.__file__).parent / "page"


def test_the_built_page_belongs_to_the_present_sources() -> None:
    checked = run("build.mjs", "--check")

    assert checked.returncode == 0, checked.stderr


def test_the_parts_that_need_no_browser_work() -> None:
    tested = run("test.mjs")

    assert tested.returncode == 0, tested.stdout


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a script of the page's with Node, or skips the test aloud."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no Node found, so the page's sources were not checked")
    if not (PAGE / "node_modules").is_dir():
        pytest.skip("the page's sources were not checked: run npm ci in playground/page")
    return subprocess.run(  # noqa: S603 - our own scripts
        [node, *arguments], cwd=PAGE, capture_output=True, text=True, check=False
    )


def test_the_built_page_loads_nothing_from_elsewhere() -> None:
    for path in (PAGE / "dist").iterdir():
        text = path.read_text()
        addresses = set(re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", text))
        assert not addresses - {"http://www.w3.org"}, path


def test_the_lock_file_names_no_registry() -> None:
    lock = json.loads((PAGE / "package-lock.json").read_text())

    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []
    assert all("integrity" in package for name, package in lock["packages"].items() if name)
