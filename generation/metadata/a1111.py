"""A1111's `parameters` text: the prompt, the negative prompt, and one line of settings."""

import json
import re
from collections.abc import Iterator

from generation.errors import InvalidRequestError
from generation.metadata.foreign import loaded
from generation.metadata.parsed import Reading
from generation.request.options import Refiner
from generation.request.request import GenerationRequest
from generation.request.sampler_info import SAMPLERS, SCHEDULES
from generation.typed_text import TypedText

_NEGATIVE = "Negative prompt: "
_NAME = re.compile(r"\w[\w \-/]*")
_VALUE = re.compile(r':\s*("(?:\\.|[^\\"])*"|[^,]*)(?:,|$)')
_SAMPLERS = {facts.label.lower(): name for name, facts in SAMPLERS.items()}
_SCHEDULES = {facts.label.lower(): name for name, facts in SCHEDULES.items()} | {"uniform": "normal"}
# "Automatic" is the schedule a sampler was published with.
_AUTOMATIC = {
    "dpmpp_2m": "karras", "dpmpp_sde": "karras", "dpmpp_2s_ancestral": "karras", "dpm_2": "karras",
    "dpm_2_ancestral": "karras", "dpmpp_2m_sde": "exponential", "dpmpp_2m_sde_heun": "exponential",
    "dpmpp_3m_sde": "exponential",
}  # fmt: skip
_NUMBERS = {
    "Steps": ("steps", int),
    "CFG scale": ("guidance_scale", float),
    "Seed": ("seed", int),
    "Clip skip": ("clip_skip", int),
    "Variation seed": ("subseed", int),
    "Variation seed strength": ("subseed_strength", float),
    "CFG Rescale phi": ("guidance_rescale", float),
}
_NAMES = {"Model": "model", "VAE": "vae"}
_WITHOUT_MEANING = {"Version", "VAE hash", "Model hash", "Schedule type", "Sampler", "Size", "RNG", "TI hashes",
                    "Refiner", "Refiner switch at"}  # fmt: skip
_REFINER = re.compile(r"(.+?)(?: \[[0-9a-f]+\])?")  # a name, and the hash that A1111 writes behind it


def to_a1111(request: GenerationRequest, model_hash: str | None = None) -> str:
    """Writes a request of one picture as A1111's `parameters` text."""
    tags = [f"<lora:{lora.name}:{lora.strength:g}:{lora.text_strength:g}>" for lora in request.loras]
    lines = [" ".join([request.prompt, *tags])]
    if request.negative_prompt:
        lines.append(_NEGATIVE + request.negative_prompt)
    settings = {
        "Steps": str(request.steps),
        "Sampler": SAMPLERS[request.sampler].label,
        "Schedule type": SCHEDULES[request.scheduler].label,
        "CFG scale": f"{request.guidance_scale:g}",
        "Seed": str(request.seed),
        "Size": f"{request.width}x{request.height}",
        **({"Model hash": model_hash} if model_hash else {}),
        "Model": request.model,
        **_unusual(request),
        "RNG": "CPU",
        "Version": "Easel",
    }
    lines.append(", ".join(f"{name}: {_quoted(value)}" for name, value in settings.items()))
    return "\n".join(lines)


def from_a1111(text: TypedText | str) -> Reading:
    """Reads A1111's `parameters` text, as its kin write it too; brackets and noise are then A1111's."""
    reading = Reading("A1111", {"weights": "a1111", "noise": "a1111"})
    body, settings = _split(text)
    prompt, _, negative = f"\n{body}".partition(f"\n{_NEGATIVE.rstrip()}")
    reading.values |= {"prompt": prompt.strip(), "negative_prompt": negative.strip()}
    _methods(reading, settings)
    _size(reading, settings)
    for key, value in settings.items():
        if key in _NUMBERS:
            field, convert = _NUMBERS[key]
            reading.take(field, value, convert)
        elif key in _NAMES:
            reading.values[_NAMES[key]] = value.removesuffix(".safetensors")
        elif key not in _WITHOUT_MEANING:
            reading.report(key, value)
    _refiner(reading, settings)
    reading.model_hash = settings.get("Model hash")
    if settings.get("RNG") != "CPU":
        reading.report("RNG", f"{settings.get('RNG', 'GPU')}; the noise was a graphics card's, so the picture differs")
    return reading


def _unusual(request: GenerationRequest) -> dict[str, str]:
    found = {}
    if request.vae:
        found["VAE"] = request.vae
    if request.init is not None:
        found["Denoising strength"] = f"{request.init.strength:g}"
    if request.refiner is not None and not request.refiner.strength and request.refiner.at < 1:
        found |= {"Refiner": request.refiner.model, "Refiner switch at": f"{request.refiner.at:g}"}
    if request.clip_skip != 2:
        found["Clip skip"] = str(request.clip_skip)
    if request.subseed_strength > 0:
        found |= {"Variation seed": str(request.subseed), "Variation seed strength": f"{request.subseed_strength:g}"}
    if request.guidance_rescale > 0:
        found["CFG Rescale phi"] = f"{request.guidance_rescale:g}"
    return found


def _split(text: str) -> tuple[str, dict[str, str]]:
    body, _, last = text.strip().rpartition("\n")
    pairs = {name.strip(): _unquoted(value.strip()) for name, value in _pairs(last)}
    return (body, pairs) if "Steps" in pairs else (text, {})


def _pairs(line: str) -> Iterator[tuple[str, str]]:
    """Yields names and values; a name that no value follows is passed over whole, so that this takes linear time."""
    position = 0
    while name := _NAME.search(line, position):
        value = _VALUE.match(line, name.end())
        position = name.end() if value is None else value.end()
        if value is not None:
            yield name[0], value[1]


def _methods(reading: Reading, settings: dict[str, str]) -> None:
    label, schedule = settings.get("Sampler"), settings.get("Schedule type")
    if label is None:
        return
    words = label.lower()
    for suffix in ("karras", "exponential"):  # how A1111 wrote it before 1.9
        if schedule is None and words.endswith(f" {suffix}"):
            words, schedule = words.removesuffix(f" {suffix}"), suffix
    reading.take("sampler", label, lambda _: _SAMPLERS.get(words, words), SAMPLERS)
    sampler = reading.values.get("sampler", "")
    usual = "normal" if schedule is None else _AUTOMATIC.get(sampler, "normal")
    words = (schedule or "automatic").lower()
    reading.take("scheduler", schedule, lambda _: usual if words == "automatic" else _SCHEDULES.get(words), SCHEDULES)


def _size(reading: Reading, settings: dict[str, str]) -> None:
    match = re.fullmatch(r"(\d{1,9})x(\d{1,9})", settings.get("Size", ""))
    if match:
        reading.values |= {"width": int(match[1]), "height": int(match[2])}
    elif "Size" in settings:
        reading.report("Size", settings["Size"])


def _refiner(reading: Reading, settings: dict[str, str]) -> None:
    named = _REFINER.fullmatch(settings.get("Refiner", ""))
    if named is None:
        return
    try:
        name = named[1].removesuffix(".safetensors")
        reading.values["refiner"] = Refiner(model=name, at=float(settings.get("Refiner switch at", 0.8)))
    except (InvalidRequestError, ValueError) as error:
        reading.report("Refiner", str(error))


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False) if any(mark in value for mark in ",:\n") else value


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    try:
        return str(loaded(value, "value"))
    except InvalidRequestError:
        return value
