"""What the step loop costs beside the UNet calls it makes.

`python -m benchmarks.engine_overhead` paints with the tiny model at 512x512 on one thread. In every round it times
the loop and the bare UNet calls one after the other, so that a noisy machine disturbs both alike, and prints the
medians and their ratio.
"""

import statistics
import tempfile
import time
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from generation import CancelToken, GenerationRequest
from generation.models.catalog import describe
from generation.sdxl.engine.engine import Engine
from generation.sdxl.engine.model_cache import ModelCache
from generation.sdxl.engine.work import Work
from generation.sdxl.model.checkpoint import load
from generation.sdxl.model.device import choose_placement
from generation.sdxl.model.model import Model
from generation.sdxl.model.text_encoders import Conditioning
from tests import tiny

SIDE, STEPS, ROUNDS = 512, 20, 12
REQUEST = GenerationRequest(
    prompt="a red apple", model="tiny", width=SIDE, height=SIDE, steps=STEPS, sampler="euler", seed=7
)


def loop_seconds(engine: Engine) -> float:
    """Times the step loop from its first UNet call to its last, per step; admission and decode are left out."""
    work = Work(REQUEST, CancelToken(), lambda _progress: None)
    engine.submit(work)
    engine.tick()
    start = time.perf_counter()
    for _ in range(STEPS - 2):
        engine.tick()
    seconds = (time.perf_counter() - start) / (STEPS - 2)
    while not engine.idle:
        engine.tick()
    return seconds


@torch.inference_mode()
def bare_seconds(model: Model, text: Conditioning) -> float:
    """Times as many UNet calls of the same shape, per call."""
    latents = torch.randn(2, 4, SIDE // 8, SIDE // 8)
    timesteps, ids = torch.tensor([500, 500]), torch.tensor([[SIDE, SIDE, 0.0, 0.0, SIDE, SIDE]] * 2)
    start = time.perf_counter()
    for _ in range(STEPS - 2):
        model.unet(
            latents,
            timesteps,
            encoder_hidden_states=text.hidden,
            added_cond_kwargs={"text_embeds": text.pooled, "time_ids": ids},
            return_dict=False,
        )
    return (time.perf_counter() - start) / (STEPS - 2)


def main() -> None:
    """Runs the rounds and prints the table."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        model = load(describe(tiny.save_single_file(Path(folder) / "tiny.safetensors")), choose_placement("cpu"))
    engine = Engine(ModelCache(lambda _name: model))
    with torch.inference_mode():
        encoded = model.encode("a red apple", "")
    text = Conditioning(torch.cat([each.hidden for each in encoded]), torch.cat([each.pooled for each in encoded]))
    loop_seconds(engine)
    bare_seconds(model, text)
    rounds = [(loop_seconds(engine), bare_seconds(model, text)) for _ in range(ROUNDS)]
    loop, bare = (statistics.median(seconds) * 1000 for seconds in zip(*rounds, strict=True))
    ratio = statistics.median(one / other for one, other in rounds)
    table = Table("what", "ms per step", title=f"tiny model, {SIDE}x{SIDE}, one thread, {ROUNDS} rounds of {STEPS - 2}")
    table.add_row("step loop", f"{loop:.2f}")
    table.add_row("bare UNet call", f"{bare:.2f}")
    table.add_row("ratio (median of rounds)", f"{ratio:.3f}")
    Console().print(table)


if __name__ == "__main__":
    main()
