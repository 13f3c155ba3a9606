"""What is asked of the engine: frozen, complete, validated, comparable."""

from dataclasses import dataclass, replace

from generation.errors import InvalidRequestError
from generation.request.options import MAX_STEPS, Hires, Init, Lora, Mask, OutpaintPadding, Refiner
from generation.request.sampler_info import NOISES, PREDICTIONS, SAMPLERS, SCHEDULES, WEIGHTS, calls
from generation.request.tile_grid import tiles
from generation.request.validation import (
    MAX_PROMPT_CHARACTERS,
    MAX_SIZE,
    MIN_SIZE,
    SIZE_STEP,
    check_name,
    check_range,
    check_size,
    check_text,
)

__all__ = [
    "MAX_CLIP_SKIP",
    "MAX_COUNT",
    "MAX_GUIDANCE_SCALE",
    "MAX_PROMPT_CHARACTERS",
    "MAX_SEED",
    "MAX_SIZE",
    "MAX_STEPS",
    "MIN_SIZE",
    "SIZE_STEP",
    "GenerationRequest",
    "check_name",
]

MAX_GUIDANCE_SCALE = 50.0
MAX_COUNT = 10
MAX_CLIP_SKIP = 12  # the layers of SDXL's smaller text encoder
MAX_SEED = 2**53 - 1  # the largest integer that survives JavaScript, so every Discord client


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationRequest:
    """One complete order for pictures: the same request paints the same pictures.

    Nothing is left open: defaults, presets and random seeds are decided before. Picture i of `count`
    uses seed + i and is the very picture it would be alone.

    Attributes:
        prompt: What to paint.
        negative_prompt: What to keep out; "" for nothing.
        model: The checkpoint's name in the catalogue.
        width: Pixels, a multiple of 8 from 64 to 4096.
        height: Pixels, a multiple of 8 from 64 to 4096.
        steps: Sampling steps, 1 to 150.
        guidance_scale: Classifier-free guidance (cfg), 0 to 50; 1 or less paints without guidance.
        sampler: A name of generation.request.sampler_info.SAMPLERS.
        scheduler: A name of generation.request.sampler_info.SCHEDULES.
        seed: 0 to 2**53 - 1.
        count: How many pictures, 1 to 10.
        clip_skip: Which layer of the text encoders is listened to, counted from the end: 2 is SDXL's own.
        weights: Whose brackets the prompts have and how weights are applied, a name of WEIGHTS.
        noise: Whose way of turning seeds into noise, a name of NOISES.
        row: Which picture of a ComfyUI batch this is; only with that noise.
        rows: How many pictures that batch had.
        subseed: The seed of a variation.
        subseed_strength: How far to go from the seed's noise to the subseed's, 0 to 1. From a strength above 0 on,
            picture i of `count` has subseed + i instead of seed + i, as in A1111.
        guidance_rescale: How much of the contrast that guidance adds is taken back, 0 to 1 (arXiv 2305.08891).
        guidance_start: The share of the steps after which guidance begins.
        guidance_end: The share of the steps after which guidance ends; 1 is never.
        prediction: What the UNet predicts, a name of PREDICTIONS; "checkpoint" is what the checkpoint says itself.
        vae: The name of a separate VAE file; "" for the checkpoint's own.
        init: The picture that painting begins from; None to begin from noise alone.
        mask: What of that picture is repainted; None for all of it.
        loras: What is merged into the weights, beside what the prompt asks for in <lora:...>.
        outpaint: The canvas that is added around it; None for none.
        hires: A second pass over the picture, made larger; None for none.
        refiner: Another checkpoint that ends the last pass, or paints one of its own after it; None for none.

    Raises:
        InvalidRequestError: A value is out of its range.
    """

    prompt: str
    negative_prompt: str = ""
    model: str
    width: int = 1024
    height: int = 1024
    steps: int = 30
    guidance_scale: float = 7.0
    sampler: str = "dpmpp_2m"
    scheduler: str = "karras"
    seed: int
    count: int = 1
    clip_skip: int = 2
    weights: str = "comfyui"
    noise: str = "easel"
    row: int = 0
    rows: int = 1
    subseed: int = 0
    subseed_strength: float = 0.0
    guidance_rescale: float = 0.0
    guidance_start: float = 0.0
    guidance_end: float = 1.0
    prediction: str = "checkpoint"
    vae: str = ""
    loras: tuple[Lora, ...] = ()
    init: Init | None = None
    mask: Mask | None = None
    outpaint: OutpaintPadding | None = None
    hires: Hires | None = None
    refiner: Refiner | None = None

    def __post_init__(self) -> None:
        check_text("prompt", self.prompt)
        check_text("negative", self.negative_prompt)
        check_size("width", self.width)
        check_size("height", self.height)
        check_range("steps", self.steps, 1, MAX_STEPS)
        check_range("cfg", self.guidance_scale, 0, MAX_GUIDANCE_SCALE)
        check_range("seed", self.seed, 0, MAX_SEED)
        check_range("count", self.count, 1, MAX_COUNT)
        check_range("seed", self.seed + self.count - 1, 0, MAX_SEED)
        check_name("sampler", self.sampler, SAMPLERS)
        check_name("scheduler", self.scheduler, SCHEDULES)
        check_range("clip_skip", self.clip_skip, 1, MAX_CLIP_SKIP)
        check_name("weights", self.weights, WEIGHTS)
        check_name("noise", self.noise, NOISES)
        check_name("prediction", self.prediction, PREDICTIONS)
        check_batch(self)
        check_range("subseed", self.subseed, 0, MAX_SEED - self.count + 1)
        check_range("subseed_strength", self.subseed_strength, 0, 1)
        check_range("rescale", self.guidance_rescale, 0, 1)
        check_range("cfg_start", self.guidance_start, 0, 1)
        check_range("cfg_end", self.guidance_end, 0, 1)
        check_parts(self)

    @property
    def guided(self) -> bool:
        """Whether the negative prompt takes part; without guidance the UNet runs half the rows."""
        return self.guidance_scale > 1 and self.guidance_start < self.guidance_end

    @property
    def calls(self) -> int:
        """How many UNet calls all its pictures take together when none share one; some samplers only estimate it."""
        return self.count * sum(count for count, _ in self.passes)

    @property
    def passes(self) -> tuple[tuple[int, int], ...]:
        """The passes that one picture takes: each one's UNet calls, and the area in pixels of a call."""
        first = 0 if self.init is not None and self.init.strength == 0 else self.steps
        found = [(calls(self.sampler, self.scheduler, first) if first else 0, self.width * self.height)]
        if self.hires is not None:
            pieces = tiles(*self.size, self.hires.tile or MAX_SIZE)
            left, top, right, bottom = pieces[0]
            steps = calls(self.sampler, self.scheduler, self.hires.steps) if self.hires.strength else 0
            found.append((steps * len(pieces), (right - left) * (bottom - top)))
        if self.refiner is not None and self.refiner.strength:
            pieces = tiles(*self.size, (self.hires and self.hires.tile) or MAX_SIZE)
            found.append((calls(self.sampler, self.scheduler, self.refiner.steps) * len(pieces), found[-1][1]))
        return tuple(found)

    @property
    def size(self) -> tuple[int, int]:
        """The finished picture's width and height, where a mask does not give the input's size back."""
        return (self.width, self.height) if self.hires is None else self.hires.size(self.width, self.height)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The pictures it needs, by their SHA-256."""
        named = [part.picture for part in (self.init, self.mask) if part is not None and part.picture]
        return tuple(dict.fromkeys(named))

    def picture(self, index: int) -> "GenerationRequest":
        """Returns the request that paints picture `index` of this one alone."""
        if self.noise == "comfyui" and self.count > 1:
            return replace(self, row=index, rows=self.count, count=1)
        if self.subseed_strength > 0:
            return replace(self, subseed=self.subseed + index, count=1)
        return replace(self, seed=self.seed + index, count=1)


def check_batch(request: GenerationRequest) -> None:
    """Refuses a place in a batch that only ComfyUI's noise has, or that is not in it."""
    check_range("rows", request.rows, 1, MAX_COUNT)
    check_range("row", request.row, 0, request.rows - 1)
    if request.rows > 1 and (request.noise != "comfyui" or request.count > 1):
        raise InvalidRequestError("rows", "rows needs noise comfyui, and count 1: it names one picture of a batch.")


