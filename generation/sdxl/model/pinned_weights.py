"""What main memory keeps of a model's weights while they lie on a card.

Weights on a card are copies: what was not changed there need not be copied back to leave, and what was changed, by
LoRAs, has its original here. Kept in pinned memory, they come to the card as fast as the bus carries them.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

log = logging.getLogger(__name__)

# bytes pinned at a time: torch rounds up to a power of two, and takes a freed one for the next checkpoint
CHUNK = 2**27
ALIGNED = 256  # bytes, as torch aligns what it allocates

Fetch = Callable[[Tensor, torch.device], Tensor]


class Memory(Protocol):
    """Where copies are kept."""

    def take(self, size: int) -> Tensor:
        """Returns so many bytes, (size,), uint8; raises RuntimeError where there are no more."""
        ...

    def give_back(self) -> None:
        """Gives the system what is not used any more."""
        ...


class PinnedMemory:
    """Memory that a card reads by itself; the system can neither move it nor swap it out."""

    def take(self, size: int) -> Tensor:
        """Pins so many bytes, or those that another checkpoint has left.

        Raises:
            RuntimeError: The system lets this program have no more of it.
        """
        return torch.empty(size, dtype=torch.uint8, pin_memory=True)

    def give_back(self) -> None:
        """Gives the system what torch would keep for later."""
        torch._C._host_emptyCache()


def fetch(kept: Tensor, device: torch.device) -> Tensor:
    """Copies to a device, behind what it was told before; nobody waits for it where the memory is pinned."""
    return kept.to(device, non_blocking=True)


def pack(sizes: Sequence[int], chunk: int = CHUNK) -> tuple[list[tuple[int, int]], list[int]]:
    """Lays things out in few chunks, the largest first and each where it first fits. Pure.

    Args:
        sizes: Bytes of each.
        chunk: Bytes of a chunk, a power of two; what is larger has one of its own.

    Returns:
        For each the number of its chunk and where it begins there, and the sizes of the chunks, powers of two.
    """
    places, used = [(0, 0)] * len(sizes), list[int]()
    for index in sorted(range(len(sizes)), key=lambda index: -sizes[index]):
        size = -(-sizes[index] // ALIGNED) * ALIGNED
        number = next((number for number, taken in enumerate(used) if taken + size <= chunk), len(used))
        if number == len(used):
            used.append(0)
        places[index] = (number, used[number])
        used[number] += size
    return places, [1 << (taken - 1).bit_length() if taken else 0 for taken in used]


class PinnedWeights:
    """A model's weights in main memory, for good; on a device they are while they are needed there.

    Only where a Parameter's data lies is changed: whoever holds the Parameter sees it.
    Belongs to the device's thread, once the weights are kept.

    Args:
        fetch: Copies to a device.

    Attributes:
        spare: Bytes that were taken for the copies beside what these take.
    """

    def __init__(self, fetch: Fetch = fetch) -> None:
        self._fetch = fetch
        self._kept: dict[nn.Module, list[tuple[Tensor, Tensor]]] = {}
        self._originals: dict[int, tuple[nn.Module, Tensor]] = {}
        self._elsewhere: set[nn.Module] = set()
        self.spare = 0

    def __bool__(self) -> bool:
        """Whether anything is kept."""
        return bool(self._kept)

    def keep(self, modules: Iterable[nn.Module], memory: Memory | None = None) -> None:
        """Keeps what these modules have in main memory, from now on.

        Args:
            modules: All of them lie in main memory.
            memory: Where it is kept; None for where it lies. It stays there too where not all of it finds room.
        """
        modules = list(modules)
        if memory is not None:
            self.spare += gather([weight for module in modules for weight in _weights(module)], memory)
        for module in modules:
            self._kept[module] = [(weight, weight.data) for weight in _weights(module)]
            self._originals |= {id(weight): (module, kept) for weight, kept in self._kept[module]}

    def let_go(self, module: nn.Module) -> None:
        """Leaves a module to itself: its weights are kept no longer, others move them."""
        for weight, _ in self._kept.pop(module, []):
            del self._originals[id(weight)]
        self._elsewhere.discard(module)

    def move(self, module: nn.Module, device: torch.device) -> bool:
        """Moves a module to a device or to main memory; one that is not kept takes its weights along.

        Returns:
            Whether it lay elsewhere.
        """
        if module not in self._kept:
            moves = any(weight.device.type != device.type for weight in _weights(module))
            module.to(device)
            return moves
        if (device.type != "cpu") == (module in self._elsewhere):
            return False
        if device.type == "cpu":
            self._return(module)
        else:
            self._send(module, device)
        return True

    def _send(self, module: nn.Module, device: torch.device) -> None:
        self._elsewhere.add(module)
        try:
            for weight, kept in self._kept[module]:
                weight.data = self._fetch(kept, device)
        except RuntimeError:  # out of memory: what has come so far must not stay there
            self._return(module)
            raise

    def _return(self, module: nn.Module) -> None:
        for weight, kept in self._kept[module]:
            weight.data = kept
        self._elsewhere.discard(module)

    def rests(self, weight: Tensor) -> bool:
        """Whether a weight is kept and lies in main memory: it is as it was read."""
        return id(weight) in self._originals and self._originals[id(weight)][0] not in self._elsewhere

    def original(self, weight: Tensor) -> Tensor | None:
        """Returns what is kept of a weight that lies elsewhere; None if it lies here, or is not kept."""
        module, kept = self._originals.get(id(weight), (None, None))
        return kept if module in self._elsewhere else None


def gather(weights: Sequence[Tensor], memory: Memory) -> int:
    """Moves weights into few chunks of a memory, all of them or, if it does not suffice, none.

    Returns:
        Bytes that were taken in vain.
    """
    places, sizes = pack([weight.nbytes for weight in weights])
    inside: dict[int, list[tuple[Tensor, int]]] = defaultdict(list)
    for weight, (number, start) in zip(weights, places, strict=True):
        inside[number].append((weight, start))
    done: list[list[tuple[Tensor, int]]] = []
    try:
        for number, size in enumerate(sizes):
            _fill(memory.take(size), inside[number])
            done.append(inside[number])
    except RuntimeError as error:
        log.warning("%.1f GiB cannot be pinned, so they come to the card more slowly: %s", sum(sizes) / 2**30, error)
        for members in done:
            for weight, _ in members:
                weight.data = weight.data.clone()
            memory.give_back()
        return 0
    return sum(sizes) - sum(weight.nbytes for weight in weights)


def _fill(chunk: Tensor, members: Sequence[tuple[Tensor, int]]) -> None:
    for weight, start in members:
        space = chunk[start : start + weight.nbytes].view(weight.dtype)
        strides = torch.empty_like(weight, device="meta").stride()  # channels stay last where they are last
        weight.data = space.as_strided(weight.shape, strides).copy_(weight)


def _weights(module: nn.Module) -> list[Tensor]:
    return [*module.parameters(), *module.buffers()]
