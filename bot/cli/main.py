"""The `easel` command."""

import asyncio
import dataclasses
import logging
import sys
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any

import pydantic
import typer
from rich.table import Column, Table
from typer.exceptions import Abort, TyperException

from bot.cli.terminal import harden, out, say, say_json, shown, warn
from bot.domain import Order
from bot.errors import EaselError
from bot.settings import Settings
from generation import SAMPLERS, Catalog, GenerationError, __version__
from generation.metadata import read_file
from generation.models.auxiliary import Extras
from generation.typed_text import take_in

FAILED, INTERRUPTED = 2, 130

app = typer.Typer(
    help="Easel paints with Stable Diffusion XL, for the people of a Discord server or from this command line.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
database = typer.Typer(help="Look after the database.", no_args_is_help=True)
app.add_typer(database, name="db")
models = typer.Typer(help="See and add models.")
app.add_typer(models, name="models")


@app.callback(invoke_without_command=True)
def options(
    *,
    debug: Annotated[bool, typer.Option("--debug", help="Show where in the program a failure happened.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Show the version and end.")] = False,
) -> None:
    """Options of every command."""
    if debug:
        sys.excepthook = sys.__excepthook__
    if version:
        out.print(f"easel {__version__}")
        raise typer.Exit


@app.command()
def run() -> None:
    """Run the bot until it is stopped."""
    from bot.bootstrap import run as run_bot  # noqa: PLC0415 - discord.py is only needed here

    run_bot(_private(Settings()))


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
    strength: Annotated[float | None, typer.Option(help="How much of it to paint anew, 0 to 1.")] = None,
    mask: Annotated[Path | None, typer.Option(help="White or transparent in it is painted anew.")] = None,
    outpaint: Annotated[str | None, typer.Option(help="Add canvas: 2x, square, or left 50%.")] = None,
    hires: Annotated[float | None, typer.Option(help="Paint a second pass so many times larger, 1 to 4.")] = None,
    upscale: Annotated[float | None, typer.Option(help="Make it so many times larger, in tiles.")] = None,
    refiner: Annotated[str | None, typer.Option(help="Another model that goes on with it: name, file, hub id.")] = None,
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
    from bot.cli.painting import bring, order_from, paint  # noqa: PLC0415

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
    if source is not None:
        order, notes = order_from(read_file(source), order, Settings())
        warn(notes)
    elif prompt is None:
        raise EaselError("Missing argument 'prompt'.")
    order, inputs = bring(order, {"image": image, "mask": mask})
    pictures = asyncio.run(paint(Settings(), order, output, inputs))
    for painted in pictures:
        if as_json:
            say_json(painted.as_json())
        else:
            say(painted.path)
    if not as_json:
        warn(dict.fromkeys(note for each in pictures for note in each.notes))


@app.command()
def recipe(
    file: Annotated[Path, typer.Argument(help="A picture that Easel, A1111, ComfyUI or their kin made.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show the settings a picture was made with, and what of them this Easel cannot use."""
    reading = read_file(file)
    if as_json:
        found = {"tool": reading.tool, "model_hash": reading.model_hash, **reading.values, "unknown": reading.unknown}
        say_json(found, default=dataclasses.asdict)  # a request's parts
        return
    out.print(f"written by {reading.tool}")
    for name, value in reading.values.items():
        out.print(shown(f"{name}: {value}"))
    for each in reading.unknown:
        out.print(shown(f"not used: {each}", style="yellow"))


@app.command()
def samplers() -> None:
    """List the samplers: order, UNet calls per step, whether they add noise, what they are good for."""
    table = Table("name", "order", "calls per step", "stochastic", "good for")
    for sampler in SAMPLERS.values():
        calls = "adaptive" if sampler.adaptive else str(sampler.calls_per_step)
        table.add_row(sampler.name, str(sampler.order), calls, "yes" if sampler.stochastic else "", sampler.good_for)
    out.print(table)


@models.callback(invoke_without_command=True)
def list_models(context: typer.Context) -> None:
    """List the models that are there; `easel models add` adds one."""
    if context.invoked_subcommand is not None:
        return
    settings = Settings()
    entries = Catalog(settings.models_path, settings.model).entries()
    table = Table("name", "kind", "dtype", "size", "native")
    for entry in entries:
        size = f"{entry.size / 2**20:,.0f} MB" if entry.size else "not here yet"
        if entry.problem is None:
            table.add_row(shown(entry.name), shown(entry.kind), shown(entry.dtype), size, f"{entry.native_size} px")
        else:
            table.add_row(shown(entry.name), shown(entry.problem, style="red"), "", size, "")
    out.print(table)
    loras = Extras(settings.models_path).loras()
    if loras:
        listed = Table("LoRA", "trigger words")
        for name, about in loras.items():
            listed.add_row(shown(name), shown(about))
        out.print(listed)


@models.command("add")
def add_model(
    source: Annotated[
        str,
        typer.Argument(help="A .safetensors file, org/name[/FILE][@revision] on a hub, or realesrgan-x4plus[-anime]."),
    ],
) -> None:
    """Add a model: check that it can be painted with, copy or download it, note its SHA-256."""
    from bot.cli import adding  # noqa: PLC0415 - the hub's client is only needed here

    settings = Settings()
    if settings.models_path.is_relative_to(settings.data_dir):  # another folder may be shared with other programs
        _private(settings)
    if source in adding.UPSCALERS:
        say(f"{adding.add_upscaler(source, settings.models_path).name} is there.")
        return
    added = adding.add_model(settings, source)
    for file, digest in added.hashes.items():
        say(f"{file}  SHA-256 {digest}")
    say(f"{added.entry.name} is there ({added.entry.kind}, {added.entry.native_size} px).")


@app.command()
def bench(
    model: Annotated[
        str | None, typer.Option(help="A model's name, or random-sdxl: random weights of true size.")
    ] = None,
    compare: Annotated[str | None, typer.Option(help="`diffusers`: the same work through its pipeline too.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="A file for the figures.")] = None,
    *,
    quick: Annotated[bool, typer.Option("--quick", help="Only what counts, within two minutes.")] = False,
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="Measure how many pictures should share a UNet call, and keep it.")
    ] = False,
) -> None:
    """Measure how fast this machine paints, and how little the bot takes of that."""
    from bot.bench.run import Wishes  # noqa: PLC0415 - discord.py is only needed here
    from bot.bench.run import bench as measure  # noqa: PLC0415

    measure(_private(Settings()), Wishes(model, quick=quick, compare=compare, calibrate=calibrate, json_file=json_file))


@app.command()
def doctor() -> None:
    """Check everything the bot needs; say what to do where something is missing."""
    from bot.cli.doctor import examine  # noqa: PLC0415

    table = Table.grid("", "", Column(overflow="fold"), padding=(0, 2))
    findings = asyncio.run(examine(Settings()))
    for finding in findings:
        mark = "[green]ok[/]" if finding.ok else "[red]not ok[/]"
        table.add_row(mark, finding.what, shown("\n".join(filter(None, (finding.finding, finding.advice)))))
    out.print(table)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(FAILED)


@database.command()
def upgrade(revision: Annotated[str, typer.Argument(help="A revision.")] = "head") -> None:
    """Bring the database to the newest schema, or to a revision."""
    from bot.persistence import database as storage  # noqa: PLC0415

    asyncio.run(storage.upgrade(_private(Settings()).database, revision))
    say("The database is up to date." if revision == "head" else f"The database is at {revision}.")


@database.command()
def downgrade(revision: Annotated[str, typer.Argument(help="A revision; `base` empties the database.")]) -> None:
    """Take the database back to an earlier schema. What that one cannot hold is lost: back up before."""
    from bot.persistence import database as storage  # noqa: PLC0415

    asyncio.run(storage.downgrade(_private(Settings()).database, revision))
    say(f"The database is at {revision}.")


@database.command()
def backup(target: Annotated[Path, typer.Argument(help="The file to write.")]) -> None:
    """Copy the SQLite database, safely while the bot runs."""
    from bot.persistence import database as storage  # noqa: PLC0415

    asyncio.run(storage.backup(_private(Settings()).database, target))
    say(f"Copied to {target}.")


@database.command()
def check() -> None:
    """Look for damage in the database and the picture store."""
    from bot.persistence import upkeep  # noqa: PLC0415
    from bot.persistence.pictures import PictureFolder  # noqa: PLC0415

    settings = _private(Settings())
    problems = asyncio.run(upkeep.check(settings.database, PictureFolder(settings.pictures_path)))
    if problems:
        raise EaselError(" ".join(problems))
    out.print("The database and the picture store are whole.")


def _typed(**texts: str | None) -> dict[str, Any]:
    """Takes in the options that were typed."""
    return {name: take_in(text, name) for name, text in texts.items() if text is not None}


def _private(settings: Settings) -> Settings:
    """Keeps the data folder, and all that is written from now on, to this account."""
    from bot.private_files import keep_private  # noqa: PLC0415 - the database's libraries are only needed here

    keep_private(settings)
    return settings


def main() -> None:
    """Runs the command line; every failure is one line on stderr and exit code 2."""
    harden()
    sys.excepthook = _say_unforeseen
    logging.captureWarnings(capture=True)
    try:
        code = typer.main.get_command(app)(standalone_mode=False)  # Typer's own call would replace the hook
    except (EaselError, GenerationError) as error:
        _end(str(error), FAILED)
    except pydantic.ValidationError as error:
        _end(_first_setting(error), FAILED)
    except TyperException as error:
        _end(" ".join(error.format_message().split()), FAILED)
    except (KeyboardInterrupt, Abort):
        _end("Stopped.", INTERRUPTED)
    sys.exit(code)


def _end(text: str, code: int) -> None:
    if sys.excepthook is sys.__excepthook__ and code == FAILED:
        raise  # noqa: PLE0704 - always called from an except block; --debug asked for the traceback
    warn([f"easel: {text}"])
    sys.exit(code)


def _first_setting(error: pydantic.ValidationError) -> str:
    first = error.errors()[0]
    name = str(first["loc"][0]) if first["loc"] else "a setting"
    variable = name if name.isupper() else f"EASEL_{name.upper()}"
    return f"{variable} is wrong: {first['msg']}."


def _say_unforeseen(kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
    warn([f"easel: something unforeseen happened ({kind.__name__}: {error}); --debug shows where."])
    raise SystemExit(FAILED)
