"""The engine: requests in, pictures out. Knows no Discord, no people, no database; importing it loads no torch."""

from generation.errors import (
    DeviceMemoryError,
    EngineFailureError,
    EngineLostError,
    EngineVersionError,
    ExecutorClosedError,
    GenerationCancelledError,
    GenerationError,
    InvalidRequestError,
    ModelError,
)
from generation.executors.base import Executor
from generation.executors.process import ProcessExecutor
from generation.models.catalog import Catalog, ModelEntry
from generation.request.cancellation import CancelToken
from generation.request.options import Hires, Init, Lora, Mask, OutpaintPadding, Refiner
from generation.request.request import GenerationRequest
from generation.request.result import Artifact, GenerationResult, Progress, Stage
from generation.request.sampler_info import SAMPLERS, SCHEDULES
from generation.settings import GenerationSettings

__version__ = "0.1.0"

__all__ = [
    "SAMPLERS",
    "SCHEDULES",
    "Artifact",
    "CancelToken",
    "Catalog",
    "DeviceMemoryError",
    "EngineFailureError",
    "EngineLostError",
    "EngineVersionError",
    "Executor",
    "ExecutorClosedError",
    "GenerationCancelledError",
    "GenerationError",
    "GenerationRequest",
    "GenerationResult",
    "GenerationSettings",
    "Hires",
    "Init",
    "InvalidRequestError",
    "Lora",
    "Mask",
    "ModelEntry",
    "ModelError",
    "OutpaintPadding",
    "ProcessExecutor",
    "Progress",
    "Refiner",
    "Stage",
]
