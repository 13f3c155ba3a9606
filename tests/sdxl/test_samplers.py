"""Samplers and schedules against the reference numbers."""

import inspect
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from generation import SAMPLERS as FACTS
from generation import SCHEDULES as SCHEDULE_FACTS
from generation.request.sampler_info import calls as expected_calls
from generation.sdxl.sampling.samplers import SAMPLERS, sample
from generation.sdxl.sampling.sigmas import SCHEDULES, schedule, sigma_max, timestep, training_sigmas

GOLDEN = Path(__file__).parents[1] / "golden"
PROBLEM = np.load(GOLDEN / "problem.npz")
FINAL = np.load(GOLDEN / "samplers.npz")
LEVELS = np.load(GOLDEN / "schedules.npz")
COUNTS = json.loads((GOLDEN / "samplers.json").read_text())
DTYPES = {"f32": torch.float32, "f64": torch.float64}
TOLERANCES = {"f32": 1e-5, "f64": 1e-10}
# The reference rounds the coefficients of these two to float32.
LOOSE = {"deis": {"f32": 2e-5, "f64": 1e-6}, "er_sde": {"f32": 2e-5, "f64": 1e-6}}
UNLISTED = {"uni_pc", "uni_pc_bh2", "dpm_fast", "dpm_adaptive"}  # compared with their papers in test_solvers.py


def denoise(x: Tensor, sigma: Tensor) -> Tensor:
    """The exact posterior mean of a mixture of Gaussians, guided with scale 5."""
    means = torch.from_numpy(PROBLEM["means"])
    variance = sigma.double() ** 2 + 0.25**2

    def posterior(centres: Tensor) -> Tensor:
        weights = torch.softmax(-((x.double() - centres) ** 2).flatten(1).sum(1) / (2 * variance), 0)
        mean = (weights.view(-1, 1, 1, 1) * centres).sum(0, keepdim=True)
        mean_of_all: Tensor = (0.25**2 * x.double() + sigma.double() ** 2 * mean) / variance
        return mean_of_all

    uncond = posterior(means)
    guided: Tensor = uncond + 5 * (posterior(means[:3]) - uncond)
    return guided.to(x.dtype)


@pytest.mark.parametrize(
    ("case", "precision"),
    [
        (case, precision)
        for case in sorted(FINAL)
        for precision in ("f32", "f64")
        if precision == "f64" or "/4/" in case
    ],
)
def test_a_sampler_ends_where_the_reference_does_with_as_many_calls(case: str, precision: str) -> None:
    name, scheduler, steps, _ = case.split("/")
    dtype = DTYPES[precision]
    sigmas = schedule(scheduler, name, int(steps)).to(dtype)
    noises = list(torch.from_numpy(PROBLEM["noise"]).to(dtype))
    calls: list[Tensor] = []
    asked: list[Tensor] = []

    def counted(x: Tensor, sigma: Tensor) -> Tensor:
        calls.append(sigma)
        return denoise(x, sigma)

    def noise(sigma: Tensor, _sigma_next: Tensor) -> Tensor:
        asked.append(sigma)
        drawn: Tensor = noises[len(asked) - 1]
        return drawn

    start = torch.from_numpy(PROBLEM["x"]).to(dtype) * (1 + sigmas[0] ** 2).sqrt()
    final = sample(name, counted, start, sigmas, noise)[0].double().numpy()

    tolerance = LOOSE.get(name, TOLERANCES)[precision]
    assert np.linalg.norm(final - FINAL[case]) <= tolerance * np.linalg.norm(FINAL[case])
    assert {"calls": len(calls), "noise_calls": len(asked)} == COUNTS[case]
    assert len(calls) == expected_calls(name, scheduler, int(steps))
    assert FACTS[name].stochastic or not asked or name == "res_multistep"


@pytest.mark.parametrize("case", sorted(LEVELS))
def test_a_schedule_hands_over_the_references_levels(case: str) -> None:
    sampler, scheduler, steps, denoised = case.split("/")

    sigmas = schedule(scheduler, sampler, int(steps), float(denoised))

    np.testing.assert_allclose(sigmas.numpy(), LEVELS[case], rtol=1e-6, atol=0)


def test_every_sampler_is_compared_with_something() -> None:
    assert {case.split("/")[0] for case in FINAL} | UNLISTED == set(SAMPLERS)


@pytest.mark.parametrize("scheduler", sorted(SCHEDULES))
@pytest.mark.parametrize("sampler", ["euler", "dpm_2"])
def test_every_schedule_falls_to_zero_for_any_number_of_steps(scheduler: str, sampler: str) -> None:
    for steps in range(1, 151):
        sigmas = schedule(scheduler, sampler, steps)
        assert bool((sigmas.diff() < 0).all()), steps
        assert float(sigmas[-1]) == 0
        if scheduler != "beta" or steps < 138:
            ahead = int(sampler == "dpm_2")
            assert len(sigmas) - 1 == SCHEDULE_FACTS[scheduler].steps(steps + ahead) - ahead


@pytest.mark.parametrize("scheduler", sorted(SCHEDULES))
def test_a_model_trained_down_to_no_signal_gets_levels_up_to_that(scheduler: str) -> None:
    for steps in range(2, 151):
        sigmas = schedule(scheduler, "euler", steps, zero_terminal=True)
        assert bool((sigmas.diff() < 0).all()), steps
        assert scheduler == "ddim_uniform" or float(sigmas[0]) == pytest.approx(4518, rel=1e-3)


@pytest.mark.parametrize("name", sorted(SAMPLERS))
def test_no_sampler_is_longer_than_forty_lines(name: str) -> None:
    room = inspect.getmodule(SAMPLERS[name])
    functions = [each for each in vars(room).values() if inspect.isfunction(each)]

    assert max(len(inspect.getsource(function).splitlines()) for function in functions) <= 40


def test_calls_are_known_before_painting() -> None:
    assert [FACTS["dpm_2"].calls(steps) for steps in (1, 2, 35)] == [1, 3, 69]
    assert [FACTS["heunpp2"].calls(steps) for steps in (1, 2, 4)] == [1, 3, 9]
    assert [expected_calls("euler", "ddim_uniform", steps) for steps in (20, 30)] == [20, 31]


def test_the_names_people_choose_from_are_those_that_exist() -> None:
    assert set(FACTS) == set(SAMPLERS)
    assert set(SCHEDULE_FACTS) == set(SCHEDULES)


def test_noise_levels_span_sdxls_training() -> None:
    sigmas = training_sigmas()

    assert sigmas.shape == (1000,)
    assert float(sigmas[0]) == pytest.approx(0.0292, abs=5e-5)
    assert sigma_max() == pytest.approx(14.6146, abs=5e-5)


def test_a_noise_level_finds_the_training_step_it_came_from() -> None:
    assert [timestep(float(training_sigmas()[step])) for step in (0, 1, 500, 999)] == [0, 1, 500, 999]


def test_no_noise_is_the_first_training_step() -> None:
    assert timestep(0.0) == 0
