"""What import-linter cannot see: what is loaded when the program runs."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = [path for room in ("bot", "generation", "playground") for path in (ROOT / room).rglob("*.py")]


@pytest.mark.parametrize(
    "module",
    [
        "bot",
        "generation",
        "bot.bootstrap",
        "bot.cli.main",
        "bot.cli.imagine",
        "bot.cli.doctor",
        "generation.executors.base",
    ],
)
def test_importing_the_bot_loads_no_torch(module: str) -> None:
    code = f"import sys, {module}; print(sorted({{'torch', 'diffusers', 'transformers'}} & set(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)  # noqa: S603

    assert done.stdout.strip() == "[]"


def test_a_bot_that_comes_online_has_loaded_nothing_it_does_not_need_yet() -> None:
    unneeded = {"scipy", "playground", "rich", "tokenizers", "torchsde"}
    code = f"import sys, bot.bootstrap; print(sorted({unneeded} & set(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)  # noqa: S603

    assert done.stdout.strip() == "[]"


def test_settings_are_read_in_one_place() -> None:
    readers = {path.name for path in SOURCES if "os.environ" in path.read_text() or "getenv" in path.read_text()}

    # settings.py reads where systemd put the credentials; process.py hands an allow-list on to the engine's process.
    assert readers == {"settings.py", "process.py"}


def test_there_are_no_more_than_two_broad_excepts() -> None:
    broad = [path.name for path in SOURCES for line in path.read_text().splitlines() if "except Exception" in line]

    assert len(broad) <= 2


def test_no_file_outgrows_a_screenful_of_screens() -> None:
    long = {path.name: count for path in SOURCES if (count := len(path.read_text().splitlines())) > 400}

    assert long == {}
