"""From an aspect ratio to a size the model paints well."""

import math
import re

from generation import InvalidRequestError
from generation.request.request import SIZE_STEP
from generation.request.validation import quoted
from generation.typed_text import TypedText

ASPECTS = ("1:1", "3:2", "2:3", "4:3", "3:4", "16:9", "9:16", "5:4", "4:5", "21:9", "9:21")
WIDEST = 4.0
_SMALLEST_SHARE = 0.87  # of the native area: below it a better ratio is not worth the lost pixels


def parse_aspect(text: TypedText) -> float:
    """Reads an aspect such as "3:2" as width by height.

    Raises:
        InvalidRequestError: It is none, or more extreme than 4:1.
    """
    match = re.fullmatch(r"\s*(\d{1,4}(?:\.\d{1,6})?)\s*[:x/]\s*(\d{1,4}(?:\.\d{1,6})?)\s*", text)
    if match is None or not float(match[1]) or not float(match[2]):
        raise InvalidRequestError("aspect", f"aspect must look like 3:2 or 16:9, not {quoted(text)}.")
    ratio = float(match[1]) / float(match[2])
    if not 1 / WIDEST <= ratio <= WIDEST:
        raise InvalidRequestError("aspect", f"aspect must be between 1:4 and 4:1, not {quoted(text)}.")
    return ratio


def size_for(ratio: float, native: int) -> tuple[int, int]:
    """Returns the size nearest to a ratio with about the area that the model was trained on.

    At 1024 this gives SDXL's own training sizes, such as 1216x832 for 3:2.

    Args:
        ratio: Width by height.
        native: Side of the model's square training pictures.
    """
    step = max(SIZE_STEP, native // 16 // SIZE_STEP * SIZE_STEP)
    sides = range(step, int(native * math.sqrt(WIDEST)) + step, step)
    fitting = [
        (width, height)
        for width in sides
        for height in sides
        if _SMALLEST_SHARE * native**2 <= width * height <= native**2
    ]
    return min(fitting, key=lambda size: (abs(math.log(size[0] / size[1] / ratio)), -size[0] * size[1]))


def other_side(side: int, ratio: float) -> int:
    """Returns the side that completes a ratio, a multiple of 8."""
    return max(SIZE_STEP, round(side * ratio / SIZE_STEP) * SIZE_STEP)
