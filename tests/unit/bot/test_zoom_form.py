import pytest

from bot.domain import Action
from bot.services.access import VisibleJob
from bot.services.actions.actions import Words
from bot.ui.discord.form_fields import Sent
from bot.ui.results.zoom_form import ZOOM_ID, zoom_form, zoomed
from generation import InvalidRequestError
from generation.typed_text import TypedText
from tests.unit.bot.jobs import job


def test_the_form_carries_the_picture_and_its_prompt() -> None:
    wanted = job(prompt="a {cat} --style")

    form = zoom_form(VisibleJob(wanted), 3)

    match = ZOOM_ID.fullmatch(form.custom_id)
    assert match is not None
    assert (match["job"], match["number"]) == (wanted.id, "3")
    assert form.to_dict()["components"][0]["component"]["value"] == r"a \{cat\} \--style"


@pytest.mark.parametrize(
    ("zoom", "aspect", "text"),
    [("2.0", "", "2.0x"), ("1,5x", "", "1.5x"), ("1", "16:9", "1x 16:9"), (" 1.25 ", " 3 / 2 ", "1.25x 3:2")],
)
def test_the_form_becomes_the_words_one_types(zoom: TypedText, aspect: TypedText, text: TypedText) -> None:
    assert zoomed(Sent({"prompt": TypedText("a dog"), "zoom": zoom, "aspect": aspect})) == Words(
        text, Action.ZOOM_OUT, TypedText("a dog")
    )


@pytest.mark.parametrize("zoom", ["0.9", "2.1", "much", "-1", "1.2.3"])
def test_a_zoom_beyond_the_range_is_refused_with_what_would_work(zoom: TypedText) -> None:
    with pytest.raises(InvalidRequestError, match=r"zoom must be between 1\.0 and 2\.0, such as 1\.5; not "):
        zoomed(Sent({"prompt": TypedText("a dog"), "zoom": zoom}))


def test_an_aspect_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="aspect must look like 3:2"):
        zoomed(Sent({"prompt": TypedText("a dog"), "zoom": TypedText("1"), "aspect": TypedText("wide")}))


@pytest.mark.parametrize(
    ("prompt", "answer"),
    [("a dog --steps 3", "not read in this form"), (" ", "prompt is empty"), ("a {b, c}", "choices|permutation|makes")],
)
def test_a_prompt_that_cannot_be_painted_here_is_refused(prompt: TypedText, answer: str) -> None:
    with pytest.raises(InvalidRequestError, match=answer):
        zoomed(Sent({"prompt": prompt, "zoom": TypedText("1.5")}))


def test_what_looks_like_a_setting_can_be_painted() -> None:
    assert (
        zoomed(Sent({"prompt": TypedText(r"a \--style \{b, c\}"), "zoom": TypedText("1.5")})).prompt
        == "a --style {b, c}"
    )
