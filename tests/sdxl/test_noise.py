"""Seeds: whose picture is whose, in every convention."""

import pytest
import torch
import torchsde

from generation.request.request import GenerationRequest
from generation.sdxl.sampling.noise import first_noise, later_noise, slerp, starting_noise
from generation.sdxl.sampling.sigmas import schedule
from tests.sdxl.conftest import request

SHAPE = (1, 4, 8, 8)
CPU = torch.device("cpu")
SIGMAS = schedule("karras", "dpmpp_2m_sde", 5)


def later(asked: GenerationRequest, draws: int = 2) -> list[torch.Tensor]:
    source = later_noise(asked, SHAPE, SIGMAS, CPU)
    return [source(SIGMAS[i], SIGMAS[i + 1]) for i in range(draws)]


def sequence(seed: int, shape: tuple[int, ...], count: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator) for _ in range(count)]


def test_a_picture_begins_with_its_seeds_noise_whatever_the_convention() -> None:
    for noise in ("easel", "comfyui", "a1111"):
        assert torch.equal(first_noise(request(seed=7, noise=noise), SHAPE), sequence(7, SHAPE, 1)[0])


def test_a_comfyui_batch_is_one_generators_sequence() -> None:
    batch = request(seed=7, noise="comfyui", count=3, sampler="euler_ancestral")
    drawn, drawn_later = sequence(7, SHAPE, 3), sequence(8, (3, 4, 8, 8), 2)

    for index in range(3):
        assert torch.equal(first_noise(batch.picture(index), SHAPE), drawn[index])
        for found, whole in zip(later(batch.picture(index)), drawn_later, strict=True):
            assert torch.equal(found[0], whole[index])


def test_easels_batch_draws_each_picture_from_its_own_seed() -> None:
    batch = request(seed=7, count=2, sampler="euler_ancestral")

    assert torch.equal(first_noise(batch.picture(1), SHAPE), sequence(8, SHAPE, 1)[0])
    assert all(map(torch.equal, later(batch.picture(1)), sequence(9, SHAPE, 2)))


def test_a1111_goes_on_with_the_generator_of_the_first_noise() -> None:
    found = later(request(seed=7, noise="a1111", sampler="euler_ancestral"))

    assert all(map(torch.equal, found, sequence(7, SHAPE, 3)[1:]))


def test_sde_solvers_walk_torchsdes_path_backwards() -> None:
    low, high = float(SIGMAS[-2]), float(SIGMAS[0])
    path = torchsde.BrownianTree(round(low, 6), torch.zeros(SHAPE), round(high, 6), entropy=7)

    for i, found in enumerate(later(request(seed=7, sampler="dpmpp_2m_sde"), 4)):
        above, below = float(SIGMAS[i]), float(SIGMAS[i + 1])
        increment = path(max(below, round(low, 6)), min(above, round(high, 6)))
        assert torch.allclose(found, -increment / (above - below) ** 0.5)


def test_the_path_is_the_same_however_it_is_walked() -> None:
    asked = request(seed=7, sampler="dpmpp_sde")
    walked, jumped = later_noise(asked, SHAPE, SIGMAS, CPU), later_noise(asked, SHAPE, SIGMAS, CPU)
    lengths = [float(SIGMAS[i] - SIGMAS[i + 1]) ** 0.5 for i in range(2)]

    parts = [walked(SIGMAS[i], SIGMAS[i + 1]) * lengths[i] for i in range(2)]
    whole = jumped(SIGMAS[0], SIGMAS[2]) * float(SIGMAS[0] - SIGMAS[2]) ** 0.5

    assert torch.allclose(parts[0] + parts[1], whole, atol=1e-5)
    assert float(walked(SIGMAS[2], SIGMAS[3]).std()) == pytest.approx(1, abs=0.2)


def test_a_variation_goes_from_one_seeds_noise_to_the_others() -> None:
    first, second = starting_noise(7, SHAPE), starting_noise(9, SHAPE)

    assert torch.equal(first_noise(request(seed=7, subseed=9), SHAPE), first)
    assert torch.allclose(first_noise(request(seed=7, subseed=9, subseed_strength=1.0), SHAPE), second, atol=1e-6)
    halfway = slerp(0.5, first, second)
    assert torch.allclose(halfway, slerp(0.5, second, first), atol=1e-6)
    assert float(halfway.std()) == pytest.approx(1, abs=0.1)
    assert torch.equal(slerp(0.3, first, first), first)


def test_variations_of_a_batch_keep_the_seed_and_count_the_subseed_up() -> None:
    batch = request(seed=7, subseed=9, subseed_strength=0.2, count=3)

    assert (batch.picture(2).seed, batch.picture(2).subseed) == (7, 11)
