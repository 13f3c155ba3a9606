"""The `easel` command as a person uses it: a process of its own, its output, its exit code."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from safetensors.numpy import save_file

from generation import SAMPLERS, metadata
from tests import tiny
from tests.fakes import model_files

IMAGINE = ("imagine", "a red apple", "--model", "tiny.safetensors", "--width", "64", "--height", "64", "--steps", "2")


def easel(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Runs the command in the present folder."""
    return subprocess.run(  # noqa: S603 - our own command
        [Path(sys.executable).with_name("easel"), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "COLUMNS": "200", **environment},
    )


@pytest.fixture
def tiny_file(tmp_path: Path) -> Path:
    return tiny.save_single_file(tmp_path / "tiny.safetensors")


def pixels(path: Path) -> Any:
    with Image.open(path) as image:
        return np.asarray(image).astype(np.int16)


@pytest.mark.usefixtures("tiny_file")
def test_imagine_writes_a_picture_with_its_recipe_and_says_where() -> None:
    done = easel(*IMAGINE, "--seed", "7", "--output", "a.png")

    assert (done.returncode, done.stdout, done.stderr) == (0, "a.png\n", "")
    with Image.open("a.png") as image:
        assert image.size == (64, 64)
        painted = metadata.from_json(image.info["easel"])
        assert "Seed: 7" in image.info["parameters"]
    assert (painted.prompt, painted.seed, painted.steps, painted.model) == ("a red apple", 7, 2, "tiny")


@pytest.mark.ci
@pytest.mark.usefixtures("tiny_file")
def test_a_batch_holds_the_pictures_of_its_seeds_and_json_lists_them() -> None:
    batch = easel(*IMAGINE, "--seed", "5", "--count", "3", "--output", "batch.png", "--json")
    alone = easel(*IMAGINE, "--seed", "6", "--output", "alone.png")

    assert (batch.returncode, alone.returncode) == (0, 0)
    objects = [json.loads(line) for line in batch.stdout.splitlines()]
    assert [each["path"] for each in objects] == ["batch-1.png", "batch-2.png", "batch-3.png"]
    assert [each["seed"] for each in objects] == [5, 6, 7]
    assert all(each["seconds"] > 0 and each["recipe"]["request"]["prompt"] == "a red apple" for each in objects)
    assert np.abs(pixels(Path("batch-2.png")) - pixels(Path("alone.png"))).max() <= 1


@pytest.mark.ci
@pytest.mark.usefixtures("tiny_file")
def test_a_picture_is_painted_again_from_its_own_file() -> None:
    Path("data/models").mkdir(parents=True)
    Path("tiny.safetensors").rename("data/models/tiny.safetensors")
    first = easel(*IMAGINE[:2], *IMAGINE[4:], "--sampler", "dpmpp_2m_sde", "--seed", "7", "--output", "a.png")

    again = easel("imagine", "--from", "a.png", "--output", "b.png")
    other = easel("imagine", "--from", "a.png", "--extra", "subseed=3 subseed_strength=0.5", "--output", "c.png")

    assert [done.stderr for done in (first, again, other)] == ["", "", ""]
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()
    assert np.abs(pixels(Path("a.png")) - pixels(Path("c.png"))).max() > 1


