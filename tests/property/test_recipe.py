import io
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from generation import SAMPLERS, SCHEDULES, GenerationRequest, Hires, Init, Mask, OutpaintPadding, Refiner, metadata
from generation.images.pixels import Pixels
from generation.metadata.comfyui.refiner import total_of
from generation.prompt.parser import parse
from generation.request.options import AREAS, FITS, Lora
from generation.request.sampler_info import NOISES, PREDICTIONS, WEIGHTS
from generation.sdxl.engine.png import encode

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=200)
file_names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0/\\"), max_size=200).filter(
    lambda name: not name.endswith(".safetensors")
)
sides = st.integers(8, 512).map(lambda number: number * 8)
strengths = st.integers(-40, 40).map(lambda number: number / 4)
loras = st.builds(Lora, st.sampled_from(["fur", "old style", "é"]), strengths, strengths)
digests = st.text("0123456789abcdef", min_size=64, max_size=64)
inits = st.builds(Init, picture=digests, strength=st.floats(0, 1), fit=st.sampled_from(FITS))
masks = st.builds(
    Mask,
    picture=st.just("") | digests,
    invert=st.booleans(),
    grow=st.integers(-64, 64),
    feather=st.integers(0, 256),
    area=st.sampled_from(AREAS),
    margin=st.integers(0, 512),
)
passes = st.builds(
    Hires,
    scale=st.just(1.0),
    strength=st.floats(0, 1),
    steps=st.integers(1, 150),
    method=st.sampled_from(["pixel", "latent", "realesrgan-x4plus"]),
    tile=st.sampled_from([0, 512]),
)
refiners = st.builds(
    Refiner,
    model=st.sampled_from(["sd_xl_refiner_1.0", "é, (b)"]),
    at=st.sampled_from([0.0, 0.8, 0.25]),
    strength=st.sampled_from([0.0, 0.3]),
    steps=st.integers(1, 150),
)
edges = st.builds(OutpaintPadding, left=st.integers(1, 24), bottom=st.integers(0, 24), feather=st.integers(0, 256))
parts: st.SearchStrategy[dict[str, Any]] = (
    st.just({})
    | st.fixed_dictionaries({"init": inits})
    | st.fixed_dictionaries({"init": inits, "mask": masks})
    | st.fixed_dictionaries({"hires": passes})
    | st.fixed_dictionaries({"init": inits, "hires": passes})
    | st.fixed_dictionaries({"init": inits, "outpaint": edges})
)
plain_requests = st.builds(
    GenerationRequest,
    prompt=texts,
    negative_prompt=texts,
    model=texts,
    width=sides,
    height=sides,
    steps=st.integers(1, 150),
    guidance_scale=st.floats(0, 50),
    sampler=st.sampled_from(sorted(SAMPLERS)),
    scheduler=st.sampled_from(sorted(SCHEDULES)),
    seed=st.integers(0, 2**52),
    count=st.integers(1, 10),
    clip_skip=st.integers(1, 12),
    weights=st.sampled_from(WEIGHTS),
    noise=st.sampled_from(NOISES),
    subseed=st.integers(0, 2**52),
    subseed_strength=st.floats(0, 1),
    guidance_rescale=st.floats(0, 1),
    guidance_start=st.floats(0, 1),
    guidance_end=st.floats(0, 1),
    prediction=st.sampled_from(PREDICTIONS),
    vae=file_names,
    loras=st.lists(loras, max_size=3).map(tuple),
)


def as_taken(request: GenerationRequest, part: Any) -> Any:
    """Says a strength by the length of its schedule where a refiner splits it: two nodes know nothing else of it."""
    if part is None or request.refiner is None or refiner_in_steps(request) is None or request.refiner.strength:
        return part
    return replace(part, strength=0.5), total_of(getattr(part, "steps", request.steps), part.strength)


def refiner_in_steps(request: GenerationRequest) -> Refiner | None:
    if request.refiner is None:
        return None
    if request.refiner.strength:
        return replace(request.refiner, at=0.8)
    last = request.hires or request.init
    steps = request.steps if request.hires is None else request.hires.steps
    if steps < 2 or (last is not None and last.strength == 0):
        return None
    return replace(request.refiner, at=max(round(request.refiner.at * steps), 1), steps=20)


plain = st.text(st.sampled_from("abc (),:.1[]<>é🍎"), max_size=40).map(str.strip)

requests = st.builds(
    lambda request, parts, refiner: replace(request, **parts, refiner=refiner),
    plain_requests,
    parts,
    st.none() | refiners,
)


@given(requests)
def test_every_request_survives_its_recipe(request: GenerationRequest) -> None:
    assert metadata.from_json(metadata.to_json(request)) == request


@given(requests)
def test_every_request_survives_a_png_file(request: GenerationRequest) -> None:
    artifact = encode(Pixels(2, 1, b"\1\2\3\4\5\6"), request)

    image = Image.open(io.BytesIO(artifact.data))
    assert list(image.get_flattened_data()) == [(1, 2, 3), (4, 5, 6)]
    assert metadata.from_json(image.text["easel"]) == metadata.without_inputs(request)  # type: ignore[attr-defined]


@given(requests, plain, plain)
def test_what_a1111_and_comfyui_keep_survives_their_texts(request: GenerationRequest, prompt: str, model: str) -> None:
    request = replace(request, prompt=prompt, negative_prompt=prompt, model=model or "m", vae="", count=1)
    graphs = [metadata.from_prompt(metadata.to_prompt(request)), metadata.from_workflow(metadata.to_workflow(request))]
    for graph in graphs:
        begun = request.init and replace(request.init, fit="crop" if request.init.fit == "crop" else "stretch")
        assert as_taken(request, graph.values.get("init")) == as_taken(request, begun)
        assert graph.values.get("outpaint") == request.outpaint
        assert ("mask" in graph.values) == (request.mask is not None)
        hires = request.hires and replace(request.hires, tile=0)
        assert as_taken(request, graph.values.get("hires")) == as_taken(request, hires)
        assert graph.values.get("refiner") == refiner_in_steps(request)
        assert graph.values.get("loras", ()) == request.loras
    typed = parse(metadata.from_a1111(metadata.to_a1111(request)).values["prompt"])
    assert typed.loras == request.loras
    request = replace(request, loras=())

    for reading in (metadata.from_a1111(metadata.to_a1111(request)), *graphs):
        needs_a_picture = reading.tool == "A1111" and request.init is not None
        assert [text.partition(":")[0] for text in reading.unknown] == ["Denoising strength"] * needs_a_picture
        for name in ("prompt", "negative_prompt", "steps", "sampler", "scheduler", "seed", "width", "height", "model"):
            assert reading.values[name] == getattr(request, name), (reading.tool, name)
