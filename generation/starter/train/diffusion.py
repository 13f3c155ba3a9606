"""The second stage: the UNet, and at first both text encoders with it, learns to take noise out of latents.

It predicts v (Salimans & Ho 2022, arXiv 2202.00512): at high noise levels, where the words decide what the picture
will be, v is the picture itself and weighs fully, while the noise would hardly tell right from wrong there.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from generation.prompt.parser import Piece
from generation.prompt.tokenizer import Tokenizer
from generation.sdxl.sampling.guidance import denoised_from, guide
from generation.sdxl.sampling.samplers import sample
from generation.sdxl.sampling.sigmas import TRAINING_STEPS, schedule, timestep, training_sigmas
from generation.starter.train.compose import (
    COLOURS,
    SIZE,
    SQUARE,
    compose,
    draw_layout,
    draw_prompt,
    prompt,
    training_colours,
)
from generation.starter.train.loop import Plan, Training
from generation.starter.train.models import PREDICTION, Models
from generation.starter.train.pictures import Picture
from generation.starter.train.sheet import Cell, save_sheet, to_pixels
from generation.starter.train.vae import to_tensor

BATCH = 16
UNPROMPTED = 0.1  # of the prompts are empty, for guidance
ANY_SIZE = 0.15  # of the pictures are said to have another size, so that other sizes surprise the UNet less
STEPS = 20  # of the pictures painted for a look
NOISY = 1.5  # timesteps are drawn as u^(1/1.5): the noisier ones more often than in equal parts
SHOWN = (
    "a red apple on a blue background", "a cat on a yellow background", "a rocket on a purple background",
    "a house on a green background", "a guitar on a white background", "a penguin on a red background",
    "a strawberry on a gray background", "an owl on a pink background", "a bicycle on an orange background",
    "a star on a black background", "a car", "a dog",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pool:
    """Scenes written down as latents once and shown many times.

    Attributes:
        latents: (scenes, 4, height / 8, width / 8), scaled as the UNet takes them.
        named: The label and the colour of each scene.
    """

    latents: Tensor
    named: Sequence[tuple[str, str]]


def pool_for(models: Models, pictures: Sequence[Picture], scenes: int, folder: Path) -> Pool:
    """Fills a pool, or takes the one of an earlier run of the same folder; sets the models' scaling factor."""
    path = folder / "pool.pt"
    made_of = [
        scenes,
        float(models.vae.encoder.conv_out.weight.detach().double().sum()),
        *(each.label for each in pictures),
    ]
    kept = torch.load(path, weights_only=True) if path.is_file() else {}
    if kept.get("made_of") == made_of:
        models.scaling_factor = kept["scaling_factor"]
        return Pool(kept["latents"], [(label, colour) for label, colour in kept["named"]])
    pool = fill_pool(models, pictures, scenes, seed=1)
    torch.save(
        {
            "made_of": made_of,
            "latents": pool.latents,
            "named": list(pool.named),
            "scaling_factor": models.scaling_factor,
        },
        path,
    )
    return pool


def fill_pool(
    models: Models,
    pictures: Iterable[Picture],
    scenes: int,
    seed: int,
    size: tuple[int, int] = SQUARE,
) -> Pool:
    """Composes a number of scenes of each subject, none of a held-out pair, and encodes them.

    Sets the models' scaling factor where it is still 1.

    Args:
        models: Whose VAE encodes.
        pictures: The subjects.
        scenes: How many of each.
        seed: What colours, sizes and places are drawn with.
        size: The scenes' width and height in pixels.
    """
    generator = np.random.default_rng(seed)
    named: list[tuple[str, str]] = []
    encoded: list[Tensor] = []
    for picture in pictures:
        allowed = training_colours(picture.label)
        order = [allowed[number] for number in generator.permutation(len(allowed))]
        colours = [order[number % len(order)] for number in range(scenes)]
        composed = [compose(picture, COLOURS[colour], draw_layout(generator, min(size)), size) for colour in colours]
        with torch.no_grad():
            encoded.append(models.vae.encode(to_tensor(composed).to(models.vae.device)).latent_dist.mean)
        named += [(picture.label, colour) for colour in colours]
    latents = torch.cat(encoded)
    if models.scaling_factor == 1.0:
        models.scaling_factor = round(float(1 / latents.std()), 5)
    return Pool(latents * models.scaling_factor, named)


