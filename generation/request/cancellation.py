"""A wish to stop, handed from the event loop to whoever paints."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class CancelToken:
    """Set from any thread; the engine looks at it before every UNet call."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._listeners: list[Callable[[], None]] = []

    def cancel(self) -> None:
        """Asks for the work to stop; calling it again changes nothing."""
        with self._lock:
            self._event.set()
            listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener()

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked for the work to stop."""
        return self._event.is_set()

    @contextmanager
    def telling(self, listener: Callable[[], None]) -> Iterator[None]:
        """Tells a listener once, meanwhile: on the thread that asks for the stop, or now if somebody has."""
        with self._lock:
            too_late = self.cancelled
            if not too_late:
                self._listeners.append(listener)
        if too_late:
            listener()
        try:
            yield
        finally:
            with self._lock:
                self._listeners = [each for each in self._listeners if each is not listener]
