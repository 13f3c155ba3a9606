"""Old place of `generation.sdxl.model.text_encoders`, importable until 0.2."""

from generation.sdxl.model.text_encoders import tokenize

__all__ = ["tokenize"]
