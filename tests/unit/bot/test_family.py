import io
from collections.abc import Callable
from dataclasses import replace

import pytest
from PIL import Image, UnidentifiedImageError

from bot.domain import Action, Derivation, Job
from bot.services.access import VisibleJob
from bot.services.images.fit_upload import _encoded
from bot.services.images.grid import grid
from bot.services.people.family import THUMBNAIL, arranged, sheet, small
from bot.services.ports import Upload
from tests.fakes import png
from tests.unit.bot.jobs import job


def child(parent: Job, **changes: object) -> VisibleJob:
    derived = Derivation(parent_job=parent.id, parent_index=1, action=Action.REROLL)
    return VisibleJob(replace(job(**changes), derived=derived))  # type: ignore[arg-type]


def test_every_job_stands_before_what_was_made_of_it() -> None:
    first = VisibleJob(job(prompt="first"))
    left, right = child(first), child(first)
    deep = child(left)

    members = arranged([first, left, right, deep])

    assert [(member.job.id, member.depth, member.parent) for member in members] == [
        (first.id, 0, None), (left.id, 1, 0), (deep.id, 2, 1), (right.id, 1, 0)
    ]  # fmt: skip


def test_a_job_whose_parent_may_not_be_seen_begins_a_tree() -> None:
    orphan = child(job())
    other = VisibleJob(job())

    assert [(member.job.id, member.depth) for member in arranged([orphan, other])] == [(orphan.id, 0), (other.id, 0)]


def test_a_sheet_has_a_thumbnail_for_each_and_an_empty_place_where_a_file_is_gone() -> None:
    first = VisibleJob(job())
    members = arranged([first, child(first)])

    drawn = Image.open(io.BytesIO(sheet(members, [small(png(300, 200, (255, 0, 0))), None])))

    assert drawn.size == (12 * 2 + 56 + THUMBNAIL, 12 + 2 * (THUMBNAIL + 12))
    assert drawn.getpixel((12 + 60, 12 + 60)) == (255, 0, 0)
    assert drawn.getpixel((12 + 56 + 60, 12 + THUMBNAIL + 12 + 60)) == (43, 45, 49)


@pytest.mark.parametrize(
    "read", [small, lambda data: grid([data] * 2), lambda data: _encoded(Upload("a.png", data), "jpg")]
)
def test_files_of_the_engine_are_opened_as_what_it_paints_alone(read: Callable[[bytes], object]) -> None:
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "PPM")

    with pytest.raises(UnidentifiedImageError):
        read(file.getvalue())
