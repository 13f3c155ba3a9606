from dataclasses import replace

import pytest

from bot.domain import Speed
from bot.services.jobs.costs import ANY_SIZE, BUCKETS_PER_OCTAVE, CALL_WORK, OCTAVES, CostModel, area_bucket
from generation import GenerationRequest, Hires, Init
from tests.unit.bot.jobs import job

UNIT, CALL = 2.0, 0.5  # a device: seconds for a row of 1024x1024, and for a call whatever is in it


def known() -> CostModel:
    costs = CostModel()
    costs.recall([Speed("tiny", 1024 * 1024, UNIT, 100), Speed("tiny", ANY_SIZE, CALL, 100)])
    return costs


def row_seconds(side: int) -> float:
    one, two = (
        known().estimate(job(width=side, height=side, steps=steps, guidance_scale=1).request) for steps in (10, 11)
    )
    return two - one - CALL


def test_work_grows_with_steps_calls_pictures_and_guidance() -> None:
    estimate = known().estimate
    plain = estimate(job(steps=20, sampler="euler").request)

    assert estimate(job(steps=40, sampler="euler").request) == pytest.approx(2 * plain, rel=0.05)
    assert estimate(job(steps=20, sampler="dpm_2").request) == pytest.approx(39 / 20 * plain, rel=0.05)
    assert estimate(job(steps=20, sampler="euler", count=3).request) == pytest.approx(3 * plain)
    assert plain - estimate(job(steps=20, sampler="euler", guidance_scale=1).request) == pytest.approx(20 * UNIT)


@pytest.mark.parametrize(("side", "teraflop"), [(512, 1.589), (768, 3.641), (1024, 6.761), (1536, 17.26)])
def test_a_rows_work_follows_the_counted_arithmetic(side: int, teraflop: float) -> None:
    assert row_seconds(side) == pytest.approx(UNIT * teraflop / 6.761, rel=0.05)


def test_what_was_measured_is_expected_again_whatever_the_steps() -> None:
    costs = CostModel()
    costs.learn(job(steps=20, width=512, height=512).request, 10.0)

    assert costs.estimate(job(steps=20, width=512, height=512).request) == pytest.approx(10.0)
    assert costs.estimate(job(steps=60, width=512, height=512).request) == pytest.approx(30.0, rel=0.05)


def test_an_upscalers_speed_says_nothing_of_the_models_alone() -> None:
    costs = known()
    plain = job(steps=20).request
    larger = replace(
        plain, init=Init(picture="a" * 64, strength=0), hires=Hires(scale=2, strength=0, method="realesrgan-x4plus")
    )
    before = costs.estimate(plain)
    unseen = costs.estimate(larger)

    for _ in range(3):
        costs.learn(larger, 200.0)

    assert UNIT * 5 < unseen < UNIT * 20  # one megapixel through it, and the VAE's work on five
    assert costs.estimate(plain) == pytest.approx(before)
    assert costs.estimate(larger) == pytest.approx(200.0, rel=0.05)


def test_a_size_that_was_never_painted_is_estimated_from_the_nearest() -> None:
    costs = CostModel()
    costs.recall([Speed("tiny", 512 * 512, 1.0, 5), Speed("tiny", 1024 * 1024, 3.0, 5), Speed("other", 64, 9.0, 5)])
    alone = CostModel()
    alone.recall([Speed("tiny", 1024 * 1024, 3.0, 5)])
    request = job(width=1024, height=960).request

    assert costs.estimate(request) == pytest.approx(alone.estimate(request))


def test_a_model_that_was_never_used_is_taken_to_be_like_the_others() -> None:
    costs = CostModel()
    costs.recall([Speed("other", 1024 * 1024, UNIT, 5), Speed("other", ANY_SIZE, CALL, 5)])
    request = job().request

    assert costs.estimate(request) == pytest.approx(known().estimate(request))


