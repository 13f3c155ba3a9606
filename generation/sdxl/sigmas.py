"""Old place of `generation.sdxl.sampling.sigmas`, importable until 0.2."""

from generation.sdxl.sampling.sigmas import schedule

__all__ = ["schedule"]
