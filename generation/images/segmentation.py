"""Parts of a picture that belong together by colour and place, for choosing what is repainted. Pure.

Superpixels (SLIC: Achanta et al. 2012, "SLIC superpixels compared to state-of-the-art superpixel methods", IEEE TPAMI
34 (11)) are merged, the most alike neighbours first, until few enough are left; so coarse parts are made of fine ones.
The same picture always has the same parts.
"""

import heapq
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generation.images.pixels import Pixels

SIDE = 256  # pixels of the longer side while looking for parts
COUNTS = (8, 16, 25)  # the most parts at each level, coarse to fine
_SUPERPIXELS = 400
_COMPACTNESS = 8.0  # how much a step of one superpixel's side weighs against a difference in colour
_ROUNDS = 8
_SAME = 2.5  # a difference in CIELAB that nobody sees as a border: such neighbours are always one
_STRONG = 10.0**2  # squared difference between neighbouring pixels: a stronger one counts as this
_SOFT = 5.0**2  # likewise, on average along a border that may be none
_EDGE = 16.0  # how much more a difference between neighbouring pixels counts than one between parts
_SPECK = 0.003  # of the picture: no part is smaller
_THIN = 0.19  # of a superpixel's side, as area by border: so are the rims of soft edges
_BANDS = 6  # in which parts are numbered
_AT_ONCE = 1e9  # how much sooner both are merged

Labels = NDArray[np.uint8]  # (height, width): each pixel's part, counted from 0


def regions(pixels: Pixels, counts: Sequence[int] = COUNTS) -> tuple[Labels, ...]:
    """Divides a picture into parts; takes some tenths of a second.

    Args:
        pixels: The picture; large ones are looked at smaller.
        counts: The most parts of each level, ascending.

    Returns:
        A map for each count, of at most SIDE pixels a side, its parts numbered from the top left in reading order.
        A part of a finer map lies in one part of every coarser map.
    """
    from scipy.ndimage import gaussian_filter  # noqa: PLC0415 - 30 MB, for those who choose regions

    image = Image.frombytes("RGB", (pixels.width, pixels.height), pixels.rgb)
    image.thumbnail((SIDE, SIDE), Image.Resampling.BOX, reducing_gap=None)
    colours = gaussian_filter(lab(np.asarray(image, np.float64) / 255), sigma=(1, 1, 0))
    pieces = _connected(_superpixels(colours))
    merging = _Merging(pieces, colours)
    maps = [_in_reading_order(merging.down_to(count)[pieces]) for count in sorted(counts, reverse=True)]
    return tuple(reversed(maps))


