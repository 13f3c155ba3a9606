import pytest

from bot.services.people.presets import checked_template
from generation import InvalidRequestError
from generation.typed_text import TypedText


def test_a_template_has_at_most_one_place_for_the_prompt() -> None:
    assert checked_template(TypedText(" {prompt}, on film ")) == "{prompt}, on film"
    assert checked_template(TypedText("on film")) == "on film"
    with pytest.raises(InvalidRequestError, match=r"template has 2 times \{prompt\}; keep one"):
        checked_template(TypedText("{prompt}, {prompt}"))


def test_a_template_is_no_longer_than_a_prompt() -> None:
    with pytest.raises(InvalidRequestError, match="template is 6,001 characters long; at most 6,000"):
        checked_template(TypedText("x" * 6001))
