"""Presets in words."""

from collections.abc import Sequence

from bot.domain import Owner, Preset, Scope
from bot.services.people.presets import BUILT_IN
from bot.services.requests.layers import PROMPT
from bot.ui.discord.escape import escape
from bot.ui.jobs.text import CONTENT_LIMIT
from generation.request import presets


def listed(mine: Sequence[Preset], server: Sequence[Preset], default: str | None) -> str:
    """Lists the presets that a person can name."""
    lines = ["## Presets you can name"]
    lines += _section("Yours", [_named(preset, default) for preset in mine], "none yet; /preset save makes one")
    lines += _section("This server's", [_named(preset, default) for preset in server], "none")
    builtin = [f"`{preset.name}` · {preset.suits}" for preset in presets.presets().values()]
    lines += _section("Built in, from the models' cards", builtin, "none")
    lines.append("-# Name one with `preset:`, or with `--name` anywhere in a prompt.")
    return "\n".join(lines)[:CONTENT_LIMIT]


def described(preset: Preset) -> str:
    """Shows what a preset sets."""
    lines = [f"## `{preset.name}`", f"-# {_whose(preset.owner)}"]
    lines += [f"{name} **{escape(_text(value), 400)}**" for name, value in preset.values.items() if name != PROMPT]
    if PROMPT in preset.values:
        lines.append(f"prompt **{escape(preset.values[PROMPT], 600)}**")
    return "\n".join(lines)[:CONTENT_LIMIT]


def _section(heading: str, lines: Sequence[str], empty: str) -> list[str]:
    return [f"**{heading}**", *(lines or [f"-# {empty}"])]


def _named(preset: Preset, default: str | None) -> str:
    values = " · ".join(f"{name} {escape(_text(value), 40)}" for name, value in preset.values.items())
    return f"`{preset.name}`{' (default)' if preset.name == default else ''} · {values}"[:200]


def _whose(owner: Owner) -> str:
    if owner == BUILT_IN:
        return "built in; it can be used and copied, not changed"
    return "yours" if owner.scope is Scope.PERSON else "this server's"


def _text(value: object) -> str:
    if value == "":
        return "nothing"
    return f"{value:g}" if isinstance(value, float) else str(value)
