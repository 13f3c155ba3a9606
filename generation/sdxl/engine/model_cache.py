"""Which checkpoints are in memory: the least recently used leaves first, the next one comes while others paint."""

import logging
from collections import OrderedDict
from collections.abc import Callable, Collection
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from generation.request.options import Lora
from generation.sdxl.model.model import Model

log = logging.getLogger(__name__)


class ModelCache:
    """Loaded checkpoints within a memory budget. All methods belong to the device's thread.

    Reading a checkpoint happens on a thread of its own and only fills main memory; coming to the device and leaving
    it happens on the device's thread, so what is being painted is disturbed by neither.

    Args:
        load: Reads a checkpoint into main memory; called on the loader's thread. May raise ModelError.
        budget: Bytes of checkpoints that may be in memory; the one in use is, however large it is.
        size: Says beforehand how many bytes a checkpoint will take, 0 if that is not known.
    """

    def __init__(
        self, load: Callable[[str], Model], budget: float = float("inf"), size: Callable[[str], int] = lambda _name: 0
    ) -> None:
        self._load = load
        self._budget = budget
        self._size = size
        self._coming: dict[str, Future[Model]] = {}
        self._here: OrderedDict[str, Model] = OrderedDict()  # the least recently used first
        self._loader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="loader")

    @property
    def empty(self) -> bool:
        """Whether no checkpoint is here or coming."""
        return not (self._here or self._coming)

    @property
    def names(self) -> tuple[str, ...]:
        """The checkpoints in memory, the least recently used first."""
        return tuple(self._here)

    def prefetch(self, name: str, in_use: Collection[str] = ()) -> bool:
        """Lets a checkpoint come if it is not here or coming already, and makes room for it.

        Args:
            name: The checkpoint.
            in_use: Those that must stay.

        Returns:
            Whether it is here or coming; False if there is no room for it beside those in use.
        """
        self._take_in()
        if name in self._here or name in self._coming:
            return True
        if not self._make_room(self._size(name), in_use):
            return False
        self._coming[name] = self._loader.submit(self._load, name)
        return True

    def forget_failures(self, awaited: Collection[str]) -> None:
        """Lets those that could not be loaded be tried anew when they are asked for.

        Args:
            awaited: Checkpoints whose failure somebody has yet to learn of; these stay failed until `get`.
        """
        for name, future in list(self._coming.items()):
            if name not in awaited and future.done() and future.exception() is not None:
                del self._coming[name]

    def ready(self, name: str) -> bool:
        """Whether `get` would not have to wait."""
        return name in self._here or (name in self._coming and self._coming[name].done())

    def on_device(self, name: str, loras: tuple[Lora, ...] = ()) -> bool:
        """Whether a checkpoint lies on the device, with just these LoRAs in it."""
        return name in self._here and self._here[name].here and self._here[name].loras == loras

    def wait(self, seconds: float) -> None:
        """Waits a while for any checkpoint that is coming; those that have come or failed are not waited for."""
        coming = [future for future in self._coming.values() if not future.done()]
        wait(coming, timeout=seconds, return_when=FIRST_COMPLETED)

    def get(self, name: str, in_use: Collection[str] = ()) -> Model:
        """Returns a checkpoint, waiting for it where it is coming; it is now the most recently used.

        Raises:
            ModelError: It could not be loaded; asking again tries anew.
        """
        if name not in self._here:
            self.prefetch(name)
            self._here[name] = self._coming.pop(name).result()
            self._make_room(0, {*in_use, name})
        self._here.move_to_end(name)
        return self._here[name]

    def to_device(self, model: Model) -> bool:
        """Makes sure a checkpoint lies on the device, where need be in place of those used longest ago.

        Returns:
            Whether it had to come.
        """
        if model.here:
            return False
        for other in self._here.values():
            if other is not model and not model.fits():
                other.evict_to_host()
        model.to_device()
        return True

    def release(self) -> bool:
        """Gives up the device's memory that is held only to be faster; says whether there was any."""
        gave_up = [model.release() for model in self._here.values()]
        return any(gave_up)

    def offload(self, names: Collection[str]) -> None:
        """Lets checkpoints keep only the part in use on the device from now on."""
        for name in names:
            self.get(name).offload = True

    def reset_offloading(self) -> None:
        """Ends savings of memory that were taken for what is done by now."""
        for model in self._here.values():
            model.reset_offloading()

    def close(self) -> None:
        """Lets go of everything; waits for what is being loaded."""
        self._loader.shutdown(cancel_futures=True)
        self._here.clear()
        self._coming.clear()

    def _take_in(self) -> None:
        """Counts what has come by now among what is here; a failure is kept for the one who asks for it."""
        for name, future in list(self._coming.items()):
            if future.done() and future.exception() is None:
                self._here[name] = self._coming.pop(name).result()

    def _make_room(self, bytes_needed: int, in_use: Collection[str]) -> bool:
        """Lets checkpoints go until so many bytes fit; False if those that must stay leave too little room."""
        coming = sum(self._size(name) for name, future in self._coming.items() if not future.done())
        kept = coming + sum(model.held for name, model in self._here.items() if name in in_use)
        if kept and kept + bytes_needed > self._budget:
            return False
        for name in [name for name in self._here if name not in in_use]:
            if coming + bytes_needed + sum(model.held for model in self._here.values()) <= self._budget:
                break
            self._here.pop(name).evict_to_host()
            log.info("%s leaves memory to make room", name)
        return True