def train(models: Models, pool: Pool, seconds: float, folder: Path, *, with_text: bool = True) -> None:
    """Trains the UNet for some seconds and leaves the averaged weights in it.

    Args:
        models: What to train.
        pool: What to show.
        seconds: How long.
        folder: Where state, log and sheet are kept.
        with_text: Whether the text encoders learn as well; a step is a third shorter if they do not.
    """
    modules: dict[str, nn.Module] = {"unet": models.unet}
    if with_text:
        modules |= {"text": models.text, "text_2": models.text_2}
    for module in modules.values():
        module.train()
    models.unet.to(memory_format=torch.channels_last)
    training = Training(Plan("diffusion", seconds, peak=1e-3, averaging=0.999, warm_up=200), modules, folder)
    listener = Listener(models) if with_text else Remembering(models)
    generator = np.random.default_rng(2_000_000 + training.steps)
    torch.manual_seed(3_000_000 + training.steps)

    def loss_of() -> Tensor:
        chosen = generator.integers(len(pool.named), size=BATCH)
        prompts = [draw_prompt(*pool.named[int(number)], generator) for number in chosen]
        unprompted = generator.random(BATCH) < UNPROMPTED
        said = ["" if empty else text for empty, text in zip(unprompted, prompts, strict=True)]
        return v_loss(models, listener(said), pool.latents[torch.from_numpy(chosen)], _time_ids(BATCH))

    def show() -> None:
        for _ in training.averaged():
            painted = zip(SHOWN, paint(models, SHOWN), strict=True)
            save_sheet([Cell(pixels, words) for words, pixels in painted], folder / "diffusion.png")

    training.run(loss_of, show)
    training.keep_average()
    for module in modules.values():
        module.eval()


