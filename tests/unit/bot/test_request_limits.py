"""What is made of an earlier request keeps to the same limits as what is typed."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bot.errors import LimitError
from bot.services.jobs.costs import CostModel
from bot.services.jobs.limits import RequestLimits
from bot.services.jobs.price import PriceLimit
from bot.services.models import ModelRegistry
from bot.services.requests.resolve import Defaults
from generation import Catalog, GenerationError, GenerationRequest, Hires, Lora, Refiner
from generation.models.auxiliary import AuxiliaryFiles
from tests.fakes import model_files
from tests.unit.bot.jobs import job

PLAIN = job(width=1024, height=1024).request
Check = Callable[[GenerationRequest], None]


@pytest.fixture
async def check(tmp_path: Path) -> Check:
    """Checks requests where the models folder holds nothing but one checkpoint, and the sizes were lowered."""
    model_files(tmp_path, "tiny")
    models = ModelRegistry(Catalog(tmp_path), AuxiliaryFiles(tmp_path))
    await models.refresh()
    defaults = Defaults(
        steps=4, cfg=7, sampler="euler", scheduler="normal", negative="", count=1, max_size=1024, max_upscaled=2048
    )
    return RequestLimits(models, defaults, PriceLimit(CostModel(), models, defaults, 900.0)).check


def test_what_the_bot_has_and_allows_is_accepted(check: Check) -> None:
    check(PLAIN)
    check(replace(PLAIN, hires=Hires(scale=2, tile=1024)))


@pytest.mark.parametrize(
    ("field", "request_"),
    [
        ("model", replace(PLAIN, model="gone")),
        ("vae", replace(PLAIN, vae="gone")),
        ("lora", replace(PLAIN, loras=(Lora("gone", 1.0, 1.0),))),
        ("lora", replace(PLAIN, prompt="a cat <lora:gone:1>")),
        ("embedding", replace(PLAIN, prompt="a cat embedding:gone")),
        ("embedding", replace(PLAIN, negative_prompt="embedding:gone")),
        ("refiner", replace(PLAIN, refiner=Refiner(model="gone"))),
        ("hires_method", replace(PLAIN, hires=Hires(scale=1, method="gone"))),
    ],
)
def test_a_file_that_was_removed_is_named(check: Check, field: str, request_: GenerationRequest) -> None:
    with pytest.raises(GenerationError, match=rf"^There is no {field} named 'gone'"):
        check(request_)


@pytest.mark.parametrize(
    "request_",
    [
        replace(PLAIN, width=1536),
        replace(PLAIN, hires=Hires(scale=2)),
        replace(PLAIN, hires=Hires(scale=4, tile=1024)),
    ],
)
def test_a_size_that_the_operator_lowered_is_refused(check: Check, request_: GenerationRequest) -> None:
    with pytest.raises(LimitError, match="is too large here"):
        check(request_)
