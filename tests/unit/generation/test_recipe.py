import json
import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from generation import GenerationRequest, Hires, InvalidRequestError, Refiner, metadata
from generation.models.hashes import HashBook

REQUEST = GenerationRequest(prompt="a cat, sleeping", negative_prompt="dog", model="tiny", seed=7)


def test_a_recipe_is_read_back() -> None:
    assert metadata.from_json(metadata.to_json(REQUEST)) == REQUEST


def test_the_a1111_text_has_its_three_parts() -> None:
    assert metadata.to_a1111(REQUEST) == (
        "a cat, sleeping\nNegative prompt: dog\n"
        "Steps: 30, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, Seed: 7, Size: 1024x1024, "
        "Model: tiny, RNG: CPU, Version: Easel"
    )


def test_a_model_name_with_a_comma_is_quoted_as_a1111_does() -> None:
    text = metadata.to_a1111(GenerationRequest(prompt="a", model='big, "bad": model', seed=1))

    assert 'Model: "big, \\"bad\\": model", RNG' in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hello", "This is not a recipe written by Easel."),
        ("[1]", "This is not a recipe written by Easel."),
        ('{"easel": 1}', "This is not a recipe written by Easel."),
        ('{"easel": 99, "request": {}}', "The recipe has format 99; this Easel reads formats 1 to 4."),
        ('{"easel": 1, "request": []}', "The recipe's request must be a JSON object."),
        ('{"easel": 1, "request": {"prompt": "a", "model": "m"}}', "The recipe lacks seed."),
        ('{"easel": 1, "request": {"mood": 1}}', "The recipe has fields this Easel does not know: mood."),
        ('{"easel": 1, "request": {"prompt": 3, "model": "m", "seed": 1}}', "The recipe's prompt has the wrong type."),
        (
            '{"easel": 1, "request": {"prompt": "", "model": "m", "seed": true}}',
            "The recipe's seed has the wrong type.",
        ),
    ],
)
def test_what_is_no_recipe_is_refused_in_words(text: str, message: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        metadata.from_json(text)

    assert str(refused.value) == message


def test_a_recipe_names_its_format() -> None:
    assert json.loads(metadata.to_json(REQUEST))["easel"] == metadata.FORMAT


def test_a_recipe_of_the_first_format_is_still_read() -> None:
    text = """{"easel": 1, "request": {"prompt": "a cat", "negative_prompt": "dog", "model": "tiny", "width": 512,
        "height": 768, "steps": 35, "guidance_scale": 7.5, "sampler": "dpm_2", "scheduler": "karras", "seed": 7,
        "count": 2}}"""

    assert metadata.from_json(text) == GenerationRequest(
        prompt="a cat", negative_prompt="dog", model="tiny", width=512, height=768, steps=35, guidance_scale=7.5,
        sampler="dpm_2", scheduler="karras", seed=7, count=2,
    )  # fmt: skip


FULL = GenerationRequest(
    prompt="a (cat:1.2), sleeping", negative_prompt="dog", model="tiny", seed=7, steps=35, guidance_scale=7.5,
    sampler="dpm_2", scheduler="karras", width=512, height=768, clip_skip=1, vae="soft", subseed=3,
    subseed_strength=0.25, guidance_rescale=0.7, prediction="v_prediction_zsnr",
)  # fmt: skip


def test_a1111s_text_is_read_back() -> None:
    reading = metadata.from_a1111(metadata.to_a1111(FULL, "0123456789"))

    kept = {name: getattr(FULL, name) for name in FULL.__slots__ if name not in {"prediction", "weights", "noise"}}
    assert {name: value for name, value in reading.values.items() if kept.get(name) == value} == {
        name: value for name, value in kept.items() if name in reading.values
    }
    assert set(kept) - set(reading.values) == {
        "count", "row", "rows", "guidance_start", "guidance_end", "init", "mask", "outpaint", "loras", "hires",
        "refiner",
    }  # fmt: skip
    assert (reading.unknown, reading.model_hash) == ([], "0123456789")


@pytest.mark.parametrize(
    ("methods", "sampler", "scheduler"),
    [
        ("Sampler: DPM++ 2M Karras", "dpmpp_2m", "karras"),
        ("Sampler: DPM++ 2M, Schedule type: Automatic", "dpmpp_2m", "karras"),
        ("Sampler: DPM++ 3M SDE, Schedule type: Automatic", "dpmpp_3m_sde", "exponential"),
        ("Sampler: Euler a", "euler_ancestral", "normal"),
        ("Sampler: Euler, Schedule type: SGM Uniform", "euler", "sgm_uniform"),
        ("Sampler: UniPC, Schedule type: Beta", "uni_pc", "beta"),
    ],
)
def test_a1111s_names_are_known(methods: str, sampler: str, scheduler: str) -> None:
    reading = metadata.from_a1111(f"a cat\nSteps: 20, {methods}, CFG scale: 7, Seed: 1, Size: 512x512, RNG: CPU")

    assert (reading.values["sampler"], reading.values["scheduler"]) == (sampler, scheduler)
    assert reading.unknown == []


def test_what_a1111_wrote_and_we_cannot_use_is_reported() -> None:
    reading = metadata.from_a1111(
        "a cat,\nin two lines\nNegative prompt: dog\nSteps: 20, Sampler: Restart, CFG scale: 7, Seed: 1, Size: 1x, "
        'Denoising strength: 0.5, Hires upscaler: "a, b"'
    )

    assert (reading.values["prompt"], reading.values["negative_prompt"]) == ("a cat,\nin two lines", "dog")
    assert reading.unknown == [
        "sampler: Restart", "Size: 1x", "Denoising strength: 0.5", "Hires upscaler: a, b",
        "RNG: GPU; the noise was a graphics card's, so the picture differs",
    ]  # fmt: skip


@pytest.mark.parametrize("which", ["prompt", "workflow"])
def test_comfyuis_graphs_are_read_back(which: str) -> None:
    text = metadata.to_prompt(FULL) if which == "prompt" else metadata.to_workflow(FULL)
    reading = metadata.from_prompt(text) if which == "prompt" else metadata.from_workflow(text)

    assert reading.values == {
        "prompt": FULL.prompt, "negative_prompt": "dog", "model": "tiny", "seed": 7, "steps": 35,
        "guidance_scale": 7.5, "sampler": "dpm_2", "scheduler": "karras", "width": 512, "height": 768, "clip_skip": 1,
        "vae": "soft", "guidance_rescale": 0.7, "prediction": "v_prediction_zsnr", "weights": "comfyui",
        "noise": "comfyui",
    }  # fmt: skip
    assert reading.unknown == []


def test_the_default_graph_has_comfyuis_own_numbers() -> None:
    graph = json.loads(metadata.to_prompt(REQUEST))

    assert {key: node["class_type"] for key, node in graph.items()} == {
        "3": "KSampler", "4": "CheckpointLoaderSimple", "5": "EmptyLatentImage", "6": "CLIPTextEncode",
        "7": "CLIPTextEncode", "8": "VAEDecode", "9": "SaveImage",
    }  # fmt: skip
    assert graph["3"]["inputs"]["model"] == ["4", 0]
    assert graph["6"]["inputs"]["text"] == "a cat, sleeping"


def test_the_editors_graph_is_wired_both_ways() -> None:
    graph = json.loads(metadata.to_workflow(FULL))

    nodes = {node["id"]: node for node in graph["nodes"]}
    for number, source, output, target, slot, kind in graph["links"]:
        assert number in nodes[source]["outputs"][output]["links"]
        assert nodes[target]["inputs"][slot] == {"name": nodes[target]["inputs"][slot]["name"], "type": kind,
                                                 "link": number}  # fmt: skip
    assert nodes[3]["widgets_values"] == [7, "fixed", 35, 7.5, "dpm_2", "karras", 1.0]
    assert graph["version"] == 0.4


def test_a_second_pass_is_written_for_comfyui_and_read_back() -> None:
    asked = GenerationRequest(prompt="a", model="m", seed=1, hires=Hires(scale=1.5, strength=0.4, steps=12))

    graph = json.loads(metadata.to_prompt(asked))

    assert graph["8"]["inputs"]["samples"] == ["30", 0]
    assert (graph["35"]["inputs"]["width"], graph["30"]["inputs"]["denoise"]) == (1536, 0.4)
    assert metadata.from_prompt(json.dumps(graph)).values["hires"] == asked.hires


def test_an_ensemble_is_two_advanced_samplers_for_comfyui_and_read_back() -> None:
    asked = GenerationRequest(prompt="a", model="m", seed=1, steps=25, refiner=Refiner(model="expert", at=20))

    graph = json.loads(metadata.to_prompt(asked))

    base, expert = graph["3"], graph["103"]
    assert {base["class_type"], expert["class_type"]} == {"KSamplerAdvanced"}
    said = {name: (base["inputs"][name], expert["inputs"][name]) for name in ("add_noise", "steps", "start_at_step")}
    assert said == {"add_noise": ("enable", "disable"), "steps": (25, 25), "start_at_step": (0, 20)}
    assert (base["inputs"]["end_at_step"], base["inputs"]["return_with_leftover_noise"]) == (20, "enable")
    assert (expert["inputs"]["latent_image"], expert["inputs"]["model"]) == (["3", 0], ["100", 0])
    assert (graph["8"]["inputs"]["samples"], graph["8"]["inputs"]["vae"]) == (["103", 0], ["100", 2])
    assert (graph["101"]["inputs"]["ascore"], graph["102"]["inputs"]["ascore"]) == (6.0, 2.5)
    for reading in (metadata.from_prompt(json.dumps(graph)), metadata.from_workflow(metadata.to_workflow(asked))):
        assert (reading.values["refiner"], reading.values["steps"], reading.unknown) == (asked.refiner, 25, [])


def test_comfyuis_own_example_of_a_refiner_is_understood() -> None:
    """The nodes and numbers of the SDXL workflow in ComfyUI's examples; the refiner's has the smaller number here."""
    text: dict[str, Any] = {"class_type": "CLIPTextEncode", "inputs": {"text": "a cat"}}
    sampler = {
        "noise_seed": 7, "steps": 25, "cfg": 8.0, "sampler_name": "euler", "scheduler": "normal",
        "positive": ["6", 0], "negative": ["7", 0],
    }  # fmt: skip
    graph = {
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd_xl_base_1.0.safetensors"}},
        "12": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd_xl_refiner_1.0.safetensors"}},
        "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 1024, "height": 1024, "batch_size": 1}},
        "6": text | {"inputs": {"text": "a cat", "clip": ["4", 1]}},
        "7": text | {"inputs": {"text": "dog", "clip": ["4", 1]}},
        "15": text | {"inputs": {"text": "a cat", "clip": ["12", 1]}},
        "16": text | {"inputs": {"text": "dog", "clip": ["12", 1]}},
        "11": {"class_type": "KSamplerAdvanced", "inputs": sampler | {
            "add_noise": "enable", "start_at_step": 0, "end_at_step": 20, "return_with_leftover_noise": "enable",
            "model": ["4", 0], "latent_image": ["5", 0]}},
        "10": {"class_type": "KSamplerAdvanced", "inputs": sampler | {
            "add_noise": "disable", "noise_seed": 0, "start_at_step": 20, "end_at_step": 10000,
            "return_with_leftover_noise": "disable", "model": ["12", 0], "positive": ["15", 0],
            "negative": ["16", 0], "latent_image": ["11", 0]}},
        "17": {"class_type": "VAEDecode", "inputs": {"samples": ["10", 0], "vae": ["12", 2]}},
    }  # fmt: skip

    reading = metadata.from_prompt(json.dumps(graph))

    assert reading.unknown == []
    assert {name: reading.values[name] for name in ("model", "refiner", "steps", "seed", "prompt")} == {
        "model": "sd_xl_base_1.0", "refiner": Refiner(model="sd_xl_refiner_1.0", at=20), "steps": 25, "seed": 7,
        "prompt": "a cat",
    }  # fmt: skip


def test_a_pass_of_a_refiners_own_is_written_for_comfyui_and_read_back() -> None:
    asked = GenerationRequest(
        prompt="a", model="m", seed=1, hires=Hires(scale=1.5), refiner=Refiner(model="b", strength=0.3, steps=9)
    )

    reading = metadata.from_prompt(metadata.to_prompt(asked))

    assert (reading.values["hires"], reading.values["refiner"]) == (asked.hires, asked.refiner)
    assert reading.unknown == []


def test_a1111s_refiner_is_read_with_and_without_its_hash() -> None:
    line = "Steps: 20, Seed: 1, Size: 512x512, RNG: CPU, Refiner: big_refiner [7440042bbd], Refiner switch at: 0.7"
    ours = GenerationRequest(prompt="a", model="m", seed=1, refiner=Refiner(model="x", at=0.9))

    assert metadata.from_a1111(f"a\n{line}").values["refiner"] == Refiner(model="big_refiner", at=0.7)
    assert metadata.from_a1111(metadata.to_a1111(ours)).values["refiner"] == ours.refiner


def test_nodes_that_are_not_understood_are_reported() -> None:
    graph: dict[str, Any] = json.loads(metadata.to_prompt(REQUEST))
    graph["20"] = {"class_type": "FreeU_V2", "inputs": {"model": ["4", 0], "b1": 1.3}}
    graph["21"] = {"class_type": "ControlNetLoader", "inputs": {}}
    graph["3"]["inputs"] |= {"model": ["20", 0], "denoise": 0.5, "sampler_name": "dpmpp_2m_sde_gpu"}

    reading = metadata.from_prompt(json.dumps(graph))

    assert reading.unknown == ["node 20: FreeU_V2", "denoise: 0.5", "node 21: ControlNetLoader"]
    assert (reading.values["sampler"], reading.values["model"]) == ("dpmpp_2m_sde", "tiny")


@pytest.mark.parametrize("text", ["no json", "[]", "{}", '{"1": {"class_type": "LoadImage", "inputs": {}}}'])
def test_what_is_no_graph_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequestError):
        metadata.from_prompt(text)


