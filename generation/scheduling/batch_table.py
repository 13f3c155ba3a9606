"""How many pictures of a size share a UNet call: by a table measured on this device, or by rule of thumb. Pure.

`easel bench --calibrate` measures it and keeps it in `calls.json` in the data folder, one table for each device,
precision and size of UNet.
"""

import json
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from generation.errors import GenerationError

log = logging.getLogger(__name__)

FILE = "calls.json"
PIXELS_PER_CALL = 1024 * 1024  # the rule of thumb: beyond this a larger batch gains little and delays all in it
MAX_PICTURES_PER_CALL = 8
DEEP = 2  # times as many pictures wait as share a call: throughput then counts for more than delay
WORTH_IT = 1.02  # the gain in throughput for which a deep queue puts up with delay

Seconds = Mapping[int, float]


@dataclass(frozen=True, slots=True)
class BatchTable:
    """What UNet calls take on one device.

    Attributes:
        seconds: For a picture's area in pixels, the seconds of one call by the number of its pictures, 1 among them.
            Empty for a device that was not measured.

    Raises:
        ValueError: A size lacks its single picture, or a number is not positive.
    """

    seconds: Mapping[int, Seconds] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for area, times in self.seconds.items():
            positive = all(0 < each < math.inf for each in times.values())
            if area < 1 or 1 not in times or min(times) < 1 or not positive:
                raise ValueError("a size lacks its single picture, or a number is not positive")

    def pictures(self, pixels: int, waiting: int) -> int:
        """Says how many of the waiting pictures of an area share the next call.

        Sharing among k pays for everybody where it makes the work faster than 2k/(k + 1) times: then even the one
        who would have been first by itself is served no later on average. For less it pays only in a deep queue.
        """
        if not self.seconds:
            return max(1, min(MAX_PICTURES_PER_CALL, PIXELS_PER_CALL // pixels, waiting))
        measured = self.seconds[min(self.seconds, key=lambda area: abs(area - pixels))]
        gains = {count: count * measured[1] / seconds for count, seconds in measured.items() if count <= waiting}
        paying = [count for count, gain in gains.items() if gain >= 2 * count / (count + 1)]
        best = max(gains, key=lambda count: (gains[count], -count))
        if waiting >= DEEP * best and gains[best] >= WORTH_IT:
            paying.append(best)
        return max(paying)


@dataclass(frozen=True, slots=True)
class DeviceKey:
    """What a table holds for: a device's name, the precision, and the UNet's number of parameters."""

    device: str
    dtype: str
    parameters: int

    def __str__(self) -> str:
        return f"{self.device} | {self.dtype} | {self.parameters}"


def read_table(folder: Path, key: DeviceKey) -> BatchTable:
    """Reads the table of a device; one without numbers where nothing was measured."""
    try:
        measured = json.loads((folder / FILE).read_text(encoding="utf-8")).get(str(key), {})
        return BatchTable({int(area): _by_count(times) for area, times in measured.items()})
    except FileNotFoundError:
        return BatchTable()
    except (OSError, ValueError, AttributeError, TypeError) as error:
        log.warning("%s cannot be read (%s); `easel bench --calibrate` writes it anew", folder / FILE, error)
        return BatchTable()


def write_table(folder: Path, key: DeviceKey, table: BatchTable) -> Path:
    """Keeps the table of a device, beside those of others; returns the file.

    Raises:
        GenerationError: It cannot be written.
    """
    path = folder / FILE
    try:
        known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except ValueError:
        known = {}
    known[str(key)] = {str(area): {str(n): each for n, each in times.items()} for area, times in table.seconds.items()}
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_text(json.dumps(known, indent=1), encoding="utf-8")
    except OSError as error:
        raise GenerationError(f"{path} cannot be written: {error}") from error
    return path


def _by_count(times: Mapping[str, float]) -> dict[int, float]:
    return {int(count): float(each) for count, each in times.items()}
