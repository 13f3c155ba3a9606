"""A wish to stop, handed from the event loop to the thread that paints."""

import threading


class CancelToken:
    """Set from any thread; the engine looks at it before every UNet call."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        """Asks for the work to stop; calling it again changes nothing."""
        self._event.set()

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked for the work to stop."""
        return self._event.is_set()
