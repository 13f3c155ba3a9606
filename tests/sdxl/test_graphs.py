"""Recorded UNet calls, with a tape in place of a card: playing it back makes the call with what lies in its inputs."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from generation.sdxl.acceleration.cuda_graphs import MOST_SHAPES, USUAL, GraphedUnet, Play


class Unet:
    """Answers with twice the latents plus the timestep, and counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, latents: Tensor, timesteps: Tensor, **conditions: Any) -> tuple[Tensor]:
        self.calls += 1
        return (2 * latents + timesteps.view(-1, 1, 1, 1) + conditions["encoder_hidden_states"].sum(),)


class Tape:
    """Stands for CUDA's graphs: a recording answers into the same tensor whenever it is played."""

    def __init__(self) -> None:
        self.recorded = 0
        self.played = 0
        self.failure: RuntimeError | None = None

    def __call__(self, call: Callable[[], Tensor], _pool: object) -> tuple[Play, Tensor]:
        if self.failure is not None:
            raise self.failure
        self.recorded += 1
        answer = torch.empty_like(call())

        def play() -> None:
            self.played += 1
            answer.copy_(call())

        return play, answer


class Compiled(Unet):
    """A UNet that will be called in another way once its compiling is done."""

    def __init__(self) -> None:
        super().__init__()
        self.done = False
        self.forgot = False

    def settled(self, _latents: Tensor, _hidden: Tensor) -> bool:
        return self.done

    def forget(self) -> None:
        self.forgot = True


@pytest.fixture
def tape() -> Tape:
    return Tape()


def ask(unet: GraphedUnet, value: float, side: int = 8) -> Tensor:
    """Calls a UNet with latents full of a value."""
    latents = torch.full((2, 4, side, side), value)
    hidden, added = torch.zeros(2, 77, 16), {"text_embeds": torch.zeros(2, 8), "time_ids": torch.zeros(2, 6)}
    answer: Tensor = unet(
        latents, torch.tensor([10.0, 20.0]), encoder_hidden_states=hidden, added_cond_kwargs=added, return_dict=False
    )[0]
    return answer


def test_a_usual_shape_is_recorded_and_then_played_back(tape: Tape) -> None:
    unet = GraphedUnet(Unet(), capture=tape)

    answers = [ask(unet, value) for value in range(USUAL + 3)]

    assert (tape.recorded, tape.played) == (1, 3)
    for value, answer in enumerate(answers):  # none was overwritten by the next
        assert bool((answer[0] == 2 * value + 10).all())
        assert bool((answer[1] == 2 * value + 20).all())


def test_what_changes_its_ways_is_not_recorded_yet(tape: Tape) -> None:
    compiled = Compiled()
    unet = GraphedUnet(Unet(), compiled, tape)
    for _ in range(USUAL + 2):
        ask(unet, 1)
    assert tape.recorded == 0

    compiled.done = True
    ask(unet, 1)
    assert tape.recorded == 1

    unet.forget()
    assert compiled.forgot  # the weights moved for it as well


def test_the_shapes_used_last_stay_recorded(tape: Tape) -> None:
    unet = GraphedUnet(Unet(), capture=tape)
    for side in range(1, MOST_SHAPES + 2):  # one more than there is room for: the first leaves
        for _ in range(USUAL + 1):
            ask(unet, 1, side)
    assert tape.recorded == MOST_SHAPES + 1

    tape.played = 0
    for side in range(1, MOST_SHAPES + 2):
        ask(unet, 1, side)

    assert tape.played == MOST_SHAPES


def test_where_memory_is_short_nothing_is_recorded_any_more(tape: Tape, caplog: pytest.LogCaptureFixture) -> None:
    unet = GraphedUnet(Unet(), capture=tape)
    for _ in range(USUAL + 1):
        ask(unet, 1)

    gave_up = [unet.release(), unet.release()]
    for _ in range(2 * USUAL):
        ask(unet, 1)

    assert gave_up == [True, False]
    assert tape.recorded == 1
    assert caplog.text.count("memory is short") == 1


def test_weights_that_moved_are_recorded_anew(tape: Tape) -> None:
    unet = GraphedUnet(Unet(), capture=tape)
    for _ in range(USUAL + 1):
        ask(unet, 1)

    unet.forget()
    ask(unet, 2)
    assert tape.played == 1  # as it is, for the old recording reads from where the weights were

    for _ in range(USUAL):
        ask(unet, 2)
    assert tape.recorded == 2


def test_what_cannot_be_recorded_is_called_as_it_is(tape: Tape, caplog: pytest.LogCaptureFixture) -> None:
    tape.failure = RuntimeError("operation not permitted when stream is capturing")
    plain = Unet()
    unet = GraphedUnet(plain, capture=tape)

    answers = [ask(unet, 3) for _ in range(USUAL + 4)]

    assert plain.calls == USUAL + 4
    assert all(torch.equal(answer, answers[0]) for answer in answers)
    assert caplog.text.count("cannot be recorded") == 1
