"""Samplers and schedules by name: the facts about them that need no torch.

The names are ComfyUI's; `label` is what A1111 writes into pictures.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sampler:
    """What people and the queue need to know of a sampler.

    Attributes:
        name: The short name people type.
        label: A1111's name for it, used in picture metadata.
        calls_per_step: How often it asks the model per step; the last step always takes one.
        stochastic: Whether it adds noise on the way.
    """

    name: str
    label: str
    calls_per_step: int = 1
    stochastic: bool = False

    def calls(self, steps: int) -> int:
        """Says how often the UNet runs for one picture of so many steps."""
        return self.calls_per_step * (steps - 1) + 1


@dataclass(frozen=True, slots=True)
class Schedule:
    """A noise schedule: its short name and A1111's label."""

    name: str
    label: str


SAMPLERS = {
    sampler.name: sampler
    for sampler in (
        Sampler("euler", "Euler"),
        Sampler("euler_ancestral", "Euler a", stochastic=True),
        Sampler("dpm_2", "DPM2", calls_per_step=2),
        Sampler("dpmpp_2m", "DPM++ 2M"),
    )
}

SCHEDULES = {schedule.name: schedule for schedule in (Schedule("normal", "Normal"), Schedule("karras", "Karras"))}
