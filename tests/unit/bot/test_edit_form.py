from dataclasses import replace
from typing import Any

import pytest

from bot.errors import LimitError
from bot.ui.edit_form import FLAGS, FORM_ID, NEGATIVE, PROMPT, edit_form, edited, texts_of
from bot.ui.recipe_card import recipe_card
from generation import InvalidRequestError
from tests.unit.bot.jobs import job


def fields(form: Any) -> dict[str, str]:
    return {label["component"]["custom_id"]: label["component"]["value"] for label in form.to_dict()["components"]}


def test_the_form_is_filled_in_with_what_the_picture_was_made_by() -> None:
    wanted = job(negative_prompt="text", count=2)

    form = edit_form(wanted, 2)

    filled = fields(form)
    assert (filled[PROMPT], filled[NEGATIVE]) == ("a cat", "text")
    assert filled[FLAGS].startswith("--steps 4 --cfg 7 --seed 8 --count 1")
    match = FORM_ID.fullmatch(form.custom_id)
    assert match is not None
    assert (match["job"], match["number"]) == (wanted.id, "2")


def test_what_comes_back_unchanged_orders_the_same() -> None:
    wanted = job(negative_prompt="text", clip_skip=1)

    order = edited(fields(edit_form(wanted, None)))

    asked = wanted.request
    assert (order.prompt, order.negative, order.model) == (asked.prompt, asked.negative_prompt, asked.model)
    assert (order.steps, order.cfg, order.seed, order.clip_skip) == (4, asked.guidance_scale, 7, 1)
    assert (order.width, order.height) == (asked.width, asked.height)


def test_an_aspect_takes_the_place_of_the_size_that_stood_there() -> None:
    order = edited({PROMPT: "a cat", FLAGS: "--width 1024 --height 1024 --ar 3:2"})

    assert (order.aspect, order.width, order.height) == ("3:2", None, None)


def test_an_emptied_negative_prompt_is_none_at_all() -> None:
    assert edited({PROMPT: "a cat", NEGATIVE: "", FLAGS: ""}).negative == ""


def test_words_among_the_settings_are_refused() -> None:
    with pytest.raises(InvalidRequestError, match=r"hold words that are none: 'steps 30'.*`--steps 30`"):
        edited({PROMPT: "a cat", FLAGS: "steps 30"})


def test_a_prompt_too_long_for_a_form_is_told() -> None:
    with pytest.raises(LimitError, match="more than Discord's form takes"):
        edit_form(job(prompt="long " * 1000), None)


def test_texts_are_found_in_labels_and_in_rows() -> None:
    label = {"type": 18, "component": {"type": 4, "custom_id": "prompt", "value": "a"}}
    row = {"type": 1, "components": [{"type": 4, "custom_id": "flags", "value": "b"}]}

    assert texts_of([label, row]) == {"prompt": "a", "flags": "b"}


def test_a_recipe_has_the_line_that_paints_one_picture_again() -> None:
    wanted = job(count=2, negative_prompt="text")

    text, files = recipe_card(replace(wanted, notes=("saved memory",)), 2, "paint")

    assert "/paint prompt:a cat " in text
    assert "--seed 8 --count 1" in text
    assert "Negative: text" in text
    assert "saved memory" in text
    assert files == []


def test_a_line_too_long_for_a_message_is_a_file() -> None:
    text, (file,) = recipe_card(job(prompt="long " * 1000), None, "imagine")

    assert len(text) <= 2000
    assert "recipe.txt" in text
    assert file.data.startswith(b"/imagine prompt:long long")
