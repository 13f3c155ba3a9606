"""Pictures as plain values: no tensor, no library's object, so that they may cross every wall."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pixels:
    """One picture: rows of RGB bytes."""

    width: int
    height: int
    rgb: bytes


@dataclass(frozen=True, slots=True)
class AlphaMask:
    """One value a pixel, 0 to 255: how far a picture is opaque there, or how far it is to be repainted."""

    width: int
    height: int
    levels: bytes
