"""`easel imagine`: painting from the command line, through the same executor as the bot's."""

import asyncio
import itertools
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from bot.cli.terminal import say, say_json, warn
from bot.domain import InputFile, Order
from bot.errors import EaselError
from bot.services.images.inputs import look
from bot.services.requests.extra import unpack
from bot.services.requests.flags import ORDERED
from bot.services.requests.partwords import in_words
from bot.services.requests.resolve import Defaults, resolve
from bot.settings import Settings
from generation import Catalog, Executor, GenerationRequest, GenerationResult, InvalidRequestError, metadata
from generation import Progress as Painting
from generation.metadata import Reading, read_file
from generation.models.auxiliary import AuxiliaryFiles
from generation.models.catalog import STARTER_NOTE
from generation.models.safetensors_header import Kind
from generation.request.options import UNNAMED
from generation.request.request import MAX_SIZE
from generation.typed_text import TypedText, take_in

app = typer.Typer(add_completion=False)


@dataclass(frozen=True, slots=True)
class Generated:
    """One picture that was written to disk."""

    path: Path
    request: GenerationRequest
    seconds: float
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Returns what `--json` prints."""
        return {
            "path": str(self.path),
            "seed": self.request.seed,
            "seconds": round(self.seconds, 3),
            "recipe": json.loads(metadata.to_json(self.request)),
            "notes": list(self.notes),
        }


@app.command()
def imagine(  # noqa: PLR0913, PLR0917 - one parameter per option
    prompt: Annotated[str | None, typer.Argument(help="What to paint; --from may say it instead.")] = None,
    negative: Annotated[str | None, typer.Option(help="What to keep out of the picture.")] = None,
    model: Annotated[str | None, typer.Option(help="A model's name, file, folder or hub id.")] = None,
    aspect: Annotated[str | None, typer.Option(help="Width to height, such as 3:2.")] = None,
    width: Annotated[int | None, typer.Option(help="Pixels, a multiple of 8.")] = None,
    height: Annotated[int | None, typer.Option(help="Pixels, a multiple of 8.")] = None,
    steps: Annotated[int | None, typer.Option(help="How many steps to take, 1 to 150.")] = None,
    cfg: Annotated[float | None, typer.Option(help="How closely to follow the prompt, 0 to 50.")] = None,
    sampler: Annotated[str | None, typer.Option(help="How the noise is taken away.")] = None,
    scheduler: Annotated[str | None, typer.Option(help="How the steps are spaced.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed paints the same picture.")] = None,
    count: Annotated[int | None, typer.Option(help="How many pictures, 1 to 10.")] = None,
    preset: Annotated[str | None, typer.Option(help="Settings that go together; `none` for no preset.")] = None,
    vae: Annotated[str | None, typer.Option(help="A separate VAE's name or file.")] = None,
    clip_skip: Annotated[int | None, typer.Option(help="Text encoder layer from the end, 1 to 12.")] = None,
    image: Annotated[Path | None, typer.Option(help="A picture to begin from.")] = None,
    strength: Annotated[float | None, typer.Option(help="Denoising strength: 0 keeps it, 1 ignores it.")] = None,
    mask: Annotated[Path | None, typer.Option(help="A mask: its white or transparent pixels are repainted.")] = None,
    outpaint: Annotated[str | None, typer.Option(help="Add canvas: 2x, square, or left 50%.")] = None,
    hires: Annotated[float | None, typer.Option(help="Paint a second pass so many times larger, 1 to 4.")] = None,
    upscale: Annotated[float | None, typer.Option(help="Make it so many times larger, in tiles.")] = None,
    refiner: Annotated[str | None, typer.Option(help="A refiner that finishes it: name, file, hub id.")] = None,
    refiner_at: Annotated[float | None, typer.Option(help="When: 0.8 of the noise's time, or after 20 steps.")] = None,
    refiner_strength: Annotated[float | None, typer.Option(help="Paint it over instead, 0 to 1.")] = None,
    lora: Annotated[str | None, typer.Option(help="LoRAs to paint with: 'name:0.8, other:0.5'.")] = None,
    extra: Annotated[str | None, typer.Option(help="Seldom needed: 'name=value name=value'.")] = None,
    source: Annotated[Path | None, typer.Option("--from", help="A picture whose settings to take.")] = None,
    output: Annotated[Path | None, typer.Option(help="A file, or a folder; default: this folder.")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per picture.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where in the program a failure happened.")] = False,
) -> None:
    """Paint pictures without Discord."""
    if debug:
        sys.excepthook = sys.__excepthook__
    typed = _typed(
        prompt=prompt or "", negative=negative, model=model, aspect=aspect, sampler=sampler, scheduler=scheduler,
        preset=preset, vae=vae, outpaint=outpaint, lora=lora, extra=extra, refiner=refiner,
    )  # fmt: skip
    order = Order(
        **typed, width=width, height=height, steps=steps, cfg=cfg, seed=seed, count=count, clip_skip=clip_skip,
        strength=strength, hires=hires, upscale=upscale, refiner_at=refiner_at, refiner_strength=refiner_strength,
    )  # fmt: skip
    settings = Settings()
    if source is not None:
        order, notes = order_from(read_file(source), order, settings)
        warn(notes)
    elif prompt is None:
        raise EaselError("Missing argument 'prompt'.")
    order, inputs = bring(order, {"image": image, "mask": mask})
    pictures = asyncio.run(paint(settings, order, output, inputs))
    for painted in pictures:
        if as_json:
            say_json(painted.as_json())
        else:
            say(painted.path)
    if not as_json:
        warn(dict.fromkeys(note for each in pictures for note in each.notes))


def _typed(**texts: str | None) -> dict[str, Any]:
    """Takes in the options that were typed."""
    return {name: take_in(text, name) for name, text in texts.items() if text is not None}


def order_from(reading: Reading, typed: Order, settings: Settings) -> tuple[Order, tuple[str, ...]]:
    """Fills what was not typed with what a picture says of itself.

    Args:
        reading: What was read from the picture.
        typed: What was typed; it wins.
        settings: Where models and VAEs are looked for.

    Returns:
        The order, and what a person should know: fields that could not be used, a model that is not here.
    """
    typed = unpack(typed)
    found = {ORDERED.get(name, name): value for name, value in reading.values.items()}
    if typed.aspect is not None:
        found = {name: value for name, value in found.items() if name not in {"width", "height"}}
    notes = [f"{reading.tool} says {each}: not used." for each in reading.unknown]
    notes += _to_bring(found)
    if found.get("outpaint"):
        found = {name: value for name, value in found.items() if name not in {"width", "height"}}
    found = {name: value for name, value in in_words(found).items() if value is not None}
    for name, here in (("model", _has_model), ("vae", _has_vae), ("refiner", _has_refiner)):
        if found.get(name) and getattr(typed, name) is None and not here(settings, found[name]):
            notes.append(f"{reading.tool} says {name}: {found.pop(name)}, which is not here.")
    if not (found.get("refiner") or typed.refiner):
        found = {name: value for name, value in found.items() if not name.startswith("refiner_")}
    kept = {name: value for name in Order.__slots__ if (value := getattr(typed, name)) is not None}
    if not typed.prompt:
        del kept["prompt"]
    return Order(**({"prompt": ""} | found | kept)), tuple(notes)


def _to_bring(values: Mapping[str, Any]) -> list[str]:
    """Says which pictures a recipe needs, which no recipe carries."""
    init, mask = values.get("init"), values.get("mask")
    notes = []
    if init:
        notes.append(f"It was painted from {_named(init.picture)}: give that picture with --image.")
    if mask and mask.picture:
        notes.append(f"Its mask was drawn, {_named(mask.picture)}: give that picture with --mask.")
    if values.get("outpaint"):
        notes.append("It was outpainted: say how with --outpaint.")
    return notes


def _named(digest: str) -> str:
    return "a picture that the file does not name" if digest == UNNAMED else f"the picture with the SHA-256 {digest}"


def _has_model(settings: Settings, name: str) -> bool:
    return any(entry.name.lower() == name.lower() for entry in Catalog(settings.models_path, settings.model).usable())


def _has_refiner(settings: Settings, name: str) -> bool:
    return any(entry.name.lower() == name.lower() for entry in Catalog(settings.models_path, settings.model).whole())


def _has_vae(settings: Settings, name: str) -> bool:
    return name.lower() in {
        known.lower() for known in AuxiliaryFiles(settings.models_path, settings.vae).names(Kind.VAE)
    }


def bring(order: Order, files: Mapping[str, Path | None]) -> tuple[Order, dict[str, bytes]]:
    """Reads the pictures an order begins from.

    Args:
        order: What was typed.
        files: "image" and "mask".

    Returns:
        The order with them, and the files by their SHA-256.

    Raises:
        InvalidRequestError: A file is not there, or no picture that can be used.
    """
    inputs: dict[str, bytes] = {}
    seen: dict[str, InputFile] = {}
    for field, path in files.items():
        if path is None:
            continue
        try:
            data = path.read_bytes()
        except OSError as error:
            raise InvalidRequestError(field, f"{field} cannot be read: {path} ({error.strerror}).") from error
        seen[field] = look(data, field)
        inputs[seen[field].digest] = data
    return replace(order, image=seen.get("image"), mask=seen.get("mask")), inputs


async def paint(settings: Settings, order: Order, output: Path | None, inputs: Mapping[str, bytes]) -> list[Generated]:
    """Paints an order and writes its pictures.

    Args:
        settings: Defaults for what the order leaves open.
        order: What to paint; its model may be a file, a folder or a hub id as well as a name, its VAE a file.
        output: A file or a folder; a name that is not taken yet in the present folder by default.
        inputs: The files that its pictures begin from, by their SHA-256.

    Raises:
        GenerationError: It cannot be painted.
        EaselError: A value is not allowed.
    """
    if order.vae:
        settings = settings.model_copy(update={"vae": order.vae})
        order = replace(order, vae=TypedText(settings.vae_name))
    catalog = Catalog(settings.models_path, order.model or settings.model, refiner=order.refiner)
    model = catalog.default()
    if order.refiner is not None:
        order = replace(order, refiner=TypedText(_stem(order.refiner, catalog)))
    models = (model, *(entry for entry in catalog.whole() if entry.name != model.name))
    request = resolve(_without_model(order), models, model.name, _defaults(settings)).request
    paths = _paths(output, request)
    from generation.worker.local import LocalExecutor  # noqa: PLC0415 - loads torch

    executor = LocalExecutor(settings, catalog)
    try:
        result = await _with_bar(executor, request, inputs)
    finally:
        await executor.close()
    for path, artifact in zip(paths, result.artifacts, strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(artifact.data)
    notes = (*result.notes, STARTER_NOTE) if model.bundled else result.notes
    return [
        Generated(path, artifact.request, result.seconds / request.count, notes)
        for path, artifact in zip(paths, result.artifacts, strict=True)
    ]


async def _with_bar(executor: Executor, request: GenerationRequest, inputs: Mapping[str, bytes]) -> GenerationResult:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    console = Console(stderr=True)
    bar = Progress(*columns, TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal)
    with bar:
        task = bar.add_task("getting ready", total=None)

        def show(progress: Painting) -> None:
            bar.update(task, description=progress.stage.value, total=progress.total, completed=progress.done)

        return await executor.generate(request, show, inputs=inputs)


def _stem(refiner: str, catalog: Catalog) -> str:
    """Returns the catalogue's name for a refiner that was named by its file, its folder or its hub id."""
    named = [
        entry.name for entry in catalog.entries() if str(entry.source) in {refiner, str(Path(refiner).expanduser())}
    ]
    return named[0] if named else refiner


def _without_model(order: Order) -> Order:
    return Order(**{name: getattr(order, name) for name in order.__slots__ if name != "model"})


def _defaults(settings: Settings) -> Defaults:
    return Defaults(
        steps=settings.default_steps,
        cfg=settings.default_cfg,
        sampler=settings.default_sampler,
        scheduler=settings.default_scheduler,
        negative=settings.default_negative,
        count=settings.default_count,
        vae=settings.vae_name,
        max_size=MAX_SIZE,
    )


def _paths(output: Path | None, request: GenerationRequest) -> list[Path]:
    if output is None or output.is_dir() or not output.suffix:
        folder = output or Path()
        return [_free(folder / f"easel-{request.seed + index}.png") for index in range(request.count)]
    if request.count == 1:
        return [output]
    return [output.with_stem(f"{output.stem}-{index + 1}") for index in range(request.count)]


def _free(path: Path) -> Path:
    """Returns a path that is not taken: a picture is never overwritten unless its name was given."""
    names = itertools.chain([path], (path.with_stem(f"{path.stem}-{number}") for number in itertools.count(2)))
    return next(name for name in names if not name.exists())
