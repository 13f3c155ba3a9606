"""Explanations of orders."""

import asyncio
import threading
from pathlib import Path
from typing import Any

from bot.domain import Order
from bot.services.jobs.explain import Explainer
from bot.services.requests.layers import Preferences
from generation.models.auxiliary import AuxiliaryFiles
from generation.prompt.token_count import TokenCount, TokenCounter
from generation.typed_text import TypedText
from tests.fakes import model_files
from tests.unit.bot.house import House


class Counter(TokenCounter):
    """Notes how many are counted for at a time, and waits for the test."""

    def __init__(self, folder: Path) -> None:
        super().__init__(AuxiliaryFiles(folder))
        self.at_work = self.most = 0
        self.go_on = threading.Event()

    def count(self, *_args: Any) -> tuple[TokenCount, ...]:
        self.at_work += 1
        self.most = max(self.most, self.at_work)
        self.go_on.wait(5)
        self.at_work -= 1
        return ()


async def test_tokens_are_counted_for_one_order_at_a_time(house: House, tmp_path: Path) -> None:
    model_files(tmp_path, "tiny")
    await house.shelf.refresh()
    counter = Counter(tmp_path)
    explainer = Explainer(house.service, house.queue, house.price, counter)

    orders = [
        explainer.explain(Order(prompt=TypedText("a cat"), model=TypedText("tiny")), Preferences(), person)
        for person in range(5)
    ]
    explaining = asyncio.gather(*orders)
    await asyncio.sleep(0.05)
    counter.go_on.set()
    explained = await explaining

    assert len(explained) == 5
    assert counter.most == 1
