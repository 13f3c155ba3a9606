import pytest

from bot.domain import Speed
from bot.services.costs import CostModel, work
from tests.unit.bot.jobs import job


def test_work_grows_with_steps_calls_pictures_and_guidance() -> None:
    plain = work(job(steps=20, sampler="euler").request)

    assert work(job(steps=40, sampler="euler").request) == pytest.approx(2 * plain, rel=0.05)
    assert work(job(steps=20, sampler="dpm_2").request) == pytest.approx(39 / 20 * plain, rel=0.05)
    assert work(job(steps=20, sampler="euler", count=3).request) == pytest.approx(3 * plain)
    assert work(job(steps=20, sampler="euler", guidance_scale=1).request) == pytest.approx(plain / 2, rel=0.05)


@pytest.mark.parametrize(("side", "teraflop"), [(512, 1.589), (768, 3.641), (1024, 6.761), (1536, 17.26)])
def test_a_rows_work_follows_the_counted_arithmetic(side: int, teraflop: float) -> None:
    one, two = (work(job(width=side, height=side, steps=steps, guidance_scale=1).request) for steps in (10, 11))

    assert two - one == pytest.approx(teraflop / 6.761, rel=0.05)


def test_what_was_measured_is_expected_again_whatever_the_steps() -> None:
    costs = CostModel()
    costs.learn(job(steps=20, width=512, height=512).request, 10.0)

    assert costs.estimate(job(steps=20, width=512, height=512).request) == pytest.approx(10.0)
    assert costs.estimate(job(steps=60, width=512, height=512).request) == pytest.approx(30.0, rel=0.05)


def test_a_size_that_was_never_painted_is_estimated_from_the_nearest() -> None:
    costs = CostModel()
    costs.recall([Speed("tiny", 512 * 512, 1.0, 5), Speed("tiny", 1024 * 1024, 3.0, 5), Speed("other", 64, 9.0, 5)])
    request = job(width=1024, height=960).request

    assert costs.estimate(request) == pytest.approx(3.0 * work(request))


def test_a_model_that_was_never_used_is_taken_to_be_like_the_others() -> None:
    costs = CostModel()
    costs.recall([Speed("other", 1024 * 1024, 2.0, 5)])
    request = job().request

    assert costs.estimate(request) == pytest.approx(2.0 * work(request))


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
    assert learned.jobs == 21
