"""What the command line prints of foreign text: nothing that steers a terminal, in any encoding."""

import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from safetensors.numpy import save_file

from bot.cli import main
from generation.visible import is_visible

HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e[red]猫 é🍎[/red][/]"
CHARSETS = ["utf-8", "cp1252", "ascii", "gbk", "latin-1"]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> "Run":
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EASEL_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.delenv("DISCORD_TOKEN", raising=False)
    return Run(monkeypatch)


class Run:
    """Runs `easel` in this process, with streams of an encoding."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def __call__(self, *arguments: str, encoding: str = "utf-8") -> tuple[str, str]:
        """Returns what was printed to stdout and to stderr."""
        streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2)]
        with self._monkeypatch.context() as patched:
            for name, stream in zip(("stdout", "stderr"), streams, strict=True):
                patched.setattr(sys, name, stream)
            patched.setattr(sys, "argv", ["easel", *arguments])
            patched.setattr(sys, "excepthook", sys.excepthook)
            with pytest.raises(SystemExit):
                main.main()
            for stream in streams:
                stream.flush()
        out, err = (stream.buffer.getvalue().decode(encoding) for stream in streams)
        return out, err


def picture(text: str, key: str = "parameters") -> str:
    info = PngInfo()
    info.add_itxt(key, text)
    Image.new("RGB", (8, 8)).save("picture.png", pnginfo=info)
    return "picture.png"


def harmless(text: str) -> bool:
    return is_visible(text.replace("\n", ""))


@pytest.mark.parametrize("encoding", CHARSETS)
def test_a_recipe_is_shown_in_every_encoding_without_control_characters(run: Run, encoding: str) -> None:
    name = picture(f"{HOSTILE}\nNegative prompt: {HOSTILE}\nSteps: 20, Seed: 5, {HOSTILE}: {HOSTILE}, RNG: CPU")

    out, err = run("recipe", name, encoding=encoding)

    assert "seed: 5" in out
    assert "\\x1b]0;owned\\x07" in out
    assert "[red]" in out
    assert harmless(out + err)


@pytest.mark.parametrize("encoding", CHARSETS)
def test_json_keeps_every_value_and_is_shown_without_control_characters(run: Run, encoding: str) -> None:
    name = picture(f"{HOSTILE}\nSteps: 20, Seed: 5, RNG: CPU")

    out, _ = run("recipe", name, "--json", encoding=encoding)

    assert json.loads(out)["prompt"] == HOSTILE
    assert harmless(out)


def test_lone_surrogates_do_not_end_a_command(run: Run) -> None:
    graph = {"3": {"class_type": "KSampler", "inputs": {"seed": "\ud800", "model": ["4", 0]}}}

    out, err = run("recipe", picture(json.dumps(graph), "prompt"))
    _, refused = run("recipe", "\udcff.png")

    assert (out, "is not valid JSON" in err) == ("", True)
    assert "\\udcff.png" in refused


def test_models_are_listed_as_they_are_called(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "models"
    folder.mkdir(parents=True)
    (folder / "[bold]x [v1.0].safetensors").write_bytes(b"")
    (folder / "esc\x1b[2J.safetensors").write_bytes(b"")
    save_file(
        {"lora_unet_x.lora_up.weight": np.zeros(1, np.float16)},
        folder / "fur [v2].safetensors",
        {"modelspec.trigger_phrase": HOSTILE},
    )

    out, err = run("models")

    assert "[bold]x [v1.0]" in out
    assert "fur [v2]" in out
    assert "esc\\x1b[2J" in out
    assert harmless(out + err)


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize(
    "arguments",
    [
        ("models", "add", HOSTILE),
        ("models", "add", f"{HOSTILE}.safetensors"),
        ("imagine", "a", "--model", HOSTILE),
        ("imagine", "a", "--aspect", HOSTILE),
        ("imagine", "a", "--vae", HOSTILE),
        ("imagine", "a", "--image", HOSTILE),
        ("imagine", "--from", HOSTILE),
        ("recipe", HOSTILE),
        ("imagine", "a\udcff"),
        (HOSTILE,),
        ("imagine", f"--{HOSTILE}"),
        ("db", "upgrade", HOSTILE),
    ],
    ids=str,
)
def test_what_was_typed_is_named_without_control_characters(
    run: Run, arguments: tuple[str, ...], encoding: str
) -> None:
    out, err = run(*arguments, encoding=encoding)

    assert harmless(out + err)
    assert "unforeseen" not in err
    assert "easel: " in err
