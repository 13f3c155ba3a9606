"""A picture's whole recipe in words, with the line that paints it again."""

from bot.services.access import VisibleJob
from bot.services.ports import Upload
from bot.services.requests.flags import command_line
from bot.ui.discord.escape import escape
from bot.ui.jobs import text
from generation import GenerationRequest

LONGEST_LINE = 1200  # a longer one comes as a file
NEEDS_PICTURES = "It began from a picture: give that with the line as `image:`, or use the buttons under the result."
_LONGEST_PROMPT = 280


def recipe_card(job: VisibleJob, number: int | None, command: str) -> tuple[str, list[Upload]]:
    """Describes a job, or one of its pictures, so that it can be painted again by copying one line.

    Args:
        job: The job.
        number: Which picture, counted from 1; None for all of them.
        command: What /imagine is called here.

    Returns:
        The text, and a file with what is too long for it.
    """
    request = job.request if number is None else job.request.picture(number - 1)
    line = command_line(request, command)
    said = [text.lineage(job), NEEDS_PICTURES if request.inputs else None, *map(_shortened, job.notes)]
    parts = [_heading(job, number), *_described(request), *(f"-# {each}" for each in said if each)]
    if len(line) <= LONGEST_LINE and "```" not in line:
        return "\n".join([*parts, f"```\n{line}\n```"])[: text.CONTENT_LIMIT], []
    parts.append("The line that paints this again is in recipe.txt.")
    return "\n".join(parts)[: text.CONTENT_LIMIT], [Upload("recipe.txt", f"{line}\n".encode())]


def _heading(job: VisibleJob, number: int | None) -> str:
    count = len(job.pictures)
    which = "" if number is None or count < 2 else f", picture {number} of {count}"
    made = f"<t:{round(job.created_at.timestamp())}:f>, {job.seconds:.1f} s"
    return f"**Recipe** of `{job.id}`{which}, asked for by <@{job.origin.user_id}> {made}"


def _shortened(note: str) -> str:
    return escape(note, 200)


def _described(request: GenerationRequest) -> list[str]:
    negative = [f"Negative: {escape(request.negative_prompt, _LONGEST_PROMPT)}"] if request.negative_prompt else []
    return [f"Prompt: {escape(request.prompt, _LONGEST_PROMPT)}", *negative, text.recipe_line(request)]