@pytest.mark.ci
@pytest.mark.usefixtures("tiny_file")
def test_a_refiner_named_by_its_file_or_its_name_goes_on_with_the_picture(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "models"
    folder.mkdir(parents=True)
    (tmp_path / "tiny.safetensors").rename(folder / "tiny.safetensors")
    tiny.save_single_file(tmp_path / "expert.safetensors", tiny.refiner_parts(), tiny.REFINER_CONFIG)
    painting = ("imagine", "a red apple", "--width", "64", "--height", "64", "--steps", "6", "--seed", "7")

    by_file = easel(*painting, "--refiner", "expert.safetensors", "--refiner-at", "0.6", "--output", "a.png")
    (tmp_path / "expert.safetensors").rename(folder / "expert.safetensors")
    by_name = easel(*painting, "--refiner", "Expert", "--refiner-at", "0.6", "--output", "b.png")
    again = easel("imagine", "--from", "a.png", "--output", "c.png")
    plain = easel(*painting, "--output", "d.png")
    shown = easel("recipe", "a.png", "--json")
    listed = easel("models")

    assert [done.stderr for done in (by_file, by_name, again, plain)] == ["", "", "", ""]
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes() == Path("c.png").read_bytes()
    assert not np.array_equal(pixels(Path("a.png")), pixels(Path("d.png")))
    assert json.loads(shown.stdout)["refiner"] == {"model": "expert", "at": 0.6, "strength": 0.0, "steps": 20}
    assert "SDXL refiner" in listed.stdout


@pytest.mark.ci
def test_what_another_tool_wrote_and_cannot_be_used_is_told(tmp_path: Path) -> None:
    info = PngInfo()
    settings = "Steps: 2, Sampler: Euler, Seed: 7, Size: 64x64, Model: gone, Refiner: lost [0123], Mood: blue"
    info.add_text("parameters", f"a cat\n{settings}")
    Image.new("RGB", (8, 8)).save("theirs.png", pnginfo=info)
    (tmp_path / "data" / "models").mkdir(parents=True)
    tiny.save_single_file(tmp_path / "data" / "models" / "tiny.safetensors")

    shown = easel("recipe", "theirs.png")
    listed = easel("recipe", "theirs.png", "--json")
    painted = easel("imagine", "--from", "theirs.png", "--output", "ours.png")

    assert "written by A1111" in shown.stdout
    assert "not used: Mood: blue" in shown.stdout
    assert json.loads(listed.stdout)["sampler"] == "euler"
    assert painted.returncode == 0
    assert "A1111 says Mood: blue: not used." in painted.stderr
    assert "A1111 says model: gone, which is not here." in painted.stderr
    assert "A1111 says refiner: lost, which is not here." in painted.stderr
    with Image.open("ours.png") as image:
        assert metadata.from_json(image.info["easel"]).weights == "a1111"


def test_loras_are_listed_with_their_trigger_words_or_their_other_base(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "models"
    folder.mkdir(parents=True)
    frequencies = json.dumps({"10_fur": {"furry cat": 12, "grass": 3, "sky": 5}})
    key = "lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k.lora_down.weight"
    save_file({key: np.zeros((4, 2048), np.float32)}, folder / "fur.safetensors", {"ss_tag_frequency": frequencies})
    save_file({key: np.zeros((4, 768), np.float32)}, folder / "old.safetensors")
    said = {"modelspec.trigger_phrase": "in the style of tin"}
    save_file({key: np.zeros((4, 2048), np.float32)}, folder / "tin.safetensors", said)

    listed = easel("models")

    lines = [line for line in listed.stdout.splitlines() if any(name in line for name in ("fur ", "old ", "tin "))]
    assert any("fur " in line and "furry cat, sky, grass" in line for line in lines)
    assert any("old " in line and "for Stable Diffusion 1.x, not for SDXL" in line for line in lines)
    assert any("tin " in line and "in the style of tin" in line for line in lines)


def test_samplers_are_listed() -> None:
    done = easel("samplers")

    assert done.returncode == 0
    assert [name for name in SAMPLERS if f" {name} " not in done.stdout] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("imagine", "a cat", "--model", "nothing"), "easel: There is no model named 'nothing'."),
        (("imagine",), "easel: Missing argument 'prompt'."),
        (("imagine", "a cat", "--model", "gone.safetensors"), "easel: There is no file gone.safetensors."),
        (("imagine", "a cat", "--model", "page.safetensors"), "easel: page.safetensors is a web page, not a model"),
        (("imagine", "a cat", "--model", "tiny.safetensors", "--width", "100"), "easel: width must be a multiple of 8"),
        (
            ("imagine", "a cat", "--model", "expert.safetensors"),
            "easel: expert is an SDXL refiner: it only goes on with",
        ),
        (("imagine", "a cat", "--model", "tiny.safetensors", "--refiner", "exprt"), "easel: There is no refiner named"),
        (("imagine", "a cat", "--steps", "many"), "easel: Invalid value for '--steps'"),
        (("imagine", "a cat", "--stepz", "3"), "easel: No such option: --stepz"),
        (("db", "downgrade", "nope"), "easel: The schema cannot be changed to 'nope'"),
        (("db", "backup", "copy.db"), "easel: There is no database yet"),
    ],
)
def test_every_failure_is_one_line_and_exit_code_2(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    (tmp_path / "page.safetensors").write_text("<!DOCTYPE html><html>Not found</html>")
    model_files(tmp_path, "tiny")
    tiny.save_single_file(tmp_path / "expert.safetensors", tiny.refiner_parts(), tiny.REFINER_CONFIG)

    done = easel(*arguments)

    assert done.returncode == 2
    assert done.stderr.startswith(said)
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


def test_debug_shows_where_it_happened() -> None:
    done = easel("imagine", "a cat", "--model", "nothing", "--debug")

    assert done.returncode != 0
    assert "Traceback" in done.stderr


def test_a_wrong_setting_is_named() -> None:
    done = easel("models", EASEL_SLOTS="none")

    assert done.returncode == 2
    assert done.stderr.startswith("easel: EASEL_SLOTS is wrong:")


def test_models_lists_kind_type_and_size(tmp_path: Path) -> None:
    model_files(tmp_path / "data" / "models", "dreams")
    (tmp_path / "data" / "models" / "old.ckpt").write_bytes(b"\x80\x02 pickled")

    done = easel("models")

    assert done.returncode == 0
    assert [word for line in done.stdout.splitlines() if "dreams" in line for word in line.replace("│", " ").split()][
        :4
    ] == ["dreams", "SDXL", "checkpoint", "F16"]
    assert "old.ckpt is a pickled PyTorch file" in done.stdout


def test_doctor_finds_a_fresh_install_well_and_says_how_to_get_a_token(tmp_path: Path) -> None:
    done = easel("doctor")

    assert done.returncode == 0
    marks = {line.split("  ")[1].strip() if line.startswith("not ok") else line.split()[1]: line.startswith("ok")
             for line in done.stdout.splitlines() if line.startswith(("ok", "not ok"))}  # fmt: skip
    expected = {"Python", "torch", "device", "models", "disk", "database", "permissions", "token", "intents"}
    assert marks == dict.fromkeys(expected, True)
    assert "put DISCORD_TOKEN=... into the file .env" in done.stdout


def test_the_database_is_made_saved_and_taken_back(tmp_path: Path) -> None:
    for arguments in (("db", "upgrade"), ("db", "backup", "copy.db"), ("db", "downgrade", "base"), ("db", "upgrade")):
        assert easel(*arguments).returncode == 0

    assert (tmp_path / "data" / "easel.db").is_file()
    assert (tmp_path / "copy.db").is_file()


def test_python_m_bot_is_easel_run() -> None:
    environment = {**os.environ, "DISCORD_API_URL": "http://discord.example/api/v10"}
    command = [sys.executable, "-m", "bot"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=environment)  # noqa: S603

    assert done.returncode == 2
    assert done.stderr.startswith("easel: DISCORD_API_URL is set but DISCORD_TOKEN is not.")
