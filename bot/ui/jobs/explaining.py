"""An explanation in words: what would be painted, where each value came from, what it costs."""

from collections.abc import Mapping

from bot.domain import InputFile, Order
from bot.services.jobs.explain import Explanation
from bot.services.requests.layers import SIZE, Chosen, Source
from bot.ui.discord.escape import escape
from bot.ui.jobs.text import CONTENT_LIMIT
from generation import GenerationRequest

_LEFT_OUT = {"prompt", "preset", *SIZE}
_LONGEST = 120


def explanation(explained: Explanation, others: int = 0) -> str:
    """Writes an explanation of one order, and says of how many others its prompt has choices; it fits one message."""
    request = explained.resolved.request
    lines = [f"**{escape(request.prompt, 500)}**", *_values(request, explained.resolved.chosen)]
    lines += [f"-# {count.encoder}: {count.used} tokens, {_rows(count.rows)}" for count in explained.tokens]
    lines.append(f"-# about {explained.seconds:,.1f} seconds of the device")
    if others:
        lines.append(f"-# This is the first of {others + 1} jobs that the choices in the prompt make.")
    refused = f"**It would be refused now:** {explained.refusal}"
    lines.append("It would be accepted now; nothing was queued." if explained.refusal is None else refused)
    return "\n".join(lines)[:CONTENT_LIMIT]


def _values(request: GenerationRequest, sources: Mapping[str, Chosen]) -> list[str]:
    size = next((sources[name] for name in SIZE if name in sources), Chosen(None, Source.MODEL))
    asked = f" for {sources['aspect'].value}" if "aspect" in sources else ""
    lines = [_line("size", f"{request.width}x{request.height}{asked}", size)]
    for name in Order.__slots__:
        if name in sources and name not in _LEFT_OUT and sources[name].value != "":
            value = request.model if name == "model" else sources[name].value
            lines.append(_line(name, "attached" if isinstance(value, InputFile) else value, sources[name]))
    return lines


def _line(name: str, value: object, source: Chosen) -> str:
    shown = f"{value:g}" if isinstance(value, float) else escape(str(value), _LONGEST)
    return f"{name} **{shown}** · {escape(str(source))}"


def _rows(rows: int) -> str:
    return "1 row of 75" if rows == 1 else f"{rows} rows of 75"
