"""A job's family: what it was made of, and what was made of it, as a tree and as a picture of one. Pure."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from bot.services.access import VisibleJob
from bot.services.images.grid import PAINTED

THUMBNAIL, _INDENT, _GAP = 96, 56, 12
_DARK, _LINE, _BRIGHT = (43, 45, 49), (110, 113, 120), (242, 243, 245)
_DEEPEST = 10  # further descendants are not indented any more


@dataclass(frozen=True, slots=True)
class Member:
    """A job in its family.

    Attributes:
        job: The job.
        depth: How many generations it stands below the first.
        parent: The place of the job it was made of in the list; None for the first ones.
    """

    job: VisibleJob
    depth: int
    parent: int | None


def arranged(jobs: Sequence[VisibleJob]) -> list[Member]:
    """Puts jobs in the order of a tree: every job before what was made of it, brothers in their order.

    A job whose parent is not among them begins a tree of its own.
    """
    known = {job.id for job in jobs}
    children: dict[str | None, list[VisibleJob]] = {}
    for job in jobs:
        parent = job.derived.parent_job if job.derived and job.derived.parent_job in known else None
        children.setdefault(parent, []).append(job)
    members: list[Member] = []

    def walk(parent: str | None, depth: int, place: int | None) -> None:
        for job in children.get(parent, ()):
            members.append(Member(job, depth, place))
            walk(job.id, depth + 1, len(members) - 1)

    walk(None, 0, None)
    return members


def sheet(members: Sequence[Member], thumbnails: Sequence[Image.Image | None]) -> bytes:
    """Draws a family: one thumbnail under the other, numbered, each with a line from what it was made of.

    Args:
        members: As `arranged` returns them.
        thumbnails: A small picture for each; None leaves its place empty.

    Returns:
        A PNG file.
    """
    depth = max(min(member.depth, _DEEPEST) for member in members)
    size = (_GAP * 2 + depth * _INDENT + THUMBNAIL, _GAP + len(members) * (THUMBNAIL + _GAP))
    whole = Image.new("RGB", size, _DARK)
    draw = ImageDraw.Draw(whole)
    corners = list(_corners(members))
    for member, (left, top) in zip(members, corners, strict=True):
        if member.parent is not None:
            start = corners[member.parent][0] + _INDENT // 4, corners[member.parent][1] + THUMBNAIL
            middle = top + THUMBNAIL // 2
            draw.line([start, (start[0], middle), (left, middle)], fill=_LINE, width=2)
    for number, ((left, top), picture) in enumerate(zip(corners, thumbnails, strict=True), 1):
        if picture is not None:
            whole.paste(picture, (left, top))
        draw.rectangle((left, top, left + THUMBNAIL - 1, top + THUMBNAIL - 1), outline=_LINE)
        draw.rectangle((left, top, left + 26, top + 20), fill=_DARK)
        draw.text((left + 13, top + 10), str(number), fill=_BRIGHT, font=ImageFont.load_default(14), anchor="mm")
    file = io.BytesIO()
    whole.save(file, "PNG")
    return file.getvalue()


def _corners(members: Sequence[Member]) -> Iterator[tuple[int, int]]:
    for row, member in enumerate(members):
        yield _GAP + min(member.depth, _DEEPEST) * _INDENT, _GAP + row * (THUMBNAIL + _GAP)


def small(data: bytes) -> Image.Image:
    """Cuts the middle square out of a picture file and shrinks it to a thumbnail."""
    picture = Image.open(io.BytesIO(data), formats=PAINTED).convert("RGB")
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    return picture.crop((left, top, left + side, top + side)).resize((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS)
