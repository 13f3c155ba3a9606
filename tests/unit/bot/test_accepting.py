"""What GenerationService accepts, and where it works on it."""

import threading
from pathlib import Path

import pytest

from bot.domain import Order
from bot.errors import LimitError
from bot.services.models import ModelRegistry
from generation import Catalog, InvalidRequestError, ModelEntry
from generation.typed_text import TypedText
from tests.fakes import model_files
from tests.unit.bot.house import SOMEONE, House

ORDERS = [Order(prompt=TypedText(f"a cat {number}")) for number in range(3)]


@pytest.fixture
async def house(tmp_path: Path) -> House:
    model_files(tmp_path, "tiny")
    house = House(tmp_path)
    await house.service.models.refresh()
    return house


async def test_many_orders_are_resolved_off_the_event_loop(house: House, tmp_path: Path) -> None:
    threads = set()

    class NotingRegistry(ModelRegistry):
        @property
        def whole(self) -> tuple[ModelEntry, ...]:
            threads.add(threading.get_ident())
            return super().whole

    house.service.models = NotingRegistry(Catalog(tmp_path))
    await house.service.models.refresh()

    requests = await house.service.accept_many(ORDERS, SOMEONE)

    assert [request.prompt for request in requests] == [order.prompt for order in ORDERS]
    assert threading.get_ident() not in threads
    assert house.queue.waiting(1) == 3


async def test_places_of_orders_that_are_refused_are_given_back(house: House) -> None:
    with pytest.raises(InvalidRequestError):
        await house.service.accept_many([*ORDERS[:2], Order(prompt=TypedText("a --stepz 3"))], SOMEONE)

    assert house.queue.waiting(1) == 0


async def test_room_is_asked_for_before_orders_are_read(house: House) -> None:
    unreadable = [Order(prompt=TypedText("a --stepz 3"))] * 4

    with pytest.raises(LimitError, match="These are 4 jobs, but one person may have 3 waiting"):
        house.service.accept_all(unreadable, SOMEONE)
    with pytest.raises(LimitError, match="These are 4 jobs"):
        await house.service.check_many(unreadable, SOMEONE)
