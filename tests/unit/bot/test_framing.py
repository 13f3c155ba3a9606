import pytest

from bot.domain import InputFile, Order
from bot.services.requests.flags import flags_line
from bot.services.requests.framing import Frame, outpainted, own_size
from bot.services.requests.layers import Preferences
from bot.services.requests.resolve import Defaults, resolve
from generation import GenerationRequest, Init, InvalidRequestError, Mask, ModelEntry, OutpaintPadding, Refiner
from generation.typed_text import TypedText

A, B = "a" * 64, "b" * 64
DEFAULTS = Defaults(
    steps=30, cfg=7.0, sampler="dpmpp_2m", scheduler="karras", negative="", count=1, max_size=2048
)  # fmt: skip
MODELS = (ModelEntry("sdxl", "x/y", "SDXL"),)


def ask(**typed: object) -> GenerationRequest:
    return resolve(Order(**({"prompt": "a cat"} | typed)), MODELS, "sdxl", DEFAULTS).request  # type: ignore[arg-type]


REFINERS = (*MODELS, ModelEntry("Expert", "x/z", "SDXL refiner", refines=True))


def refined(**typed: object) -> GenerationRequest:
    order = Order(**({"prompt": "a cat"} | typed))  # type: ignore[arg-type]
    return resolve(order, REFINERS, "sdxl", DEFAULTS).request


@pytest.mark.parametrize(
    ("typed", "refiner"),
    [
        ({}, None),
        ({"refiner": "expert"}, Refiner(model="Expert", at=0.8)),
        ({"refiner": "SDXL", "refiner_at": 12.0}, Refiner(model="sdxl", at=12)),
        ({"prompt": "a cat --refiner expert --refiner-at 0.7"}, Refiner(model="Expert", at=0.7)),
        ({"extra": "refiner=expert refiner_strength=0.3"}, Refiner(model="Expert", strength=0.3, steps=30)),
        ({"extra": "refiner=sdxl refiner_strength=1 refiner_steps=8"}, Refiner(model="sdxl", strength=1, steps=8)),
    ],
)
def test_a_refiner_is_named_by_option_flag_or_extra(typed: dict[str, object], refiner: Refiner | None) -> None:
    assert refined(**typed).refiner == refiner


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ({"refiner_at": 0.5}, "refiner_at needs a refiner; name one"),
        ({"refiner": "exprt"}, r"There is no refiner named 'exprt'. Did you mean Expert"),
        ({"refiner": "expert", "refiner_at": 0.5, "refiner_strength": 0.5}, "Give either refiner_at"),
        ({"refiner": "expert", "refiner_at": 40.0}, "refiner_at is 40, but of 30 steps that leaves none"),
        ({"refiner": "expert", "refiner_steps": 5}, "refiner_steps needs refiner_strength"),
        ({"model": "expert"}, "expert is an SDXL refiner: it only goes on with what a base checkpoint began"),
    ],
)
def test_what_no_refiner_can_do_is_refused(typed: dict[str, object], reason: str) -> None:
    with pytest.raises(InvalidRequestError, match=reason):
        refined(**typed)


@pytest.mark.parametrize(
    "refiner", ["--refiner expert", "--refiner sdxl --refiner_at 12", "--refiner expert --refiner_strength 0.3"]
)
def test_a_refiner_survives_its_flags(refiner: str) -> None:
    request = refined(prompt=f"a cat {refiner}", seed=3)

    assert refined(prompt=f"a cat {flags_line(request)}") == request


@pytest.mark.parametrize(
    ("width", "height", "painted"),
    [
        (1024, 1024, (1024, 1024)),
        (1216, 832, (1216, 832)),
        (1004, 1004, (1024, 1024)),  # no multiple of 8
        (512, 512, (1024, 1024)),  # too small to be painted well
        (4000, 3000, (1152, 896)),
        (1, 1, (1024, 1024)),
        (20000, 10, (2048, 512)),  # no wider than 4:1
    ],
)
def test_a_picture_keeps_its_size_where_the_model_paints_that_well(
    width: int, height: int, painted: tuple[int, int]
) -> None:
    size = own_size(InputFile(A, width, height), 1024)

    assert size[0] * size[1] <= 1.25 * 1024**2
    assert size == painted


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        ("2x", Frame(1024, 768, (256, 192, 256, 192))),
        ("zoom 1.5", Frame(1024, 768, (170, 128, 171, 128))),
        ("zoom", Frame(1024, 768, (256, 192, 256, 192))),
        ("Square", Frame(1024, 1024, (0, 128, 0, 128))),
        ("left", Frame(1536, 768, (512, 0, 0, 0))),
        ("right 25%", Frame(1280, 768, (0, 0, 256, 0))),
        ("up 100, down 64px", Frame(1024, 936, (0, 104, 0, 64))),
        ("1x 1:1", Frame(1024, 1024, (0, 128, 0, 128))),
        ("2x 16:9", Frame(1344, 768, (416, 192, 416, 192))),
    ],
)
def test_canvas_is_added_as_the_words_say(text: TypedText, frame: Frame) -> None:
    assert outpainted(text, 1024, 768, 1024) == frame


