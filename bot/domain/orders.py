"""What a person typed."""

from dataclasses import dataclass

from generation.typed_text import TypedText


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

    prompt: TypedText
    negative: TypedText | None = None
    model: TypedText | None = None
    aspect: TypedText | None = None
    width: int | None = None
    height: int | None = None
    steps: int | None = None
    cfg: float | None = None
    sampler: TypedText | None = None
    scheduler: TypedText | None = None
    seed: int | None = None
    count: int | None = None
    preset: TypedText | None = None
    vae: TypedText | None = None
    clip_skip: int | None = None
    extra: TypedText | None = None
    subseed: int | None = None
    subseed_strength: float | None = None
    rescale: float | None = None
    cfg_start: float | None = None
    cfg_end: float | None = None
    weights: TypedText | None = None
    noise: TypedText | None = None
    prediction: TypedText | None = None
    row: int | None = None
    rows: int | None = None
    image: InputFile | None = None
    strength: float | None = None
    fit: TypedText | None = None
    mask: InputFile | None = None
    feather: int | None = None
    grow: int | None = None
    invert: bool | None = None
    area: TypedText | None = None
    margin: int | None = None
    outpaint: TypedText | None = None
    lora: TypedText | None = None
    hires: float | None = None
    upscale: float | None = None
    hires_strength: float | None = None
    hires_steps: int | None = None
    hires_method: TypedText | None = None
    tile: int | None = None
    refiner: TypedText | None = None
    refiner_at: float | None = None
    refiner_strength: float | None = None
    refiner_steps: int | None = None
