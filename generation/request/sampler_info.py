"""Samplers and schedules by name: the facts about them that need no torch.

The names are ComfyUI's; `label` is what A1111 and Forge write into pictures.
"""

from dataclasses import dataclass
from typing import Literal

Randomness = Literal["none", "sequence", "brownian"]


@dataclass(frozen=True, slots=True)
class Sampler:
    """What people and the queue need to know of a sampler.

    Attributes:
        name: The short name people type.
        label: A1111's name for it, used in picture metadata.
        order: How its error falls with the step length, where it adds no noise.
        calls_per_step: How often it asks the model per step.
        last_calls: How often it asks in the last step.
        noise: What it adds on the way: nothing, one draw after another, or increments of a Brownian path.
        good_for: When to choose it, in a few words.
        adaptive: Whether it chooses its own steps, so that its calls are only estimated.
    """

    name: str
    label: str
    order: int
    good_for: str
    calls_per_step: int = 1
    last_calls: int = 1
    noise: Randomness = "none"
    adaptive: bool = False

    @property
    def stochastic(self) -> bool:
        """Whether it adds noise on the way."""
        return self.noise != "none"

    def calls(self, steps: int, *, to_the_end: bool = True) -> int:
        """Says how often the UNet runs for one picture of so many steps; an estimate for adaptive samplers.

        Args:
            steps: At least one.
            to_the_end: Whether the last of them takes away all the noise.
        """
        if self.adaptive:
            return ADAPTIVE_CALLS
        last = self.last_calls if to_the_end else self.calls_per_step
        return max(self.calls_per_step * (steps - 1) + last, 1)


ADAPTIVE_CALLS = 24  # what dpm_adaptive takes from SDXL's highest to its lowest noise level, give or take a few


@dataclass(frozen=True, slots=True)
class Schedule:
    """A noise schedule: its short name, A1111's label, and when to choose it."""

    name: str
    label: str
    good_for: str

    def steps(self, asked: int) -> int:
        """Says how many steps it makes of those asked for; beta may leave out some of more than 138."""
        if self.name != "ddim_uniform":
            return asked
        return len(range(1, 1000, max(1000 // asked, 1)))


SAMPLERS = {
    sampler.name: sampler
    for sampler in (
        Sampler("euler", "Euler", 1, "soft, dependable; Lightning models"),
        Sampler("euler_ancestral", "Euler a", 1, "variety; Turbo models", noise="sequence"),
        Sampler("ddim", "DDIM", 1, "old recipes; the same as euler here"),
        Sampler("heun", "Heun", 2, "accuracy at moderate steps", 2),
        Sampler("heunpp2", "HeunPP2", 3, "accuracy, slow", 3, 0),
        Sampler("dpm_2", "DPM2", 2, "fine detail; OpenDalle", 2),
        Sampler("dpm_2_ancestral", "DPM2 a", 2, "detail with variety", 2, noise="sequence"),
        Sampler("dpmpp_2s_ancestral", "DPM++ 2S a", 2, "detail with variety", 2, noise="sequence"),
        Sampler("dpm_fast", "DPM fast", 3, "drafts of 15 to 20 calls"),
        Sampler("dpm_adaptive", "DPM adaptive", 3, "the exact ODE; steps are ignored", adaptive=True),
        Sampler("lms", "LMS", 4, "many steps of smooth schedules"),
        Sampler("ipndm", "IPNDM", 4, "few steps, even spacing"),
        Sampler("ipndm_v", "IPNDM_V", 4, "few steps, uneven spacing"),
        Sampler("deis", "DEIS", 3, "few steps"),
        Sampler("dpmpp_2m", "DPM++ 2M", 2, "the usual choice: 20 to 30 steps"),
        Sampler("dpmpp_sde", "DPM++ SDE", 2, "texture and realism", 2, noise="brownian"),
        Sampler("dpmpp_2m_sde", "DPM++ 2M SDE", 2, "texture at one call a step", noise="brownian"),
        Sampler("dpmpp_2m_sde_heun", "DPM++ 2M SDE Heun", 2, "texture, a little calmer", noise="brownian"),
        Sampler("dpmpp_3m_sde", "DPM++ 3M SDE", 3, "texture at 30 steps and more, exponential", noise="brownian"),
        Sampler("ddpm", "DDPM", 1, "the training process itself; many steps", noise="sequence"),
        Sampler("lcm", "LCM", 1, "LCM models: 4 to 8 steps", noise="sequence"),
        Sampler("gradient_estimation", "Gradient Estimation", 1, "fewer steps than euler"),
        Sampler("res_multistep", "Res Multistep", 2, "few steps"),
        Sampler("res_multistep_ancestral", "Res Multistep Ancestral", 2, "few steps, variety", noise="sequence"),
        Sampler("seeds_2", "SEEDS 2", 2, "texture, accurate noise", 2, noise="sequence"),
        Sampler("seeds_3", "SEEDS 3", 3, "texture, accurate noise, slow", 3, noise="sequence"),
        Sampler("er_sde", "ER SDE", 3, "texture at few steps", noise="sequence"),
        Sampler("sa_solver", "SA Solver", 3, "texture with a corrector", noise="sequence"),
        Sampler("sa_solver_pece", "SA Solver PECE", 3, "as sa_solver, twice the calls", 2, noise="sequence"),
        Sampler("uni_pc", "UniPC", 3, "5 to 10 steps"),
        Sampler("uni_pc_bh2", "UniPC BH2", 3, "5 to 10 steps with guidance"),
    )
}

SCHEDULES = {
    schedule.name: schedule
    for schedule in (
        Schedule("normal", "Normal", "the training steps, evenly"),
        Schedule("karras", "Karras", "detail: small steps at low noise"),
        Schedule("exponential", "Exponential", "dpmpp_3m_sde"),
        Schedule("sgm_uniform", "SGM Uniform", "Lightning and LCM models"),
        Schedule("simple", "Simple", "few steps"),
        Schedule("ddim_uniform", "DDIM", "old DDIM recipes"),
        Schedule("beta", "Beta", "composition and detail at once"),
        Schedule("kl_optimal", "KL Optimal", "few steps"),
        Schedule("linear_quadratic", "Linear Quadratic", "a slow start"),
    )
}


def calls(sampler: str, scheduler: str, steps: int) -> int:
    """Says how often the UNet runs for one picture; an estimate for adaptive samplers and long beta schedules."""
    facts, schedule = SAMPLERS[sampler], SCHEDULES[scheduler]
    ahead = int(sampler in AHEAD)
    return facts.calls(schedule.steps(steps + ahead) - ahead)


NOISES = ("easel", "comfyui", "a1111")  # whose way of turning seeds into noise
WEIGHTS = ("comfyui", "a1111")  # whose brackets, and whose way of applying weights
PREDICTIONS = ("checkpoint", "epsilon", "v_prediction", "v_prediction_zsnr")  # what the UNet predicts

# These samplers look one noise level ahead: their schedule is made for one step more, less its last level but one.
AHEAD = frozenset({"dpm_2", "dpm_2_ancestral", "uni_pc", "uni_pc_bh2"})
