"""Which device paints, in which precision, and how much of a model lies on it at a time."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import torch

from generation.errors import ModelError
from generation.settings import Device, Precision

CONVOLUTIONS = "128"  # kept by oneDNN and torch; the starter's UNet and VAE have 34 of one size
WORKING = 2 * 2**30  # bytes that painting at 1024x1024 takes beside the weights


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the models lie and in which precision they work.

    Attributes:
        device: The torch device.
        dtype: The UNet's and the text encoders' data type.
        vae_dtype: The VAE's; never float16, in which SDXL's own VAE overflows.
    """

    device: torch.device
    dtype: torch.dtype
    vae_dtype: torch.dtype

    def in_main_memory(self) -> "Placement":
        """Returns the same precisions in main memory."""
        return replace(self, device=torch.device("cpu"))


class Rung(StrEnum):
    """How much of a model lies on the device at a time."""

    RESIDENT = "all of it"
    OFFLOADED = "the stage in use"
    STREAMED = "the layers in use"


def choose_placement(device: Device = "auto", precision: Precision = "auto") -> Placement:
    """Chooses the best device and precision this machine has.

    Raises:
        ModelError: The device that was asked for is not there.
    """
    name = _best_device() if device == "auto" else device
    if name == "cuda" and not torch.cuda.is_available():
        raise ModelError("EASEL_DEVICE is cuda, but torch sees no CUDA device; set it to auto or cpu.")
    if name == "mps" and not torch.backends.mps.is_available():
        raise ModelError("EASEL_DEVICE is mps, but torch sees no Apple GPU; set it to auto or cpu.")
    dtype = _usual_dtype(name) if precision == "auto" else getattr(torch, precision)
    return Placement(torch.device(name), dtype, vae_dtype(dtype, brain_float=_has_brain_float(name)))


def vae_dtype(dtype: torch.dtype, *, brain_float: bool) -> torch.dtype:
    """Chooses the VAE's precision: the UNet's, but for float16 one with float32's range.

    Args:
        dtype: The UNet's data type.
        brain_float: Whether the device computes in bfloat16.
    """
    if dtype is not torch.float16:
        return dtype
    return torch.bfloat16 if brain_float else torch.float32


def device_name(device: torch.device) -> str:
    """Names a device as measurements on it are kept: a graphics card's name, else the processor's."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type} {platform.machine()} {torch.get_num_threads()} threads"


def describe_device() -> str:
    """Names the device that "auto" takes, with its memory."""
    name = _best_device()
    if name == "cuda":
        properties = torch.cuda.get_device_properties(0)
        return f"{properties.name}, {properties.total_memory / 2**30:.0f} GiB"
    memory = _main_memory()
    return f"Apple GPU (mps){memory}" if name == "mps" else f"CPU{memory}: real SDXL checkpoints take minutes a picture"


def tune(device: torch.device, *, fp16_accumulation: bool) -> None:
    """Sets what holds for all of torch's work in this process, before it does any.

    Args:
        device: Where it paints.
        fp16_accumulation: Whether sums of half-precision products are kept in half precision: twice as fast on consumer
            cards, a little less exact.
    """
    torch.backends.cuda.matmul.allow_fp16_accumulation = fp16_accumulation
    if device.type == "cpu":
        # oneDNN keeps 1024 compiled convolutions, a UNet's for a dozen sizes, and torch their descriptions beside it:
        # together 50 MiB that come bit by bit
        os.putenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY", CONVOLUTIONS)
        os.putenv("LRU_CACHE_CAPACITY", CONVOLUTIONS)


def free_memory(device: torch.device) -> int | None:
    """Returns the bytes that are free on a device; None where main memory is all there is."""
    if device.type != "cuda":
        return None
    free, _total = torch.cuda.mem_get_info(device)
    return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)


def total_memory(device: torch.device) -> int:
    """Returns the bytes of memory that a card has; 0 where main memory is all there is."""
    return torch.cuda.get_device_properties(device).total_memory if device.type == "cuda" else 0


def is_memory_error(error: BaseException) -> bool:
    """Whether an error says that memory ran out: to torch, to the CPU's allocator, or to CUDA itself."""
    return (
        isinstance(error, torch.OutOfMemoryError)
        or (isinstance(error, torch.AcceleratorError) and "out of memory" in str(error))
        or (isinstance(error, RuntimeError) and "can't allocate memory" in str(error))
    )


def is_device_lost(error: BaseException) -> bool:
    """Whether an error says that the device failed: CUDA then refuses everything else in the same process.

    When memory ran out it does not.
    """
    return isinstance(error, torch.AcceleratorError) and not is_memory_error(error)


def _main_memory() -> str:
    if not hasattr(os, "sysconf"):
        return ""  # Windows does not tell without a further library
    return f", {os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB of memory"


def _best_device() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _usual_dtype(device: str) -> torch.dtype:
    return torch.float32 if device == "cpu" else torch.float16


def _has_brain_float(device: str) -> bool:
    if device == "cuda":
        return torch.cuda.get_device_capability()[0] >= 8  # from Ampere on in hardware
    return device == "cpu"


def choose_rung(free: int | None, stages: Sequence[int]) -> Rung:
    """Chooses the fastest way that fits: SDXL in 16 bit whole from 9.1 GB free, by stages from 7.3, else by layers.

    Args:
        free: Bytes free on the device before the model comes; None where main memory is all there is.
        stages: Bytes of the stages that are used one after the other.
    """
    if free is None or free >= sum(stages) + WORKING:
        return Rung.RESIDENT
    return Rung.OFFLOADED if free >= max(stages) + WORKING else Rung.STREAMED
