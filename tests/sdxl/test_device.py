"""What is set for all of torch's work."""

import ctypes
import platform
import subprocess
import sys

import pytest

MANY_SIZES = """
import ctypes
import torch
from torch.nn import functional
from generation.sdxl.model.device import tune

class Heap(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in
        ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")]

look = ctypes.CDLL(None).mallinfo2
look.restype = Heap

def paint(sizes):
    for size in sizes:
        functional.conv2d(torch.zeros(1, 16, size, 16), weight, padding=1)

weight = torch.zeros(16, 16, 3, 3)
with torch.inference_mode():
    tune(torch.device("cpu"), fp16_accumulation=False)
    paint(range(16, 166))
    before = look().uordblks
    paint(range(166, 466))
    print(look().uordblks - before)
"""


@pytest.mark.skipif(
    platform.system() != "Linux" or not hasattr(ctypes.CDLL(None), "mallinfo2"),
    reason="only glibc tells what is in use",
)
def test_convolutions_of_ever_new_sizes_take_no_more_and_more_memory() -> None:
    done = subprocess.run([sys.executable, "-c", MANY_SIZES], capture_output=True, text=True, check=True)  # noqa: S603 - this very program

    assert int(done.stdout) < 2**20