def lab(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turns sRGB, (..., 3) from 0 to 1, into CIELAB under D65 (IEC 61966-2-1; CIE 15:2004)."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = linear @ _TO_XYZ.T / _WHITE
    root = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = np.moveaxis(root, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


_TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
_WHITE = _TO_XYZ.sum(axis=1)


def _superpixels(colours: NDArray[np.float64]) -> NDArray[np.intp]:
    """Clusters pixels by colour and place, each within the nine cells of a grid around it (SLIC, eq. 3)."""
    height, width = colours.shape[:2]
    step = max(math.sqrt(height * width / _SUPERPIXELS), 1.0)
    across, along = max(round(width / step), 1), max(round(height / step), 1)
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    places = np.stack([y, x], axis=-1) * (_COMPACTNESS / step)
    points = np.concatenate([colours, places], axis=-1).reshape(-1, 5)
    cell_y, cell_x = (y * along / height).astype(int).ravel(), (x * across / width).astype(int).ravel()
    cells = cell_y * across + cell_x
    candidates = np.stack(
        [
            (cell_y + down).clip(0, along - 1) * across + (cell_x + right).clip(0, across - 1)
            for down in (-1, 0, 1)
            for right in (-1, 0, 1)
        ]
    )
    nearest: NDArray[np.intp] = cells
    for _ in range(_ROUNDS):
        sizes = np.bincount(nearest, minlength=across * along).clip(1)
        centres = np.stack(
            [np.bincount(nearest, weights=points[:, axis], minlength=across * along) for axis in range(5)], axis=-1
        )
        means = centres / sizes[:, None]
        distances = np.stack([((points - means[each]) ** 2).sum(axis=1) for each in candidates])
        nearest = np.take_along_axis(candidates, distances.argmin(axis=0)[None], axis=0)[0]
    return nearest.reshape(height, width)


def _connected(labels: NDArray[np.intp]) -> NDArray[np.intp]:
    """Gives every connected piece of a label a label of its own."""
    from scipy.sparse import coo_array  # noqa: PLC0415
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

    numbers = np.arange(labels.size).reshape(labels.shape)
    alike = [first == second for first, second in _neighbours(labels)]
    same = [(pair[0][mask], pair[1][mask]) for pair, mask in zip(_neighbours(numbers), alike, strict=True)]
    first, second = (np.concatenate([pair[side] for pair in same]) for side in (0, 1))
    graph = coo_array((np.ones(len(first), np.int8), (first, second)), shape=(labels.size, labels.size))
    pieces: NDArray[np.intp] = connected_components(graph, directed=False)[1].astype(np.intp)
    return pieces.reshape(labels.shape)


def _neighbours(values: NDArray[np.intp]) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Gives every pair of pixels that lie beside or below each other."""
    yield values[:, :-1], values[:, 1:]
    yield values[:-1], values[1:]


@dataclass(slots=True)
class _Border:
    """Between two pieces: its length in pixels, and the squared differences in colour across it, in all."""

    length: float
    contrast: float


class _Merging:
    """Merges the most alike neighbours, one pair after the other."""

    def __init__(self, pieces: NDArray[np.intp], colours: NDArray[np.float64]) -> None:
        count = int(pieces.max()) + 1
        self._sizes = np.bincount(pieces.ravel(), minlength=count).astype(float)
        flat = colours.reshape(-1, 3)
        sums = [np.bincount(pieces.ravel(), weights=flat[:, axis], minlength=count) for axis in range(3)]
        self._means = np.stack(sums, axis=-1) / self._sizes[:, None]
        self._speck = _SPECK * pieces.size
        self._thin = _THIN * math.sqrt(pieces.size / _SUPERPIXELS)
        self._rims = np.zeros(count)
        self._parents = np.arange(count)
        self._left = count
        self._borders: list[dict[int, _Border]] = [{} for _ in range(count)]
        self._ages = [0] * count
        self._find_borders(pieces, colours)
        self._line: list[tuple[float, int, int, int, int]] = []
        for piece, borders in enumerate(self._borders):
            for other in borders:
                if piece < other:
                    self._queue(piece, other)

    def down_to(self, count: int) -> NDArray[np.intp]:
        """Merges until so many are left, and whatever nobody could tell apart; returns each piece's part."""
        while self._line and (self._left > count or self._line[0][0] < 0):
            _, first, second, first_age, second_age = heapq.heappop(self._line)
            if (self._ages[first], self._ages[second]) == (first_age, second_age):
                self._merge(first, second)
        parents = self._parents
        while not np.array_equal(parents, parents[parents]):
            parents = parents[parents]
        return parents

    def _find_borders(self, pieces: NDArray[np.intp], colours: NDArray[np.float64]) -> None:
        pairs = zip(_neighbours(pieces), ((colours[:, :-1], colours[:, 1:]), (colours[:-1], colours[1:])), strict=True)
        for (first, second), (before, after) in pairs:
            across = first != second
            contrast = ((before - after) ** 2).sum(axis=-1)[across]
            for one, other, difference in zip(first[across], second[across], contrast, strict=True):
                self._extend(int(one), int(other), 1.0, min(float(difference), _STRONG))
                self._rims[[one, other]] += 1

    def _extend(self, first: int, second: int, length: float, contrast: float) -> None:
        border = self._borders[first].get(second)
        if border is None:
            border = self._borders[first][second] = self._borders[second][first] = _Border(0.0, 0.0)
        border.length += length
        border.contrast += contrast

    def _queue(self, first: int, second: int) -> None:
        cost = self._cost(first, second)
        heapq.heappush(self._line, (cost, first, second, self._ages[first], self._ages[second]))

    def _cost(self, first: int, second: int) -> float:
        """Says how unlike two neighbours are; negative for what must be merged whatever is left."""
        border = self._borders[first][second]
        apart = float(((self._means[first] - self._means[second]) ** 2).sum())
        difference = min(apart, _EDGE * border.contrast / border.length)  # a slow change is no border
        if apart < _SAME**2 and border.contrast / border.length < _SOFT:
            return difference - _AT_ONCE
        sizes = self._sizes[first], self._sizes[second]
        weight = math.sqrt(sizes[0] * sizes[1] / sum(sizes))  # Ward's has no root, and likes parts of one size
        thin = min(size / self._rims[piece] for size, piece in zip(sizes, (first, second), strict=True)) < self._thin
        if thin or min(sizes) < self._speck:
            smaller = first if sizes[0] < sizes[1] else second
            return (
                difference * weight * float(self._rims[smaller]) / border.length - _AT_ONCE
            )  # into what it lies along
        return difference * weight

    def _merge(self, first: int, second: int) -> None:
        """Puts the second piece into the first."""
        sizes = self._sizes[first], self._sizes[second]
        self._means[first] = (self._means[first] * sizes[0] + self._means[second] * sizes[1]) / sum(sizes)
        self._sizes[first] = sum(sizes)
        self._parents[second] = first
        self._left -= 1
        self._ages[first] += 1
        self._ages[second] = -1
        self._rims[first] += self._rims[second] - 2 * self._borders[first].pop(second).length
        for other, border in self._borders[second].items():
            if other != first:
                del self._borders[other][second]
                self._extend(first, other, border.length, border.contrast)
        self._borders[second] = {}
        for other in self._borders[first]:
            self._queue(first, other)


def _in_reading_order(parts: NDArray[np.intp]) -> Labels:
    """Numbers parts by where their middles lie: in bands from the top, within a band from the left."""
    height, width = parts.shape
    _, inverse, sizes = np.unique(parts, return_inverse=True, return_counts=True)
    flat = inverse.ravel()
    y, x = np.mgrid[0:height, 0:width]
    down, across = (np.bincount(flat, weights=each.ravel()) / sizes for each in (y, x))
    order = np.lexsort((across, (down * _BANDS / height).astype(int)))
    numbers = np.argsort(order)
    return numbers[flat].reshape(parts.shape).astype(np.uint8)