class Listener:
    """Both text encoders as the engine uses them: penultimate hidden states side by side, and the second's summary."""

    def __init__(self, models: Models) -> None:
        self._models = models
        self._tokenizers = (Tokenizer(models.merges), Tokenizer(models.merges, padding=0))
        self._rows: dict[str, tuple[list[int], list[int]]] = {}

    def __call__(self, prompts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Returns hidden states (prompts, 77, width) and summaries (prompts, width)."""
        for text in prompts:
            if text not in self._rows:
                first, second = ([token.id for token in each.rows([Piece(text)])[0]] for each in self._tokenizers)
                self._rows[text] = (first, second)
        device = self._models.unet.device
        ids, ids_2 = (torch.tensor([self._rows[text][which] for text in prompts], device=device) for which in (0, 1))
        first = self._models.text(ids, output_hidden_states=True)
        second = self._models.text_2(ids_2, output_hidden_states=True)
        return torch.cat([first.hidden_states[-2], second.hidden_states[-2]], dim=-1), second.text_embeds


class Remembering(Listener):
    """Text encoders that no longer learn: each prompt is encoded once and kept, in half precision."""

    def __init__(self, models: Models) -> None:
        super().__init__(models)
        self._heard: dict[str, tuple[Tensor, Tensor]] = {}

    @torch.no_grad()
    def __call__(self, prompts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Returns hidden states (prompts, 77, width) and summaries (prompts, width)."""
        new = sorted(set(prompts) - self._heard.keys())
        if new:
            hidden, summaries = super().__call__(new)
            self._heard |= zip(new, zip(hidden.half(), summaries, strict=True), strict=True)
        known = [self._heard[text] for text in prompts]
        return torch.stack([hidden for hidden, _ in known]).float(), torch.stack([summary for _, summary in known])


def v_loss(
    models: Models, heard: tuple[Tensor, Tensor], latents: Tensor, time_ids: Tensor, deviation: float = 1.0
) -> Tensor:
    """Adds noise to latents and returns how far the UNet's v is off.

    Args:
        models: Whose UNet guesses.
        heard: Hidden states and summaries of the prompts.
        latents: (count, 4, height, width).
        time_ids: The sizes that the UNet is told, (count, 6).
        deviation: The latents' standard deviation d. Where it is not 1, the error weighs as that of v at sigma / d
            would for latents of deviation 1: (sigma^2 + d^2) / (d^2 + d^2 sigma^2) times as much.
    """
    device, count = models.unet.device, len(latents)
    latents = latents.to(device)
    # one timestep out of each of `count` parts of the schedule: every batch sees all noise levels
    parts = ((torch.arange(count) + torch.rand(count)) / count) ** (1 / NOISY)
    steps = (parts * TRAINING_STEPS).long().clamp(max=TRAINING_STEPS - 1)
    sigmas = training_sigmas()[steps].to(device).reshape(-1, 1, 1, 1)
    noise = torch.randn(latents.shape).to(device)
    keep = (1 + sigmas**2).rsqrt()
    hidden, pooled = heard
    guessed: Tensor = models.unet(
        ((latents + noise * sigmas) * keep).contiguous(memory_format=torch.channels_last),
        steps.to(device),
        encoder_hidden_states=hidden,
        added_cond_kwargs={"text_embeds": pooled, "time_ids": time_ids.to(device)},
        return_dict=False,
    )[0]
    off = guessed.float() - (keep * noise - keep * sigmas * latents)
    weights = (sigmas**2 + deviation**2) / (deviation * deviation * (1 + sigmas**2))
    return (weights * off.pow(2)).mean()


def _time_ids(count: int) -> Tensor:
    """Draws the sizes that the UNet is told, mostly the true one."""
    sides = torch.full((count, 2), float(SIZE))
    other = torch.randint(SIZE // 16, SIZE // 4, (count, 2)) * 8.0
    sides = torch.where(torch.rand(count, 1) < ANY_SIZE, other, sides)
    return torch.cat([sides, torch.zeros(count, 2), sides], dim=1)


@torch.no_grad()
def paint(
    models: Models, prompts: Sequence[str], seed: int = 0, guidance_scale: float = 5.0, size: tuple[int, int] = SQUARE
) -> list[np.ndarray]:
    """Paints one picture per prompt with the models as they are, in 20 steps, for a look while training."""
    listener, device, (width, height) = Listener(models), models.unet.device, size
    hidden, pooled = listener([*prompts, *[""] * len(prompts)])
    sides = torch.tensor([[height, width, 0, 0, height, width]], device=device, dtype=torch.float32)
    told = {"text_embeds": pooled, "time_ids": sides.repeat(2 * len(prompts), 1)}

    def denoise(x: Tensor, sigma: Tensor) -> Tensor:
        rows = (x * (1 + sigma**2).rsqrt()).repeat(2, 1, 1, 1)
        at = timestep(float(sigma))
        answer: Tensor = models.unet(rows, at, encoder_hidden_states=hidden, added_cond_kwargs=told, return_dict=False)[
            0
        ]
        with_prompt, without = (denoised_from(half, x, sigma, PREDICTION) for half in answer.float().chunk(2))
        return guide(with_prompt, without, guidance_scale)

    sigmas = schedule("karras", "dpmpp_2m", STEPS)
    start = torch.randn((len(prompts), 4, height // 8, width // 8), generator=torch.Generator().manual_seed(seed))
    x = (start * (1 + sigmas[0] ** 2).sqrt()).to(device)
    latents = sample("dpmpp_2m", denoise, x, sigmas.to(device), lambda _sigma, _next: torch.randn_like(x))
    return to_pixels(models.vae.decode(latents / models.scaling_factor, return_dict=False)[0].cpu())


def held_out_prompts(pictures: Sequence[Picture]) -> Iterator[str]:
    """Lists the prompts of all pairs that training never shows."""
    for picture in pictures:
        shown = set(training_colours(picture.label))
        yield from (prompt(picture.label, colour) for colour in COLOURS if colour not in shown)
