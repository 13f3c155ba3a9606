import re
from dataclasses import replace
from typing import Any

import pytest

from bot.errors import LimitError
from bot.services.access import VisibleJob
from bot.ui.discord.form_fields import IMAGE, STRENGTH, Sent
from bot.ui.results.edit_form import FLAGS, FORM_ID, NEGATIVE, PROMPT, edit_form, edited
from bot.ui.results.recipe_card import recipe_card
from generation import Init, InvalidRequestError, Mask
from generation.typed_text import TypedText
from tests.unit.bot.jobs import job


def fields(form: Any) -> dict[str, TypedText]:
    """Returns what is filled into a form, by field."""
    inside = [label["component"] for label in form.to_dict()["components"]]
    return {field["custom_id"]: TypedText(field.get("value", "")) for field in inside}


def test_the_form_is_filled_in_with_what_the_picture_was_made_by() -> None:
    wanted = job(negative_prompt="text", count=2)

    form = edit_form(VisibleJob(wanted), 2, keeps_input=True)

    filled = fields(form)
    assert (filled[PROMPT], filled[NEGATIVE]) == ("a cat", "text")
    assert filled[FLAGS].startswith("--steps 4 --cfg 7 --seed 8 --count 1")
    match = FORM_ID.fullmatch(form.custom_id)
    assert match is not None
    assert (match["job"], match["number"]) == (wanted.id, "2")


def test_what_comes_back_unchanged_orders_the_same() -> None:
    wanted = job(negative_prompt="text", clip_skip=1)

    order = edited(Sent(fields(edit_form(VisibleJob(wanted), None, keeps_input=True))))

    asked = wanted.request
    assert (order.prompt, order.negative, order.model) == (asked.prompt, asked.negative_prompt, asked.model)
    assert (order.steps, order.cfg, order.seed, order.clip_skip) == (4, asked.guidance_scale, 7, 1)
    assert (order.width, order.height) == (asked.width, asked.height)


def test_an_aspect_takes_the_place_of_the_size_that_stood_there() -> None:
    order = edited(Sent({PROMPT: TypedText("a cat"), FLAGS: TypedText("--width 1024 --height 1024 --ar 3:2")}))

    assert (order.aspect, order.width, order.height) == ("3:2", None, None)


def test_an_emptied_negative_prompt_is_none_at_all() -> None:
    assert edited(Sent({PROMPT: TypedText("a cat"), NEGATIVE: TypedText(""), FLAGS: TypedText("")})).negative == ""


def test_words_among_the_settings_are_refused() -> None:
    with pytest.raises(InvalidRequestError, match=r"hold words that are none: 'steps 30'.*`--steps 30`"):
        edited(Sent({PROMPT: TypedText("a cat"), FLAGS: TypedText("steps 30")}))


def test_a_prompt_too_long_for_a_form_is_told() -> None:
    with pytest.raises(LimitError, match="more than Discord's form takes"):
        edit_form(VisibleJob(job(prompt="long " * 1000)), None, keeps_input=True)


def test_the_five_fields_come_in_their_order_and_the_strength_is_that_of_the_picture() -> None:
    init = Init(picture="ab" * 32, strength=0.35)

    plain, begun = (fields(edit_form(VisibleJob(job(init=each)), None, keeps_input=True)) for each in (None, init))

    assert list(plain) == list(begun) == [PROMPT, NEGATIVE, FLAGS, IMAGE, STRENGTH]
    assert (plain[STRENGTH], begun[STRENGTH]) == ("", "0.35")
    assert "--strength" not in begun[FLAGS]
    assert edited(Sent(begun)).strength == 0.35


@pytest.mark.parametrize(
    ("typed", "flags", "refused"),
    [
        ("much", "", "strength takes a number from 0 to 1, such as 0.6, not 'much'."),
        (
            "0.5",
            "--strength 0.7",
            "strength is given twice: 0.5 in its field and 0.7 as a flag. Leave one of them out.",
        ),
    ],
)
def test_a_strength_that_says_nothing_clear_is_refused(typed: TypedText, flags: TypedText, refused: str) -> None:
    with pytest.raises(InvalidRequestError, match=re.escape(refused)):
        edited(Sent({PROMPT: TypedText("a cat"), FLAGS: flags, STRENGTH: typed}))


def test_a_strength_may_be_a_flag_too() -> None:
    assert edited(Sent({PROMPT: TypedText("a cat"), FLAGS: TypedText("--strength 0.7")})).strength == 0.7


def test_a_recipe_has_the_line_that_paints_one_picture_again() -> None:
    wanted = job(count=2, negative_prompt="text")

    text, files = recipe_card(VisibleJob(replace(wanted, notes=("saved memory",))), 2, "paint")

    assert "/paint prompt:a cat " in text
    assert "--seed 8 --count 1" in text
    assert "Negative: text" in text
    assert "saved memory" in text
    assert files == []


def test_a_line_too_long_for_a_message_is_a_file() -> None:
    text, (file,) = recipe_card(VisibleJob(job(prompt="long " * 1000)), None, "imagine")

    assert len(text) <= 2000
    assert "recipe.txt" in text
    assert file.data.startswith(b"/imagine prompt:long long")


def test_the_form_holds_nothing_of_a_picture_that_the_person_may_not_use() -> None:
    init, mask = Init(picture="ab" * 32, strength=0.35), Mask(picture="cd" * 32, invert=True, feather=9)

    form = fields(edit_form(VisibleJob(job(init=init, mask=mask)), None, keeps_input=False))

    assert form["strength"] == ""
    assert "invert" not in form["flags"]
    assert "feather" not in form["flags"]
