"""What people read: messages about a job, escaped and shortened so that Discord takes them."""

from collections.abc import Sequence
from datetime import datetime

from bot.domain import Action, Job, Usage
from bot.services.access import VisibleJob
from bot.services.people.overview import Overview, Standing
from bot.ui.discord.escape import escape
from generation import GenerationRequest, Progress, Stage
from generation.typed_text import TypedText

CONTENT_LIMIT = 2000
MOST_LISTED = 10
ACTIONS = {
    Action.REROLL: "re-roll",
    Action.VARY_SUBTLE: "subtle variation",
    Action.VARY_STRONG: "strong variation",
    Action.EDIT: "changed",
    Action.INPUT: "made",
    Action.UPSCALE: "upscaled",
    Action.ZOOM_OUT: "zoomed out",
    Action.MAKE_SQUARE: "made square",
    Action.PAN: "panned",
    Action.VARY_REGION: "a region painted anew",
}


def waiting(job: Job, place: int, ready: datetime, *, resumed: bool = False) -> str:
    """Says how many jobs are in front of one, and counts down to its end."""
    state = f"waiting, {place} in front" if place else "starting"
    if resumed:
        state = f"resumed, {state}"
    return f"{_title(job)} ({state}) {_countdown(ready)}"


def running(job: Job, progress: Progress, ready: datetime) -> str:
    """Says how far a job has come, and counts down to its end."""
    if progress.stage is Stage.LOADING:
        return f"{_title(job)} (loading {escape(job.request.model, 100)})"
    return f"{_title(job)} ({progress.fraction:.0%}) {_countdown(ready)}"


def finished(job: Job, notes: Sequence[str]) -> str:
    """Names the picture's recipe under it."""
    lines = [_title(job), f"-# ℹ️ {recipe_line(job.request)} · {job.seconds:.1f} s", *(f"-# {note}" for note in notes)]
    return "\n".join(lines)


def kept(job: Job) -> str:
    """Says that a job outlives the bot's restart."""
    return f"{_title(job)} (restarting, your job is kept)"


def picked(job: VisibleJob, number: int, person: int, notes: Sequence[str] = ()) -> str:
    """Names the recipe of one picture that was taken out of a job, and who took it."""
    title = f"**{escape(job.request.prompt)}** - Image #{number} <@{person}>"
    recipe = recipe_line(job.request.picture(number - 1))
    return "\n".join([title, f"-# ℹ️ {recipe}", *(f"-# {note}" for note in notes)])


def begun(job: Job) -> str:
    """Says that a job is about to begin."""
    return f"**{escape(job.request.prompt)}** - <@{job.origin.user_id}> (starting)"


def many(prompt: TypedText | str, person: int, count: int, where: str = "") -> str:
    """Stands above the jobs that one prompt's choices make."""
    return f"**{escape(prompt)}** - <@{person}> ({count} jobs{where})"


def starred(job: VisibleJob, message_id: int, count: int) -> str:
    """Stands under a copy in the gallery: the stars, whose picture it is, and where it came from."""
    origin = job.origin
    place = f"https://discord.com/channels/{origin.guild_id}/{origin.channel_id}/{message_id}"
    return f"⭐ {count} · **{escape(job.request.prompt)}** - <@{origin.user_id}>\n-# {place}"


def sent_by_letter(job: Job) -> str:
    """Says where a result is, and nothing of what it shows."""
    return f"<@{job.origin.user_id}>: it is in your direct messages."


def secret(job: Job) -> str:
    """Stands in a public message for a job whose result goes to its author alone."""
    return f"<@{job.origin.user_id}>: working on it; the result comes by direct message."


def cancelled(job: Job) -> str:
    """Says that a job was withdrawn."""
    return f"{_title(job)} (cancelled)"


def queue_overview(overview: Overview) -> str:
    """Lists a person's jobs, and counts everybody's."""
    lines = [_standing(number, standing) for number, standing in enumerate(overview.mine[:MOST_LISTED], 1)]
    if len(overview.mine) > MOST_LISTED:
        lines.append(f"and {len(overview.mine) - MOST_LISTED} more")
    if not lines:
        lines = ["You have no job waiting or being painted."]
    lines.append(f"-# {everybody(overview)}")
    return "\n".join(lines)


def everybody(overview: Overview) -> str:
    """Says in one line how busy the bot is."""
    if not overview.waiting and not overview.running:
        return "Nobody else is waiting."
    painted = f"{_count(overview.running, 'job')} being painted, {overview.waiting} waiting"
    return f"In all: {painted}; everything done {_countdown(overview.free)}"


