"""The JSON that comes with models, checked once: afterwards every value is there, of its type and within its range."""

from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from generation.errors import ModelError
from generation.models.folders import read_text
from generation.visible import shortened

MAX_BYTES = 2**20
MAX_UNITS = 4096  # heads, groups

Document = TypeVar("Document", bound=BaseModel)
Units = Annotated[int, Field(ge=1, le=MAX_UNITS)]
LatentSide = Annotated[int, Field(ge=8, le=512)]  # pictures of 64 to 4096 pixels
Factor = Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)]


class ModelIndex(BaseModel):
    """A diffusers folder's model_index.json, as far as it is looked at."""

    class_name: str | None = Field(default=None, alias="_class_name")
    requires_aesthetics_score: bool = False


class Config(BaseModel):
    """Any component's config.json: an object, of whatever its library makes of it."""


class UNetConfig(BaseModel):
    """A diffusers UNet's config.json, as far as it is looked at; sizes are in latents."""

    sample_size: LatentSide | tuple[LatentSide, LatentSide] | None = None


class SchedulerConfig(BaseModel):
    """A diffusers scheduler's scheduler_config.json, as far as it is looked at."""

    prediction_type: str = "epsilon"
    rescale_betas_zero_snr: bool | None = None


class ComponentConfig(BaseModel):
    """What the shapes of a component's tensors cannot tell."""

    model_config = ConfigDict(extra="forbid")

    attention_head_dim: Units | list[Units] | None = None
    num_attention_heads: Units | None = None
    norm_num_groups: Units | None = None
    scaling_factor: Factor | None = None


class Vocabulary(BaseModel):
    """A tokenizer's merges, each "left right"."""

    merges: list[Annotated[str, Field(pattern=r"^\S+\s+\S+$", max_length=500)]] | None = None


class EaselConfig(BaseModel):
    """What a checkpoint says of itself under `easel.config`; anything else in it is left alone."""

    model_config = ConfigDict(extra="allow")

    native_size: Annotated[int, Field(ge=64, le=4096, multiple_of=8)] | None = None
    prediction: str | None = None
    unet: ComponentConfig | None = None
    vae: ComponentConfig | None = None
    text_encoder: ComponentConfig | None = None
    text_encoder_2: ComponentConfig | None = None
    tokenizer: Vocabulary | None = None
    training: dict[str, Any] | None = None


def read_document(path: Path, kind: type[Document]) -> Document:
    """Reads a JSON file that comes with a model.

    Raises:
        ModelError: It cannot be read, or is not what it should be; the text says what is wrong where.
    """
    return parse_document(read_text(path, MAX_BYTES), kind, f"{path.parent.name}/{path.name}")


def parse_document(text: str | bytes, kind: type[Document], name: str) -> Document:
    """Checks JSON that comes with a model; raises as `read_document` does."""
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        raise ModelError(f"{shortened(name)} {_complaint(error)}.") from error


def _complaint(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    what = "cannot be used" if first["type"] != "json_invalid" else "is not valid JSON"
    return f"{what} ({shortened(f'{place}: ' * bool(place) + first['msg'])})"
