"""What is learnt in which order, and for how long."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from generation.starter.train.models import Shape

SIDE = 256
SQUARE = (SIDE, SIDE)
DEVIATION = 0.5  # of the latents as the UNet takes them; docs/decisions/0020-the-starter-at-256-pixels.md says why

# The sizes that `aspect` comes to at a native size of 256, and how often each is shown.
BUCKETS: Mapping[tuple[int, int], float] = {
    SQUARE: 0.6,
    (304, 208): 0.1,
    (208, 304): 0.1,
    (288, 224): 0.1,
    (224, 288): 0.1,
}


@dataclass(frozen=True, slots=True)
class Phase:
    """What the UNet is shown for some steps.

    Attributes:
        name: For the log and the files of latents.
        until: The step at which the phase ends, counted from the first phase's beginning.
        subjects: `familiar`, `common`, `everyday` or `all`.
        square: How many square scenes there are of each subject.
        oblong: How many scenes of each subject in each of the other buckets; 0 for squares only.
        seed: What colours, sizes and places are drawn with.
    """

    name: str
    until: int
    subjects: str
    square: int
    oblong: int = 0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Schedule:
    """The whole way.

    Attributes:
        phases: What the UNet is shown, one after the other; its learning rate falls along half a cosine over them all.
        decoder_steps: How long the decoder is polished, after the UNet.
        shape: How large the models become.
        batch: Scenes in a step of the UNet.
        export_seconds: How often the averaged weights are exported and measured.
        measured: How many held-out pairs are painted for the curve each time.
    """

    phases: tuple[Phase, ...] = (
        Phase("squares", 2_500, "common", square=9),
        Phase("names", 24_000, "everyday", square=10, oblong=2, seed=10),
    )
    decoder_steps: int = 6_000
    shape: Shape = field(default_factory=lambda: Shape(unet_depth=(1, 1, 2), vae_layers=2))
    batch: int = 16
    export_seconds: float = 1800.0
    measured: int = 40

    @property
    def unet_steps(self) -> int:
        """How many steps the UNet takes in all."""
        return self.phases[-1].until