def cancelling(cancelled: Sequence[Job], refused: Sequence[str]) -> str:
    """Says what was cancelled, and what was not and why."""
    lines = [f"Cancelled: {escape(job.request.prompt, 100)}" for job in cancelled[:MOST_LISTED]]
    if len(cancelled) > MOST_LISTED:
        lines.append(f"and {len(cancelled) - MOST_LISTED} more")
    return "\n".join([*lines, *dict.fromkeys(refused)])[:CONTENT_LIMIT]


def usage(used: Usage, overview: Overview) -> str:
    """Sums up what a person has had painted, and has waiting."""
    running = sum(standing.fraction is not None for standing in overview.mine)
    return "\n".join(
        [
            f"Painted for you: {_count(used.jobs, 'job')}, {_count(used.pictures, 'picture')}, "
            f"{used.device_seconds:,.0f} seconds of the device.",
            f"Being painted: {running}. Waiting: {len(overview.mine) - running}.",
            f"-# {everybody(overview)}",
        ]
    )


def lineage(job: Job) -> str | None:
    """Says what a job was made of and how; None for one that was asked for in words."""
    derived = job.derived
    if derived is None:
        return None
    which = f"picture {derived.parent_index} of " if derived.parent_index else ""
    return f"Made of {which}`{derived.parent_job}`: {ACTIONS[derived.action]}"


def recipe_line(request: GenerationRequest) -> str:
    """Writes what one needs to paint the same again in one line."""
    last = request.picture(request.count - 1).seed
    parts = [
        f"seed {request.seed}" if request.seed == last else f"seeds {request.seed} to {last}",
        f"{request.width}x{request.height}",
        f"{request.steps} steps",
        f"cfg {request.guidance_scale:g}",
        f"{request.sampler} {request.scheduler}",
        escape(request.model, 100),
        *(f"lora {escape(lora.name, 60)}:{lora.strength:g}" for lora in request.loras),
        *_beginning(request),
        *_second_pass(request),
        *_unusual(request),
    ]
    return " · ".join(parts)


def _beginning(request: GenerationRequest) -> list[str]:
    """Names what a picture was begun from."""
    if request.init is None:
        return []
    edges = request.outpaint
    said = [f"from an image, strength {request.init.strength:g}"]
    if request.mask is not None:
        said.append(f"inpainted ({request.mask.area}, feather {request.mask.feather})")
    if edges is not None:
        sides = (("left", edges.left), ("up", edges.top), ("right", edges.right), ("down", edges.bottom))
        said.append("outpainted " + " ".join(f"{side} {pixels}" for side, pixels in sides if pixels))
    return said


def _second_pass(request: GenerationRequest) -> list[str]:
    """Names what the picture was made larger with."""
    hires = request.hires
    if hires is None:
        return []
    name = "upscale" if hires.tile else "hires"
    how = f", strength {hires.strength:g}, {hires.steps} steps" if hires.strength else " alone"
    width, height = request.size
    return [f"{name} {hires.scale:g} to {width}x{height} ({hires.method}{how})"]


def _unusual(request: GenerationRequest) -> list[str]:
    """Names what differs from the way pictures are usually painted, by the names one types."""
    varied = request.subseed_strength > 0
    values = {
        "vae": (escape(request.vae, 100), ""),
        "clip_skip": (request.clip_skip, 2),
        "subseed": (request.subseed if varied else 0, 0),
        "subseed_strength": (request.subseed_strength, 0),
        "rescale": (request.guidance_rescale, 0),
        "cfg_start": (request.guidance_start, 0),
        "cfg_end": (request.guidance_end, 1),
        "weights": (request.weights, "comfyui"),
        "noise": (request.noise, "easel"),
        "prediction": (request.prediction, "checkpoint"),
    }
    return [f"{name} {value}" for name, (value, usual) in values.items() if value != usual]


def _title(job: Job) -> str:
    return f"**{escape(job.request.prompt)}** - <@{job.origin.user_id}>"


def _countdown(ready: datetime) -> str:
    return f"<t:{round(ready.timestamp())}:R>"


def _standing(number: int, standing: Standing) -> str:
    state = "starting" if not standing.place else f"{standing.place} in front"
    if standing.fraction is not None:
        state = f"{standing.fraction:.0%}"
    prompt = escape(standing.job.request.prompt, 80)
    return f"{number}. {prompt} ({state}) {_countdown(standing.ready)} `{standing.job.id}`"


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"
