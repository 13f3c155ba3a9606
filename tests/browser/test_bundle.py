"""The built page is committed: it belongs to the present sources and needs nothing from elsewhere."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import bot.playground

PAGE = Path(bot.playground.__file__).parent / "page"


def test_the_built_page_belongs_to_the_present_sources() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no Node found: whether the page's dist/ is up to date was not checked")
    if not (PAGE / "node_modules").is_dir():
        pytest.skip(f"run npm ci in {PAGE}: whether the page's dist/ is up to date was not checked")

    checked = subprocess.run(  # noqa: S603 - our own script
        [node, "build.mjs", "--check"], cwd=PAGE, capture_output=True, text=True, check=False
    )

    assert checked.returncode == 0, checked.stderr


def test_the_built_page_loads_nothing_from_elsewhere() -> None:
    for path in (PAGE / "dist").iterdir():
        text = path.read_text()
        addresses = set(re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", text))
        assert not addresses - {"http://www.w3.org"}, path


def test_the_lock_file_names_no_registry() -> None:
    lock = json.loads((PAGE / "package-lock.json").read_text())

    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []
    assert all("integrity" in package for name, package in lock["packages"].items() if name)
