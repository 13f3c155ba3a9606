"""What people install: a wheel, in an environment without this checkout."""

import os
import site
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests import tiny

ROOT = Path(__file__).parents[2]
LIST_PAGE = "import playground.page_api as api; print(*(path.name for path in api.DIST.iterdir()))"


def run(*command: str | Path, cwd: Path | None = None) -> str:
    done = subprocess.run(  # noqa: S603 - commands of this test
        [str(part) for part in command],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=cwd,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def easel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of a fresh environment that holds the wheel; only its dependencies are this environment's.

    The path file lends the installed packages but not what they point at, so this checkout is out of reach.
    """
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    venv.create(folder / "venv", with_pip=False)
    python = folder / "venv" / "bin" / "python"
    (wheel,) = folder.glob("easel_bot-*.whl")
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", "--quiet", wheel)
    (packages,) = (folder / "venv" / "lib").glob("python*/site-packages")
    (packages / "dependencies.pth").write_text("\n".join(site.getsitepackages()))
    return python.with_name("easel")


@pytest.mark.ci
def test_a_wheel_brings_everything_it_needs(easel: Path, tmp_path: Path) -> None:
    tiny.save_single_file(tmp_path / "tiny.safetensors")

    where = run(easel.with_name("python"), "-c", "import bot, generation; print(bot.__file__, generation.__file__)")
    page = run(easel.with_name("python"), "-c", LIST_PAGE)
    run(easel, "db", "upgrade")
    run(easel, "imagine", "a red apple", "--model", "tiny.safetensors", "--steps", "1", "--width", "64",
        "--height", "64", "--output", "a.png")  # fmt: skip
    run(easel, "imagine", "a red apple", "--model", "starter", "--steps", "1", "--output", "starter.png")

    assert str(ROOT) not in where
    assert {"index.html", "main.js", "main.css"} <= set(page.split())
    assert (tmp_path / "data" / "easel.db").is_file()
    assert (tmp_path / "a.png").is_file()
    assert (tmp_path / "starter.png").is_file()
