import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.ui.discord.escape import escape, plain
from tests.discord_markdown import live, shown

LIVE = [
    "**bold** *it* __under__ _it_ ~~no~~ ||spoiler|| `code` ```fence```",
    "[here](https://evil.example)",
    "[x](y) **b** ||s|| end)",
    "[**](x) - ... (cancelled) **[x](y)",
    "https://example.com/x.png <https://example.com> HTTP://A.B steam://run discord://x",
    "www.example.com",
    "join discord.gg/abc or discord.com/invite/abc or discordapp.com/invite/abc",
    "dis\u200bcord.gg/abc",
    "@everyone @here",
    "<@123456789012345678> <@!12> <@&12> <#12> <t:1700000000:R> </queue:12> <:fox:12> <a:fox:12> <id:customize>",
    "look :skull: here",
    "# heading",
    "-# small",
    "> quote",
    ">>> quote",
    "- list",
    "1. list",
    "* list",
    r"\*not\* \[not](https://a.b) \\*so*",
    "ends with a backslash \\",
]


@pytest.mark.parametrize("typed", LIVE)
def test_nothing_typed_is_live(typed: str) -> None:
    assert live(typed) or "\\" in typed or "\u200b" in typed

    assert live(escape(typed)) == []
    assert live(f"**{escape(typed)}** - <@1> (35%)") == ["bold", "mention"]


@given(
    st.lists(st.sampled_from([*"*_~`|[]()<>:@#-.\\/ \n\u200b\u200dab1", "discord", "gg", "www", "https"])).map("".join)
)
def test_whatever_is_typed_is_shown_as_text(typed: str) -> None:
    escaped = escape(typed)

    assert live(escaped) == []
    assert shown(escaped).replace("\u200b", "") == plain(typed)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("a cat, 8k (detailed:1.2)", r"a cat, 8k (detailed\:1.2)"),
        ("well-lit, v1.5, 1.0", r"well-lit, v1.5, 1.0"),
        ("two\nlines\r\n\u2028here", "two lines here"),
        ("a cat\n# heading", r"a cat \# heading"),
        ("#\ufe0f\u20e3 and 1\ufe0f\u20e3", "#\ufe0f\u20e3 and 1\ufe0f\u20e3"),
    ],
)
def test_ordinary_words_stay_readable(typed: str, expected: str) -> None:
    assert escape(typed) == expected


@pytest.mark.parametrize(
    "kept",
    [
        "\U0001f468\u200d\U0001f469\u200d\U0001f467",  # a family, joined
        "\u2764\ufe0f\u200d\U0001f525",  # a heart on fire
        "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",  # England's flag, of tags
        "\u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian with a non-joiner
        "\u0915\u094d\u200d\u0937",  # Hindi with a joiner
        "\u0600\u0661",  # an Arabic number sign
    ],
)
def test_emoji_and_scripts_keep_what_they_are_made_of(kept: str) -> None:
    assert plain(kept) == kept


@pytest.mark.parametrize(
    "dropped",
    ["\u202e", "\u2066", "\u200b", "\u200e", "\u00ad", "\ufeff", "\u2060", "\U000e0041", "\x00", "\x1b", "\ud800"],
)
def test_invisible_characters_are_dropped(dropped: str) -> None:
    assert plain(f"a{dropped}b") == "ab"


def test_a_joiner_that_joins_nothing_is_dropped() -> None:
    assert plain("dis\u200dcord \u200d\u200dx") == "discord x"


def test_right_to_left_text_is_kept_apart_from_what_follows() -> None:
    escaped = escape("\u05e9\u05dc\u05d5\u05dd")

    assert escaped == "\u2068\u05e9\u05dc\u05d5\u05dd\u2069"
    assert unicodedata.bidirectional(escaped[0]) == "FSI"


@pytest.mark.parametrize(
    "typed", ["x" * 6000, "*" * 6000, "\\" * 6000, "@" * 6000, "\u05d0" * 6000, "a" + " " * 5998 + "b"]
)
@pytest.mark.parametrize("limit", [30, 100, 1500])
def test_what_is_shown_is_never_longer_than_its_limit(typed: str, limit: int) -> None:
    escaped = escape(typed, limit)

    assert len(escaped) <= limit
    assert live(f"**{escaped}** - <@1>") == ["bold", "mention"]


def test_a_text_that_was_cut_ends_with_an_ellipsis() -> None:
    assert escape("a red fox", 6) == "a red…"
    assert escape("\\\\\\", 5) == "\\\\\\\\…"
