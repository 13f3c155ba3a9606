"""Names that people type are looked up among what is here before anything else happens with them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from bot.domain import Order
from generation import InvalidRequestError
from generation.typed_text import TypedText
from tests.unit.bot.house import SOMEONE, House


@pytest.fixture
async def house(tmp_path: Path) -> House:
    (tmp_path / "models").mkdir()
    vectors = np.zeros((1, 4), np.float16)
    save_file({"clip_l": vectors, "clip_g": vectors}, tmp_path / "models" / "pear.safetensors")
    house = House(tmp_path / "models")
    await house.shelf.refresh()
    return house


async def test_an_unknown_embedding_is_refused_with_the_nearest_names(house: House) -> None:
    with pytest.raises(InvalidRequestError, match=r"There is no embedding named 'paer'. Did you mean pear\?"):
        house.service.resolve(Order(prompt=TypedText("a cat, embedding:paer")))


@pytest.mark.parametrize("name", ["/etc/private.safetensors", "\\\\host\\share\\x.safetensors", "..", "pear/../pear"])
@pytest.mark.parametrize(
    "order",
    [Order(prompt=TypedText("a, embedding:{}")), Order(prompt=TypedText("a"), negative=TypedText("embedding:{}"))],
)
async def test_an_embedding_is_never_named_by_a_path(house: House, order: Order, name: str) -> None:
    typed = replace(
        order,
        prompt=TypedText(order.prompt.format(name)),
        negative=None if order.negative is None else TypedText(order.negative.format(name)),
    )

    with pytest.raises(InvalidRequestError, match="There is no embedding named"):
        house.service.resolve(typed)


async def test_a_known_embedding_is_taken_in_any_capitalization(house: House) -> None:
    resolved = house.service.resolve(
        Order(prompt=TypedText("(embedding:Pear:1.2)"), negative=TypedText("embedding:pear"))
    )

    assert resolved.request.prompt == "(embedding:Pear:1.2)"


async def test_a_re_roll_does_not_bring_an_unknown_embedding(house: House) -> None:
    request = house.service.resolve(Order(prompt=TypedText("a"))).request

    with pytest.raises(InvalidRequestError, match=r"There is no embedding named '/etc/x\.safetensors'"):
        house.service.accept_again(replace(request, negative_prompt="embedding:/etc/x.safetensors"), SOMEONE)
