"""What the engine can be told from outside: environment variables EASEL_* and the file .env."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from generation.request.validation import file_name

Device = Literal["auto", "cuda", "mps", "cpu"]
Precision = Literal["auto", "float32", "bfloat16", "float16"]


class GenerationSettings(BaseSettings):
    """Read once at the top and passed down."""

    model_config = SettingsConfigDict(
        env_prefix="EASEL_", env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    data_dir: Path = Field(default=Path("data"), description="where models, pictures and the database lie")
    models_dir: Path | None = Field(
        default=None, description="where checkpoints lie; empty: models/ in the data folder"
    )
    model: str | None = Field(
        default=None,
        description="the default model: a name in the models folder, a file, a folder, or a hub id such as "
        "org/name@revision; empty: the first one in the models folder, else the built-in starter",
    )
    vae: str | None = Field(
        default=None,
        description="a separate VAE for every picture: a name in the models folder, or a file; "
        "empty: the checkpoint's own",
    )
    device: Device = Field(default="auto", description="auto, cuda, mps or cpu")
    dtype: Precision = Field(default="auto", description="auto, float32, bfloat16 or float16")
    previews: bool = Field(default=True, description="whether a running job shows what is coming")
    slots: int = Field(default=4, ge=1, le=64, description="jobs that share the device's step loop at a time")

    model_memory: float = Field(
        default=0.0,
        ge=0,
        description="GiB of main memory for checkpoints that stay loaded, the one in use among them, "
        "pinned where a graphics card paints; 0: half of what is free at the start",
    )

    compile: bool = Field(
        default=False,
        description="whether torch.compile makes the UNet's usual shapes faster, in the background while people are "
        "painted for as before",
    )
    cuda_graphs: bool | None = Field(
        default=None,
        description="whether the UNet's usual calls are recorded as CUDA graphs, so that a fast card does not wait for "
        "the processor; takes 1 to 2 GiB of its memory; empty: on cards with 16 GiB or more",
    )
    fp16_accumulation: bool = Field(
        default=False,
        description="whether sums of float16 products are kept in float16: faster on consumer cards, a little less "
        "exact",
    )

    @property
    def vae_name(self) -> str:
        """The name of the operator's VAE, which is all that people see of it; "" for the checkpoint's own."""
        return file_name(self.vae)

    @property
    def models_path(self) -> Path:
        """The folder that is searched for checkpoints."""
        return self.models_dir or self.data_dir / "models"