def test_newer_jobs_count_more_and_one_outlier_does_not_decide() -> None:
    costs = CostModel()
    request = job().request
    for _ in range(10):
        costs.learn(request, 10.0)

    costs.learn(request, 100.0)
    assert 10 < costs.estimate(request) < 50

    for _ in range(10):
        learned = costs.learn(request, 20.0)
    assert costs.estimate(request) == pytest.approx(20.0, rel=0.1)
    assert {speed.jobs for speed in learned} == {21}


def small(steps: int) -> GenerationRequest:
    return job(width=64, height=64, steps=steps, guidance_scale=1).request


def test_what_a_call_costs_beside_its_rows_is_learned_from_small_pictures_and_large_ones() -> None:
    truth, costs = known(), CostModel()
    costs.learn(job(steps=10).request, truth.estimate(job(steps=10).request))
    before = costs.estimate(small(30))

    for steps in range(10, 40):
        for request in (small(steps), job(steps=steps).request):
            costs.learn(request, truth.estimate(request))

    assert before < 0.2 * truth.estimate(small(30))
    assert costs.estimate(small(30)) == pytest.approx(truth.estimate(small(30)), rel=0.05)
    assert costs.outline(small(1)).passes[0].shared == pytest.approx(CALL, rel=0.1)
    assert costs.estimate(job(steps=30).request) == pytest.approx(truth.estimate(job(steps=30).request), rel=0.05)


def test_a_job_that_shared_its_calls_teaches_what_it_would_have_cost_alone() -> None:
    truth, costs = known(), known()
    request = small(20)
    outline = truth.outline(request)
    (only,) = outline.passes
    half = outline.finishing + 20 * (only.own + only.shared / 2)

    for _ in range(20):
        costs.learn(request, half, calls=10)

    assert costs.estimate(request) == pytest.approx(truth.estimate(request), rel=0.01)


def test_speeds_from_before_calls_were_counted_are_understood() -> None:
    costs = CostModel()
    costs.recall([Speed("tiny", 1024 * 1024, UNIT, 5)])

    assert costs.outline(job().request).passes[0].shared == pytest.approx(CALL_WORK * UNIT)


def test_speeds_are_kept_for_a_bounded_number_of_areas() -> None:
    costs = CostModel()
    sides = range(64, 4097, 104)

    areas = {
        speed.pixels
        for width in sides
        for height in sides
        for speed in costs.learn(job(width=width, height=height).request, 10.0)
    }

    assert len(areas) <= BUCKETS_PER_OCTAVE * OCTAVES + 2


@pytest.mark.parametrize("side", [64, 512, 1024, 2048, 4096])
def test_usual_areas_are_the_middle_of_their_range(side: int) -> None:
    assert area_bucket(side * side) == side * side
    assert area_bucket(side * (side - 2)) == side * side


def test_an_area_far_from_any_that_was_painted_is_estimated_from_the_nearest() -> None:
    costs = CostModel()
    costs.recall([Speed("tiny", 64 * 64, 7.0, 5), Speed("tiny", 128 * 128, 3.0, 5), Speed("tiny", ANY_SIZE, 0.0, 5)])
    only = CostModel()
    only.recall([Speed("tiny", 128 * 128, 3.0, 5), Speed("tiny", ANY_SIZE, 0.0, 5)])
    request = job(width=4096, height=4096).request

    assert costs.estimate(request) == pytest.approx(only.estimate(request))


def test_a_model_is_known_once_it_painted_whatever_upscaler_follows() -> None:
    costs = CostModel()
    plain = job().request
    larger = replace(plain, hires=Hires(scale=2, method="realesrgan-x4plus"))
    assert not costs.knows(plain)

    costs.learn(plain, 10.0)

    assert costs.knows(plain)
    assert costs.knows(larger)
    assert not costs.knows(job(model="other").request)


def test_jobs_without_unet_calls_teach_nothing_of_the_unet() -> None:
    plain, fresh, costs = job().request, CostModel(), known()
    copied = replace(plain, init=Init(picture="a" * 64, strength=0))
    before = costs.estimate(plain)

    learned = [each.learn(copied, each.estimate(copied) / 4) for each in (fresh, costs) for _ in range(20)]

    assert not any(learned)
    assert costs.estimate(plain) == before
    assert not fresh.knows(plain)