def check_refiner(request: GenerationRequest) -> None:
    """Refuses a refiner that no step is left for."""
    refiner, steps = request.refiner, request.steps if request.hires is None else request.hires.steps
    if refiner is not None and refiner.strength == 0 and refiner.at >= max(steps, 1):
        raise InvalidRequestError(
            "refiner_at", f"refiner_at is {refiner.at:g}, but of {steps} steps that leaves none for the refiner."
        )


def check_parts(request: GenerationRequest) -> None:
    """Refuses parts that need another part, or do not fit the size."""
    if request.init is None and (request.mask is not None or request.outpaint is not None):
        raise InvalidRequestError("image", "image is missing: a mask or an outpaint needs the picture it belongs to.")
    if request.hires is not None:
        check_size("hires: the larger width", request.size[0])
        check_size("hires: the larger height", request.size[1])
        if request.mask is not None or request.outpaint is not None:
            raise InvalidRequestError("hires", "hires does not go with a mask or an outpaint: enlarge their result.")
    check_refiner(request)
    edges = request.outpaint
    if edges is None:
        return
    if request.mask is not None and request.mask.area != "canvas":
        raise InvalidRequestError("area", "area must be canvas when the picture is outpainted too.")
    if min(request.width - edges.left - edges.right, request.height - edges.top - edges.bottom) < SIZE_STEP:
        raise InvalidRequestError("outpaint", "outpaint leaves no room for the picture itself; add less around it.")
