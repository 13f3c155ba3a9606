"""Histories in words."""

from collections.abc import Mapping, Sequence
from typing import Any

import discord
from discord import app_commands

from bot.domain import Entry, Job, Search
from bot.services.access import VisibleJob
from bot.services.images.originals import removal
from bot.services.people.family import Member
from bot.services.people.history import Page
from bot.services.requests.flags import changes
from bot.ui.discord.escape import escape, plain
from bot.ui.jobs.text import ACTIONS, CONTENT_LIMIT

_LABEL_LIMIT = 100  # Discord's, of one choice
_NOTHING = "Nothing was found. /history without anything shows all that was painted for you and is remembered."


def history_page(page: Page, search: Search) -> str:
    """Lists a page of a history."""
    if not page.entries:
        return _NOTHING
    heading = f"## Your pictures{_filtered(search)}"
    return "\n".join([heading, *map(_entry, page.entries)])[:CONTENT_LIMIT]


def differences(first: VisibleJob, second: VisibleJob, changed: Mapping[str, tuple[Any, Any]]) -> str:
    """Says what differs between two jobs."""
    if not changed:
        return f"`{first.id}` and `{second.id}` were painted with the same settings."
    lines = [f"From `{first.id}` to `{second.id}`:"]
    lines += [f"{name} **{_shown(old)}** → **{_shown(new)}**" for name, (old, new) in changed.items()]
    return "\n".join(lines)[:CONTENT_LIMIT]


def family(members: Sequence[Member], wanted: str) -> str:
    """Lists a job's family, each with what was done to make it and what changed."""
    lines = ["## The family of this picture", *(_member(number, members, wanted) for number in range(len(members)))]
    return "\n".join(lines)[:CONTENT_LIMIT]


def _member(number: int, members: Sequence[Member], wanted: str) -> str:
    member = members[number]
    indent = "\u2003" * member.depth
    here = " **← this one**" if member.job.id == wanted else ""
    return f"{indent}{number + 1}. `{member.job.id}` {_made(member, members)}{here}"


def _made(member: Member, members: Sequence[Member]) -> str:
    derived = member.job.derived
    if derived is None:
        return escape(member.job.request.prompt, 80)
    action = ACTIONS[derived.action]
    of = f" of #{derived.parent_index}" if derived.parent_index else ""
    if member.parent is None:
        return f"{action}{of}"
    changed = changes(members[member.parent].job.request, member.job.request)
    told = ", ".join(f"{name} {_shown(new, 60)}" for name, (_, new) in changed.items())
    return f"{action}{of}: {told}"


def _entry(entry: Entry) -> str:
    job = entry.job
    star = "⭐ " if entry.starred else ""
    count = f" ({len(job.pictures)})" if len(job.pictures) > 1 else ""
    when = f"<t:{round(job.created_at.timestamp())}:R>"
    removed = f" · {gone[0].lower()}{gone[1:-1]}" if (gone := removal(job)) else ""
    prompt, model = escape(job.request.prompt, 90), escape(job.request.model, 30)
    return f"{star}`{job.id}` {prompt}{count} · {model} · {when}{removed}{_link(job)}"


def _link(job: Job) -> str:
    """Returns a link to where a job was posted, where there is one."""
    if job.wishes.direct or job.origin.guild_id is None:
        return ""
    origin = job.origin
    return f" · [message](https://discord.com/channels/{origin.guild_id}/{origin.channel_id}/{origin.message_id})"


def _filtered(search: Search) -> str:
    parts = [
        *([f"with {' '.join(search.words)}"] if search.words else []),
        *([f"by {search.model}"] if search.model else []),
        *([f"since {search.since:%Y-%m-%d}"] if search.since else []),
        *([f"before {search.until:%Y-%m-%d}"] if search.until else []),
        *(["starred"] if search.starred else []),
    ]
    return f" ({escape(', '.join(parts), 200)})" if parts else ""


def _shown(value: object, limit: int = 300) -> str:
    if value == "":
        return "nothing"
    return f"{value:g}" if isinstance(value, float) else escape(str(value), limit)


def choice_label(entry: Entry) -> discord.SelectOption:
    """Offers an entry in a select."""
    label = plain(entry.job.request.prompt, _LABEL_LIMIT) or entry.job.id
    return discord.SelectOption(label=label, value=entry.job.id, description=entry.job.id)


def job_choice(entry: Entry) -> app_commands.Choice[str]:
    """Offers an entry while a person types."""
    name = f"{entry.job.id} {plain(entry.job.request.prompt)}"
    return app_commands.Choice(name=name[:_LABEL_LIMIT], value=entry.job.id)
