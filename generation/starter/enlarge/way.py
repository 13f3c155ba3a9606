"""The whole way: grow, train the UNet, polish the decoder; export every half hour."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import torch

from generation.starter.enlarge.decoder import DecoderTraining
from generation.starter.enlarge.growth import grow
from generation.starter.enlarge.measure import Point, add_point, measure
from generation.starter.enlarge.pools import StoppedError
from generation.starter.enlarge.schedule import DEVIATION, SIDE, Schedule
from generation.starter.enlarge.unet import UNetTraining
from generation.starter.train.export import export, fingerprint, resume
from generation.starter.train.loop import Training
from generation.starter.train.models import Models
from generation.starter.train.pictures import Picture
from generation.starter.train.subjects import select

log = logging.getLogger(__name__)

EXPORT = "easel-starter-256.safetensors"
NOTES = "enlarged"  # where an export says how far it is


@dataclass(frozen=True, slots=True)
class Way:
    """What can be chosen.

    Attributes:
        folder: State, latents, sheets and exports; a state that is there already is gone on from.
        resume_from: The checkpoint to begin with: one of 128 pixels, or an export of this recipe.
        schedule: What is learnt, and for how long.
    """

    folder: Path
    resume_from: Path
    schedule: Schedule = field(default_factory=Schedule)


class Enlargement:
    """One run of the way.

    Args:
        way: What was chosen.
        pictures: All pictures there are.
        stopped: Tells whether to stop soon.
    """

    def __init__(self, way: Way, pictures: Sequence[Picture], stopped: Callable[[], bool] = lambda: False) -> None:
        way.folder.mkdir(parents=True, exist_ok=True)
        torch.set_flush_denormal(True)  # a CPU crawls once weights become denormal
        self._way, self._pictures, self._stopped = way, pictures, stopped
        self._models = begin(resume(way.resume_from), way.schedule)
        for module in self._models.parts().values():
            module.to("cuda" if torch.cuda.is_available() else "cpu")
        self._unet = UNetTraining(self._models, way.schedule, way.folder)
        self._decoder = DecoderTraining(self._models, way.schedule, way.folder)
        for name, training in self._trainings().items():
            done = self._models.notes.get(NOTES, {}).get(name, {})
            training.begin_at(done.get("steps", 0), 3600 * done.get("hours", 0.0))

    def run(self) -> Path:
        """Trains to the end, or until it is stopped, and exports.

        Returns:
            The exported checkpoint.
        """
        try:
            self._unet.run(self._pictures, self._show, self._stopped)
            self._decoder.run(self._pictures, self._show, self._stopped)
        except StoppedError:
            log.info("stopped; the same command goes on from here")
        return self.export()

    def export(self) -> Path:
        """Exports the averaged weights as they are now."""
        path = self._way.folder / EXPORT
        self._models.notes |= {
            "subjects": sorted(picture.label for picture in self._subjects()),
            NOTES: {
                name: {"steps": training.steps, "hours": round(training.seconds / 3600, 2)}
                for name, training in self._trainings().items()
            },
        }
        with self._averaged():
            export(self._models, path)
        log.info("%s: %.1f MB, SHA-256 %s", path.name, path.stat().st_size / 1e6, fingerprint(path))
        return path

    def _show(self) -> None:
        self.export()
        unet, decoder = self._trainings().values()
        sheet = self._way.folder / "sheets" / f"unet-{unet.steps:06d}-decoder-{decoder.steps:06d}.png"
        subjects = self._subjects()
        with self._averaged():
            background, subject = measure(self._models, subjects, self._way.schedule.measured, sheet)
        shown, hours = unet.steps * self._way.schedule.batch, round(unet.seconds / 3600, 2)
        point = Point(shown, hours, decoder.steps, len(subjects), background, subject)
        add_point(self._way.folder / "curve.jsonl", point)
        log.info("%s", point)

    def _trainings(self) -> dict[str, Training]:
        return {"unet": self._unet.training, "decoder": self._decoder.training}

    @contextmanager
    def _averaged(self) -> Iterator[None]:
        """Has the averaged weights in place."""
        for _ in self._unet.training.averaged():
            for _ in self._decoder.training.averaged():
                yield

    def _subjects(self) -> list[Picture]:
        """Returns the subjects of the phase that the UNet is in."""
        phases = self._way.schedule.phases
        now = next((phase for phase in phases if self._unet.training.steps <= phase.until), phases[-1])
        return select(self._pictures, now.subjects)


def begin(models: Models, schedule: Schedule) -> Models:
    """Returns the models that training begins with: grown, and told of their new size, unless they are so already."""
    grown = models if models.shape == schedule.shape else grow(models, schedule.shape)
    if grown.native_size != SIDE:
        grown.scaling_factor *= DEVIATION
        grown.native_size = SIDE
    return grown
