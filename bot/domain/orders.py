"""What a person typed."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class InputFile:
    """A picture that a person brought: read, checked, and kept in the store.

    Attributes:
        digest: Its file's SHA-256.
        width: Pixels, upright.
        height: Pixels, upright.
        transparent: Whether something of it is.
    """

    digest: str
    width: int
    height: int
    transparent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a person typed; None where they left it open."""

    prompt: str
    negative: str | None = None
    model: str | None = None
    aspect: str | None = None
    width: int | None = None
    height: int | None = None
    steps: int | None = None
    cfg: float | None = None
    sampler: str | None = None
    scheduler: str | None = None
    seed: int | None = None
    count: int | None = None
    preset: str | None = None
    vae: str | None = None
    clip_skip: int | None = None
    extra: str | None = None
    subseed: int | None = None
    subseed_strength: float | None = None
    rescale: float | None = None
    cfg_start: float | None = None
    cfg_end: float | None = None
    weights: str | None = None
    noise: str | None = None
    prediction: str | None = None
    row: int | None = None
    rows: int | None = None
    image: InputFile | None = None
    strength: float | None = None
    fit: str | None = None
    mask: InputFile | None = None
    feather: int | None = None
    grow: int | None = None
    invert: bool | None = None
    area: str | None = None
    margin: int | None = None
    outpaint: str | None = None
    lora: str | None = None
    hires: float | None = None
    upscale: float | None = None
    hires_strength: float | None = None
    hires_steps: int | None = None
    hires_method: str | None = None
    tile: int | None = None
    refiner: str | None = None
    refiner_at: float | None = None
    refiner_strength: float | None = None
    refiner_steps: int | None = None
