"""The step loop beside bare UNet calls, and what the device does by size, batch and way of calling."""

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from generation.bench.clock import now, seconds
from generation.images.pixels import Pixels
from generation.request.cancellation import CancelToken
from generation.request.request import GenerationRequest
from generation.sdxl.acceleration.compiled import BlockwiseUnet
from generation.sdxl.acceleration.cuda_graphs import USUAL, GraphedUnet
from generation.sdxl.engine.engine import Engine
from generation.sdxl.engine.model_cache import ModelCache
from generation.sdxl.engine.work import Work
from generation.sdxl.model.model import AcceleratedUnet, Model
from generation.sdxl.model.text_encoders import Conditioning

MODES = ("eager", "recorded", "compiled")  # as it is; as CUDA graphs; block by block compiled, and then as graphs
BURST = 64  # products that a card is given at once; to wait for each would measure the host too
NAME = "bench"  # what the model under measurement is called in requests


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """What the device does at one size.

    Attributes:
        side: Width and height in pixels.
        pictures: Pictures in one call, each with guidance.
        mode: How the UNet is called: one of MODES.
        steps_per_second: UNet calls times pictures in a second.
        share: Of the device's measured matmul ceiling (R1).
    """

    side: int
    pictures: int
    mode: str
    steps_per_second: float
    share: float


def engine_of(model: Model) -> Engine:
    """Returns an engine that paints with one model, which is loaded already."""
    engine = Engine(ModelCache(lambda _name: model))
    engine.warm_up(NAME)
    return engine


def paint(engine: Engine, requests: Sequence[GenerationRequest], slots: int | None = None) -> Iterator[list[Pixels]]:
    """Paints requests with the bare loop, so many at a time; gives each one's pictures as they are done."""
    waiting, painting = list(requests), list[Work]()
    while waiting or painting:
        while waiting and len(painting) < (slots or len(requests)):
            work = Work(waiting.pop(0), CancelToken(), lambda _progress: None)
            painting.append(work)
            engine.submit(work)
        engine.tick()
        for work in [work for work in painting if work.future.done()]:
            painting.remove(work)
            yield list(work.future.result().pictures)


def request(side: int, steps: int, seed: int = 0, prompt: str = "a red apple") -> GenerationRequest:
    """Makes a request as everything here is measured with: Euler, guidance, Karras' noise levels."""
    return GenerationRequest(
        prompt=prompt, model=NAME, width=side, height=side, steps=steps, sampler="euler", scheduler="karras", seed=seed
    )


@torch.inference_mode()
def unet_call(model: Model, side: int, pictures: int = 1) -> Callable[[], object]:
    """Makes the bare UNet call for so many guided pictures of a size, as the loop makes it."""
    device, rows = model.placement.device, 2 * pictures
    encoded = model.encode("a red apple", "")
    text = Conditioning(
        torch.cat([each.hidden for each in encoded] * pictures), torch.cat([each.pooled for each in encoded] * pictures)
    )
    latents = torch.randn(rows, model.latent_channels, side // model.downscale, side // model.downscale, device=device)
    timesteps = torch.tensor([500] * rows, device=device)
    ids = torch.tensor([[side, side, 0.0, 0.0, side, side]] * rows, device=device)

    @torch.inference_mode()
    def call() -> object:
        return model.predict(latents, timesteps, text, ids)

    return call


def overhead(model: Model, side: int, steps: int, rounds: int) -> float:
    """Measures the loop's time over that of the UNet calls in it; admission and decoding are left out.

    Both are taken from the very same steps, so that a busy machine disturbs the ratio little. A card is waited for
    around each call, so there the figure is an upper bound: usually the loop works while the card does.
    """
    engine, device = engine_of(model), model.placement.device
    begun, inside = 0.0, 0.0

    def before(*_: object) -> None:
        nonlocal begun
        begun = now(device)

    def after(*_: object) -> None:
        nonlocal inside
        inside += now(device) - begun

    hooks = [model.unet.register_forward_pre_hook(before), model.unet.register_forward_hook(after)]
    ratios = []
    for seed in range(rounds + 1):
        engine.submit(Work(request(side, steps if seed else 3, seed), CancelToken(), lambda _progress: None))
        engine.tick()  # admits it, and the first round warms up
        for _ in range(steps - 2 if seed else 0):
            inside = 0.0
            ratios.append(seconds(engine.tick, device) / inside)
        while not engine.idle:
            engine.tick()
    for hook in hooks:
        hook.remove()
    engine.close()
    return statistics.median(ratios)


def ceiling(device: torch.device, dtype: torch.dtype, side: int = 4096, rounds: int = 8) -> float:
    """Measures the FLOP a second of the largest matrix products that matter: what the device can do at most."""
    side = 1024 if device.type == "cpu" else side
    left, right = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    burst = 1 if device.type == "cpu" else BURST

    def products() -> None:
        for _ in range(burst):
            left @ right

    return 2 * side**3 * burst / min(seconds(products, device) for _ in range(rounds))


def flops(call: Callable[[], object]) -> int:
    """Counts the FLOP of a call."""
    with FlopCounterMode(display=False) as counter:
        call()
    return int(counter.get_total_flops())


def faster_by(mode: str, model: Model) -> AcceleratedUnet | None:
    """Returns what stands for a model's UNet in one of MODES."""
    if mode == "eager":
        return None
    return GraphedUnet(BlockwiseUnet(model.unet) if mode == "compiled" else model.unet)


def speed(model: Model, side: int, pictures: int, mode: str, most: float) -> Speed:
    """Measures UNet calls of one size and batch; `most` is the device's ceiling in FLOP a second."""
    call, device = unet_call(model, side, pictures), model.placement.device
    faster, model.faster = model.faster, None
    counted = flops(call)  # a compiled or recorded call shows none of its products
    model.faster = faster
    for _ in range(1 if faster is None else USUAL + 1):
        call()
    times: list[float] = []
    begun = now(device)
    while len(times) < 3 or (now(device) - begun < 2 and len(times) < 20):
        times.append(seconds(call, device))
    taken = statistics.median(times)
    return Speed(
        side=side, pictures=pictures, mode=mode, steps_per_second=pictures / taken, share=counted / taken / most
    )