@pytest.mark.parametrize("text", ["", "sideways", "left right up!", "1x", "9x", "left 5 apples"])
def test_other_words_are_refused_with_what_would_work(text: TypedText) -> None:
    with pytest.raises(InvalidRequestError, match=r"^outpaint: "):
        outpainted(text, 1024, 768, 1024)


def test_an_image_alone_is_painted_over() -> None:
    asked = ask(image=InputFile(A, 1216, 832))

    assert (asked.init, asked.mask, asked.outpaint) == (Init(picture=A, strength=0.6), None, None)
    assert (asked.width, asked.height) == (1216, 832)


def test_a_size_that_was_typed_beats_the_images_own() -> None:
    asked = ask(image=InputFile(A, 1216, 832), width=512, height=640, extra="fit=pad")

    assert (asked.width, asked.height) == (512, 640)
    assert asked.init == Init(picture=A, strength=0.6, fit="pad")


def test_a_mask_is_feathered_by_a_32nd_of_the_shorter_side_and_gives_the_image_back_at_its_size() -> None:
    asked = ask(image=InputFile(A, 3000, 2000), mask=InputFile(B, 300, 200))

    assert asked.init == Init(picture=A, strength=1.0)
    assert asked.mask == Mask(picture=B, feather=62, area="whole")
    assert asked.inputs == (A, B)


def test_a_detail_is_painted_at_full_size() -> None:
    asked = ask(image=InputFile(A, 3000, 2000), mask=InputFile(B, 3000, 2000), extra="area=masked margin=64 feather=3")

    assert (asked.width, asked.height) == (1024, 1024)
    assert asked.mask == Mask(picture=B, feather=3, area="masked", margin=64)


def test_a_typed_size_makes_the_canvas() -> None:
    asked = ask(image=InputFile(A, 3000, 2000), mask=InputFile(B, 3000, 2000), aspect="1:1")

    assert asked.mask == Mask(picture=B, feather=32, area="canvas")


def test_what_is_erased_is_the_mask_when_something_about_masks_was_typed() -> None:
    erased = InputFile(A, 1024, 1024, transparent=True)

    assert ask(image=erased).mask is None
    assert ask(image=erased, extra="area=whole").mask == Mask(feather=32)
    assert ask(image=erased, extra="invert=yes grow=-4").mask == Mask(feather=32, invert=True, grow=-4)


def test_an_outpaint_keeps_the_image_and_blends_into_it() -> None:
    asked = ask(image=InputFile(A, 1024, 1024), outpaint="right 50%", strength=0.9)

    assert (asked.width, asked.height) == (1536, 1024)
    assert asked.init == Init(picture=A, strength=0.9)
    assert asked.outpaint == OutpaintPadding(right=512, feather=32)


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ({"strength": 0.5}, "strength needs an image"),
        ({"mask": InputFile(B, 8, 8)}, "mask needs an image"),
        ({"outpaint": "2x"}, "outpaint needs an image"),
        ({"extra": "grow=3"}, "grow needs an image"),
        ({"image": InputFile(A, 64, 64), "extra": "area=whole"}, "nothing transparent"),
        ({"image": InputFile(A, 64, 64), "outpaint": "2x", "aspect": "3:2"}, "leave out the size"),
        ({"image": InputFile(A, 64, 64), "strength": 1.5}, "strength must be between 0 and 1"),
        ({"image": InputFile(A, 64, 64), "extra": "invert=maybe"}, "invert is yes or no"),
        (
            {"image": InputFile(A, 64, 64), "mask": InputFile(B, 8, 8), "outpaint": "2x", "extra": "area=masked"},
            "area must be canvas",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(typed: dict[str, object], reason: str) -> None:
    with pytest.raises(InvalidRequestError, match=reason):
        ask(**typed)


def test_a_picture_has_its_own_size_whatever_somebody_is_used_to() -> None:
    preferences = Preferences(mine={"aspect": "3:2", "strength": 0.3})

    begun = resolve(
        Order(prompt=TypedText("a"), image=InputFile(A, 1024, 1024)), MODELS, "sdxl", DEFAULTS, preferences
    ).request
    typed = resolve(
        Order(prompt=TypedText("a"), aspect=TypedText("1:1")), MODELS, "sdxl", DEFAULTS, preferences
    ).request

    assert begun.size == (1024, 1024)
    assert begun.init == Init(picture=A, strength=0.3)
    assert (typed.size, typed.init) == ((1024, 1024), None)
