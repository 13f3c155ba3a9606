"""What can go wrong while painting; every message is a plain sentence that may be shown to a person."""


class GenerationError(Exception):
    """Something about one request or one model; the text names the input, the reason and the way out."""


class InvalidRequestError(GenerationError):
    """A request asks for something the engine cannot do.

    Attributes:
        field: The name of the request's field that is wrong.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class ModelError(GenerationError):
    """A checkpoint is missing, damaged, or not of a kind that can be painted with."""


class DeviceMemoryError(GenerationError):
    """The device's memory did not suffice, not even with every saving."""


class GenerationCancelledError(GenerationError):
    """The request was cancelled while it waited or was being painted."""


class ExecutorClosedError(GenerationError):
    """The executor was closed before the request could be painted."""


class EngineLostError(GenerationError):
    """The engine's process ended over and over while it was at the request."""


class EngineVersionError(GenerationError):
    """The engine's process is of another version of Easel than the bot's."""


class ProtocolError(Exception):
    """A message between the bot and the engine is malformed or too long. Not for people."""


class EngineFailureError(Exception):
    """Something in the engine's process went wrong that nobody foresaw; a note holds the traceback. Not for people."""
