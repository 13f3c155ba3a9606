"""Built-in presets: settings that model cards advise, each for a family of checkpoints. The data is presets.toml."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources

NONE = "none"  # what one types to have no preset at all
# How a model's name tells its family; the first that matches holds.
_FAMILIES = {
    "starter": r"^(easel-)?starter$",
    "opendalle": r"open-?dalle",
    "lightning-8": r"lightning.*8-?step|8-?step.*lightning",
    "lightning": r"lightning",
    "turbo": r"turbo",
    "lcm": r"\blcm\b",
    "base": r"sd-?xl-base|stable-diffusion-xl-base",
}


@dataclass(frozen=True, slots=True)
class Preset:
    """Settings that go together.

    Attributes:
        name: What people type.
        suits: What it is for, in words.
        families: The families of checkpoints it suits.
        steps: Sampling steps.
        cfg: Guidance scale.
        sampler: A name of generation.request.sampler_info.SAMPLERS.
        scheduler: A name of generation.request.sampler_info.SCHEDULES.
    """

    name: str
    suits: str
    families: tuple[str, ...]
    steps: int
    cfg: float
    sampler: str
    scheduler: str

    @property
    def values(self) -> dict[str, int | float | str]:
        """What it sets, by the names people type."""
        return {"steps": self.steps, "cfg": self.cfg, "sampler": self.sampler, "scheduler": self.scheduler}


@cache
def presets() -> dict[str, Preset]:
    """Returns the presets by name."""
    data = tomllib.loads(resources.files("generation").joinpath("assets/presets.toml").read_text(encoding="utf-8"))
    return {name: Preset(name, **(values | {"families": tuple(values["families"])})) for name, values in data.items()}


def family(model: str) -> str | None:
    """Tells a checkpoint's family from its name; None for an unknown one."""
    name = re.sub(r"[\s_.]+", "-", model.lower().rpartition("/")[2])
    return next((found for found, pattern in _FAMILIES.items() if re.search(pattern, name)), None)


def for_model(model: str) -> Preset | None:
    """Returns the preset that a checkpoint's family is painted with by default; None for an unknown family."""
    known = family(model)
    return next((preset for preset in presets().values() if known in preset.families), None)
