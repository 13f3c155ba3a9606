from dataclasses import replace

import pytest

from bot.domain import Picture
from bot.services.actions.tools import Tool
from bot.ui.jobs.picture_buttons import LOOKS, Press, Shown, result_view, rows
from bot.ui.results.pressing import PictureButton
from bot.ui.results.reactions import MEANINGS, Meaning, plain
from tests.unit.bot.jobs import job

PICTURE = Picture(digest="a" * 64, media_type="image/png", size=1, seed=1)


def labels(shown: Shown) -> list[list[str]]:
    return [
        [(LOOKS[press].label or LOOKS[press].emoji or "").format(each) for press, each in row] for row in rows(shown)
    ]


def test_under_a_grid_of_four() -> None:
    assert labels(Shown(4)) == [["U1", "U2", "U3", "U4", "🔄"], ["V1", "V2", "V3", "V4"], ["✏️", "ℹ️", "❌"]]


def test_under_one_picture_only_what_works_on_it() -> None:
    assert labels(Shown(1)) == [["Vary (Subtle)", "Vary (Strong)"], ["🔄", "✏️", "ℹ️", "❌"]]
    assert labels(Shown(1, chance=False)) == [["Vary (Subtle)", "Vary (Strong)"], ["✏️", "ℹ️", "❌"]]
    assert labels(Shown(4, 2, tools=list(Tool))) == [
        ["Upscale (2x)", "Upscale (4x)", "Vary (Subtle)", "Vary (Strong)", "Vary (Region)"],
        ["Zoom Out 1.5x", "Zoom Out 2x", "Custom Zoom", "Make Square"],
        ["⬅️", "➡️", "⬆️", "⬇️"],
        ["🔄", "✏️", "ℹ️", "❌"],
    ]


@pytest.mark.parametrize("count", range(1, 11))
def test_discord_takes_the_buttons_of_any_number_of_pictures(count: int) -> None:
    laid_out = rows(Shown(count))

    assert len(laid_out) <= 5
    assert all(1 <= len(row) <= 5 for row in laid_out)
    if count > 1:
        assert {each for row in laid_out for press, each in row if press is Press.PICK} == set(range(1, count + 1))


def test_every_id_is_known_by_its_pattern() -> None:
    pattern = PictureButton.__discord_ui_compiled_template__
    ten = replace(job(), id="0123456789", pictures=(PICTURE,) * 10)
    views = result_view(ten), result_view(ten, 10, list(Tool))
    ids = [str(getattr(item, "custom_id", "")) for view in views for item in view.children]

    assert len(set(ids)) == len(ids) == 24 + 17
    assert all(pattern.fullmatch(each) for each in ids)
    assert pattern.fullmatch("easel:cancel:0123456789") is None


@pytest.mark.parametrize("emoji", [*MEANINGS, "🗑️", "✉️", "⭐️"])
def test_an_emoji_means_the_same_with_and_without_its_selector(emoji: str) -> None:
    assert MEANINGS[plain(emoji)] in Meaning
