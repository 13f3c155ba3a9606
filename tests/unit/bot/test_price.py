"""What one job may cost, and what a person is told to lower."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain import Speed
from bot.errors import LimitError
from bot.services.jobs.costs import ANY_SIZE, CostModel
from bot.services.jobs.price import MEASURED_CALLS, PriceLimit, in_words
from bot.services.models import ModelRegistry
from bot.services.requests.resolve import Defaults
from generation import Catalog, GenerationRequest, Hires, Init, Progress, Refiner, Stage
from generation.models.auxiliary import AuxiliaryFiles
from tests.fakes import model_files
from tests.unit.bot.house import SOMEONE, House
from tests.unit.bot.jobs import job

USUAL = Defaults(steps=30, cfg=7, sampler="euler", scheduler="normal", negative="", count=1, max_size=2048)
PIXELS = 1024 * 1024


@pytest.fixture
async def models(tmp_path: Path) -> ModelRegistry:
    model_files(tmp_path, "tiny")
    shelf = ModelRegistry(Catalog(tmp_path), AuxiliaryFiles(tmp_path))
    await shelf.refresh()
    return shelf


def priced(models: ModelRegistry, row_seconds: float = 0.1, seconds: float = 900.0) -> PriceLimit:
    """Limits jobs on a device that takes so long for a row of 1024x1024."""
    costs = CostModel()
    costs.recall([Speed("tiny", PIXELS, row_seconds, 100), Speed("tiny", ANY_SIZE, 0.02, 100)])
    return PriceLimit(costs, models, USUAL, seconds)


def request(**changes: object) -> GenerationRequest:
    return job(**({"steps": 30, "sampler": "euler", "scheduler": "normal"} | changes)).request  # type: ignore[arg-type]


def refused(price: PriceLimit, wanted: GenerationRequest) -> str:
    with pytest.raises(LimitError) as caught:
        price.check(wanted)
    return str(caught.value)


MONSTERS = {
    "the largest, many times": request(width=2048, height=2048, steps=150, count=10, sampler="heun"),
    "an upscale in tiles": request(
        width=1024, height=1024, hires=Hires(scale=4, strength=1, steps=150, tile=512), count=10
    ),
    "an upscale in the smallest tiles": request(hires=Hires(scale=4, strength=1, steps=150, tile=64)),
    "an upscale of a picture": request(
        init=Init(picture="a" * 64, strength=0), hires=Hires(scale=4, strength=1, steps=150, tile=256)
    ),
    "a refiner's pass": request(
        count=10, steps=150, refiner=Refiner(model="tiny", strength=1, steps=150), sampler="heun"
    ),
}


@pytest.mark.parametrize("name", MONSTERS)
def test_a_job_beyond_the_limit_is_refused_with_its_estimate_and_the_limit(models: ModelRegistry, name: str) -> None:
    price = priced(models)

    said = refused(price, MONSTERS[name])

    assert f"about {in_words(price.costs.estimate(MONSTERS[name]))}; the limit for one job is 15 minutes." in said


def changed(wanted: GenerationRequest, name: str, value: str) -> GenerationRequest:
    """Does what a refusal says."""
    hires, refiner = wanted.hires, wanted.refiner
    if "x" in name:
        width, height = name.split("x")
        return replace(wanted, width=int(width), height=int(height))
    if name in {"count", "steps"}:
        return replace(wanted, **{name: int(value)})  # type: ignore[arg-type]
    if name == "sampler":
        return replace(wanted, sampler=value)
    if name == "refiner_steps":
        assert refiner is not None
        return replace(wanted, refiner=replace(refiner, steps=int(value)))
    assert hires is not None
    field = {"upscale": "scale", "hires": "scale", "hires_steps": "steps", "tile": "tile"}[name]
    return replace(wanted, hires=replace(hires, **{field: float(value) if field == "scale" else int(value)}))  # type: ignore[arg-type]


def advice(said: str) -> Iterator[tuple[str, str]]:
    named = re.search(r"(?:fits: |together: |With )(.*?)(?: it fits)?\.$", said)
    assert named is not None
    for each in named[1].split(", "):
        name, _, value = each.partition(" ")
        yield name, value


@pytest.mark.parametrize("name", MONSTERS)
def test_what_a_refusal_says_to_lower_is_enough(models: ModelRegistry, name: str) -> None:
    price, wanted = priced(models), MONSTERS[name]

    said = refused(price, wanted)

    if "Lower these together" in said:
        for field, value in advice(said):
            wanted = changed(wanted, field, value)
        price.check(wanted)
    else:
        assert "fits" in said
        for field, value in advice(said):
            price.check(changed(wanted, field, value))


def test_single_settings_are_named_with_their_largest_value(models: ModelRegistry) -> None:
    price, wanted = priced(models, 0.5), request(width=1536, height=1536, count=10, steps=60)

    said = refused(price, wanted)

    named = dict(advice(said))
    assert list(named)[:2] == ["count", "steps"]
    assert len(named) == 3
    for field in ("count", "steps"):
        price.check(changed(wanted, field, named[field]))
        refused(price, changed(wanted, field, str(int(named[field]) + 1)))


def test_where_no_single_setting_suffices_several_are_named_together(models: ModelRegistry) -> None:
    said = refused(priced(models), MONSTERS["an upscale in tiles"])

    assert "Lower these together: count 1, hires_steps " in said


def test_four_ordinary_pictures_are_within_the_limit_however_slow_the_device_is(models: ModelRegistry) -> None:
    price = priced(models, row_seconds=60)

    price.check(request(count=4))

    assert "the limit for one job is 4 hours" in refused(price, request(count=5))


def test_a_limit_of_zero_is_none(models: ModelRegistry) -> None:
    price = priced(models, seconds=0)

    for wanted in MONSTERS.values():
        price.check(wanted)
        assert price.watch(wanted) is None


def news(done: int, seconds: float) -> Progress:
    return Progress(Stage.PAINTING, done, 6000, device_seconds=seconds)


def test_a_job_of_a_model_that_was_never_painted_with_is_measured_by_its_first_calls(models: ModelRegistry) -> None:
    price = PriceLimit(CostModel(), models, USUAL, 900.0)
    wanted = request(count=10, steps=150, width=1536, height=1536)
    price.check(wanted)  # nothing is known, so it may begin
    watch = price.watch(wanted)
    assert watch is not None

    exceeded = [watch.exceeds(news(done, 30 + 2.0 * done)) for done in range(1, 10)]

    assert exceeded.index(True) == MEASURED_CALLS
    assert exceeded.count(True) == 1
    assert str(watch.error) == refused(price, wanted)  # what it has taught refuses the next one at once
    assert price.costs.estimate(wanted) == pytest.approx(1500 * 2.0, rel=0.1)
    assert price.watch(wanted) is None


def test_a_measured_job_within_the_limit_goes_on(models: ModelRegistry) -> None:
    price = PriceLimit(CostModel(), models, USUAL, 900.0)
    watch = price.watch(request())
    assert watch is not None

    assert not any(watch.exceeds(news(done, 500 + 2.0 * done)) for done in range(1, 30))

    assert watch.error is None


async def test_a_running_job_that_turns_out_too_expensive_ends_and_costs_nothing(house: House, tmp_path: Path) -> None:
    model_files(tmp_path, "tiny")
    await house.shelf.refresh()
    house.executor.device_seconds_per_call = 100.0

    wanted = await house.submit(job(steps=150, count=2))
    await house.settle(wanted, "failed")

    assert "the limit for one job is" in house.ledger.reasons[wanted.id]
    assert house.executor.calls < 10
    assert house.speeds.kept
    with pytest.raises(LimitError, match="fits"):
        house.service.accept_again(wanted.request, SOMEONE)


async def test_what_is_completed_after_it_was_accepted_is_checked_again(house: House, tmp_path: Path) -> None:
    model_files(tmp_path, "tiny")
    await house.shelf.refresh()
    house.costs.learn(job().request, 400.0)

    with pytest.raises(LimitError, match="the limit for one job is"):
        house.service.admit(SOMEONE, job(steps=150, count=10).request)


async def test_a_job_that_waited_while_its_price_became_known_does_not_start(house: House, tmp_path: Path) -> None:
    model_files(tmp_path, "tiny")
    await house.shelf.refresh()
    house.executor.hold()
    house.executor.device_seconds = 400.0
    running = [await house.submit(job(person)) for person in (1, 2)]
    waiting = await house.submit(job(3, steps=150, count=10))
    house.costs.learn(job().request, 400.0)

    house.executor.release()
    await house.settle(running[0], "posted")
    await house.settle(waiting, "failed")

    assert "the limit for one job is" in house.ledger.reasons[waiting.id]
    assert waiting.request not in house.executor.requests


@pytest.mark.parametrize(
    ("seconds", "said"), [(50, "50 seconds"), (900, "15 minutes"), (119, "119 seconds"), (132_000, "37 hours")]
)
def test_durations_are_said_in_the_unit_that_suits_them(seconds: float, said: str) -> None:
    assert in_words(seconds) == said
