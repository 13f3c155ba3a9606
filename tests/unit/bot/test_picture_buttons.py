import pytest

from bot.ui.picture_buttons import LOOKS, Press, result_view, rows
from bot.ui.pressing import PictureButton
from bot.ui.reactions import MEANINGS, Meaning, plain


def labels(count: int, number: int | None = None) -> list[list[str]]:
    return [[(LOOKS[press].label or LOOKS[press].emoji or "").format(each) for press, each in row] for row in rows(
        count, number)]  # fmt: skip


def test_under_a_grid_of_four() -> None:
    assert labels(4) == [["U1", "U2", "U3", "U4", "🔄"], ["V1", "V2", "V3", "V4"], ["✏️", "ℹ️", "❌"]]


def test_under_one_picture_only_what_works_on_it() -> None:
    assert labels(1) == labels(4, 2) == [["Vary (Subtle)", "Vary (Strong)", "🔄"], ["✏️", "ℹ️", "❌"]]


@pytest.mark.parametrize("count", range(1, 11))
def test_discord_takes_the_buttons_of_any_number_of_pictures(count: int) -> None:
    laid_out = rows(count, None)

    assert len(laid_out) <= 5
    assert all(1 <= len(row) <= 5 for row in laid_out)
    if count > 1:
        assert {each for row in laid_out for press, each in row if press is Press.PICK} == set(range(1, count + 1))


def test_every_id_is_known_by_its_pattern() -> None:
    pattern = PictureButton.__discord_ui_compiled_template__
    ids = [str(getattr(item, "custom_id", "")) for item in result_view("0123456789", 10).children]

    assert len(set(ids)) == len(ids) == 24
    assert all(pattern.fullmatch(each) for each in ids)
    assert pattern.fullmatch("easel:cancel:0123456789") is None


@pytest.mark.parametrize("emoji", [*MEANINGS, "🗑️", "✉️", "⭐️"])
def test_an_emoji_means_the_same_with_and_without_its_selector(emoji: str) -> None:
    assert MEANINGS[plain(emoji)] in Meaning
