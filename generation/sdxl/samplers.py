"""Old place of `generation.sdxl.sampling.samplers`, importable until 0.2."""

from generation.sdxl.sampling.samplers import SAMPLERS, sample

__all__ = ["SAMPLERS", "sample"]