def picture(path: Path, **texts: str) -> Path:
    info = PngInfo()
    for key, text in texts.items():
        info.add_itxt(key, text)
    Image.new("RGB", (8, 8)).save(path, pnginfo=info)
    return path


def test_a_file_is_read_as_the_tool_that_wrote_it(tmp_path: Path) -> None:
    texts = metadata.png_texts(FULL, "0123456789")
    ours = metadata.read_file(picture(tmp_path / "a.png", **texts))
    theirs = metadata.read_file(picture(tmp_path / "b.png", parameters=texts["parameters"]))
    graph = metadata.read_file(picture(tmp_path / "c.png", prompt=texts["prompt"]))
    editor = metadata.read_file(picture(tmp_path / "d.png", workflow=texts["workflow"]))

    assert [each.tool for each in (ours, theirs, graph, editor)] == ["Easel", "A1111", "ComfyUI", "ComfyUI"]
    assert GenerationRequest(**ours.values) == FULL
    assert ours.model_hash == "0123456789"


@pytest.mark.parametrize("kind", ["webp", "jpg"])
def test_webp_and_jpeg_carry_a1111s_text_in_exif(tmp_path: Path, kind: str) -> None:
    text = metadata.to_a1111(GenerationRequest(prompt="ein Apfel 🍎 りんご", model="tiny", seed=7))
    Image.new("RGB", (8, 8)).save(tmp_path / f"a.{kind}", exif=metadata.exif_of(text))

    reading = metadata.read_file(tmp_path / f"a.{kind}")

    assert (reading.tool, reading.values["prompt"], reading.values["seed"]) == ("A1111", "ein Apfel 🍎 りんご", 7)


def test_a_file_without_settings_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("hello")
    for path, message in [
        (picture(tmp_path / "bare.png"), "carries no settings"),
        (tmp_path / "text.png", "no picture"),
        (tmp_path / "gone.png", "There is no file"),
    ]:
        with pytest.raises(InvalidRequestError, match=message):
            metadata.read_file(path)


def test_a_models_hash_is_computed_once(tmp_path: Path) -> None:
    model = tmp_path / "a.safetensors"
    model.write_bytes(b"weights")
    first = HashBook(tmp_path / "hashes.json").short_hash(model)
    status = model.stat()
    model.write_bytes(b"WEIGHTS")
    os.utime(model, ns=(status.st_atime_ns, status.st_mtime_ns))

    assert first == "9a129038d9"
    assert HashBook(tmp_path / "hashes.json").short_hash(model) == first
    os.utime(model, ns=(0, 0))
    assert HashBook(tmp_path / "hashes.json").short_hash(model) != first
