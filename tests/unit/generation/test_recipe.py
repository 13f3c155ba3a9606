import json

import pytest

from generation import GenerationRequest, InvalidRequestError, recipe

REQUEST = GenerationRequest(prompt="a cat, sleeping", negative_prompt="dog", model="tiny", seed=7)


def test_a_recipe_is_read_back() -> None:
    assert recipe.from_json(recipe.to_json(REQUEST)) == REQUEST


def test_the_a1111_text_has_its_three_parts() -> None:
    assert recipe.to_a1111(REQUEST) == (
        "a cat, sleeping\nNegative prompt: dog\n"
        "Steps: 30, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, Seed: 7, Size: 1024x1024, "
        "Model: tiny, RNG: CPU, Version: Easel"
    )


def test_a_model_name_with_a_comma_is_quoted_as_a1111_does() -> None:
    text = recipe.to_a1111(GenerationRequest(prompt="a", model='big, "bad": model', seed=1))

    assert 'Model: "big, \\"bad\\": model", RNG' in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hello", "This is not a recipe written by Easel."),
        ("[1]", "This is not a recipe written by Easel."),
        ('{"easel": 1}', "This is not a recipe written by Easel."),
        ('{"easel": 99, "request": {}}', "The recipe has format 99; this Easel reads format 1."),
        ('{"easel": 1, "request": []}', "The recipe's request must be a JSON object."),
        ('{"easel": 1, "request": {"prompt": "a", "model": "m"}}', "The recipe lacks seed."),
        ('{"easel": 1, "request": {"mood": 1}}', "The recipe has fields this Easel does not know: mood."),
        ('{"easel": 1, "request": {"prompt": 3, "model": "m", "seed": 1}}', "The recipe's prompt has the wrong type."),
        (
            '{"easel": 1, "request": {"prompt": "", "model": "m", "seed": true}}',
            "The recipe's seed has the wrong type.",
        ),
    ],
)
def test_what_is_no_recipe_is_refused_in_words(text: str, message: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        recipe.from_json(text)

    assert str(refused.value) == message


def test_a_recipe_names_its_format() -> None:
    assert json.loads(recipe.to_json(REQUEST))["easel"] == recipe.FORMAT
