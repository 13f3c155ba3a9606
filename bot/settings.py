"""What the bot can be told from outside: environment variables and the file .env, read once at the top."""

import os
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SecretsSettingsSource, SettingsConfigDict

from bot.errors import SettingsError
from generation import SAMPLERS, SCHEDULES, GenerationSettings
from generation.request.request import MAX_COUNT, MAX_GUIDANCE_SCALE, MAX_SIZE, MAX_STEPS

MAX_WEIGHT = 100
DISCORD_API = "https://discord.com/api/v10"


class TokenFileSource(PydanticBaseSettingsSource):
    """Reads the bot's token from the file that DISCORD_TOKEN_FILE names."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Gives no field by itself: the one it can give depends on another."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """Returns the token where the sources before name a file and no token.

        Raises:
            SettingsError: The file cannot be read, or is empty.
        """
        known = self.current_state
        file = known.get("DISCORD_TOKEN_FILE") or known.get("discord_token_file")
        if not file or known.get("DISCORD_TOKEN") or known.get("discord_token"):
            return {}
        try:
            token = Path(file).expanduser().read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"DISCORD_TOKEN_FILE cannot be read: {file}.") from error
        if not token:
            raise SettingsError(f"DISCORD_TOKEN_FILE is empty: {file}.")
        return {"DISCORD_TOKEN": token}


class Settings(GenerationSettings):
    """Everything an operator can set; .env.example lists it with the same words."""

    model_config = SettingsConfigDict(populate_by_name=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Reads what neither the environment nor .env says from the token's file, then from systemd's credentials."""
        credentials = os.environ.get("CREDENTIALS_DIRECTORY")
        secrets = SecretsSettingsSource(settings_cls, secrets_dir=credentials) if credentials else file_secret_settings
        return init_settings, env_settings, dotenv_settings, TokenFileSource(settings_cls), secrets

    discord_token: SecretStr | None = Field(
        default=None, validation_alias="DISCORD_TOKEN", description="the bot's token from the Discord developer portal"
    )
    discord_token_file: Path | None = Field(
        default=None,
        validation_alias="DISCORD_TOKEN_FILE",
        description="a file that holds the token instead; so does a systemd credential named DISCORD_TOKEN",
    )
    discord_api_url: str = Field(
        default=DISCORD_API,
        validation_alias="DISCORD_API_URL",
        description="Discord's REST address; another one points the bot at a Discord of your own",
    )
    database_url: str | None = Field(
        default=None,
        validation_alias="DATABASE_URL",
        description="an SQLAlchemy async URL; empty: SQLite in the data folder",
    )
    playground_port: int = Field(
        default=8188,
        ge=0,
        le=65535,
        description="where the playground listens when DISCORD_TOKEN is not set; the next free port when taken",
    )
    command: str = Field(
        default="imagine",
        pattern=r"^[a-z0-9_-]{1,32}$",
        description="the command's name, should another image bot on the server use /imagine",
    )
    max_waiting: int = Field(default=10, ge=1, description="jobs one person may have waiting")
    max_presets: int = Field(default=20, ge=1, description="presets one person, or one server, may have")
    max_running: int = Field(
        default=3, ge=1, description="jobs of one person that may be painted at a time; the others of theirs wait"
    )
    max_job_seconds: float = Field(
        default=900.0,
        ge=0,
        description="device seconds that one job may take by its estimate, but always as much as four ordinary "
        "pictures; 0: no limit",
    )
    role_weights: dict[int, float] = Field(
        default={},
        description="shares of the device by role, as JSON of role ids and weights; "
        "a person has the largest of theirs, else 1",
    )
    group_seconds: float = Field(
        default=60.0,
        ge=0,
        description="seconds by which a job may be held up in all so that others need no change of the model",
    )
    max_size: int = Field(default=2048, ge=64, le=MAX_SIZE, description="longest side in pixels people may ask for")
    max_upscaled: int = Field(
        default=MAX_SIZE, ge=64, le=MAX_SIZE, description="longest side in pixels that upscaling in tiles may make"
    )
    default_steps: int = Field(default=30, ge=1, le=MAX_STEPS, description="steps where a person gives none")
    default_cfg: float = Field(default=7.0, ge=0, le=MAX_GUIDANCE_SCALE, description="cfg where a person gives none")
    default_sampler: str = Field(default="dpmpp_2m", description="sampler where a person gives none")
    default_scheduler: str = Field(default="karras", description="schedule where a person gives none")
    default_negative: str = Field(default="", description="negative prompt where a person gives none")
    default_count: int = Field(default=1, ge=1, le=MAX_COUNT, description="pictures where a person gives no count")
    buttons: str = Field(
        default="everyone",
        pattern="^(everyone|owner)$",
        description="who may use the buttons under a picture: everyone, or owner (who asked for it, and moderators)",
    )
    reactions: str = Field(
        default="everyone",
        pattern="^(everyone|owner)$",
        description="who may re-roll by a reaction: everyone, or owner (who asked for it, and moderators)",
    )
    show_reroll: bool = Field(default=True, description="react with 🎲 to every result, so that people find re-rolling")
    vary: str = Field(default="strong", pattern="^(strong|subtle)$", description="what V1 to V4 do: strong or subtle")
    variations: int = Field(default=4, ge=1, le=MAX_COUNT, description="pictures that a variation has")
    gallery: str = Field(
        default="gallery",
        min_length=1,
        description="the channel of each server that starred pictures are copied to: its name, or its id",
    )
    gallery_stars: int = Field(default=1, ge=1, description="stars a picture needs to be copied to the gallery")
    grace_seconds: float = Field(
        default=15.0, ge=0, description="how long running jobs may go on after the bot is told to stop"
    )
    max_inputs: int = Field(
        default=20, ge=1, description="pictures of their own that one person may have waiting with unfinished jobs"
    )
    max_input_mb: int = Field(default=100, ge=1, description="MB that these may have in all")
    max_disk: float = Field(
        default=0.0,
        ge=0,
        description="GiB that pictures may take in all, painted and brought; above that the oldest are removed, those "
        "that nobody starred first; 0: no limit",
    )
    keep_days: int = Field(
        default=0,
        ge=0,
        description="days after which pictures that nobody starred are removed, their recipes stay; 0: never",
    )
    keep_server_days: int = Field(
        default=30,
        ge=0,
        description="days after which a server's data is erased once the bot has been removed from it; 0: never",
    )
    log_level: str = Field(
        default="INFO",
        pattern="^(DEBUG|INFO|WARNING|ERROR)$",
        description="DEBUG, INFO, WARNING or ERROR, of Easel itself; libraries are heard from INFO upwards",
    )

    @property
    def database(self) -> str:
        """The database's URL, the default filled in."""
        return self.database_url or f"sqlite+aiosqlite:///{self.data_dir / 'easel.db'}"

    @property
    def pictures_path(self) -> Path:
        """The folder where every original picture lies."""
        return self.data_dir / "pictures"

    @field_validator("role_weights")
    @classmethod
    def _positive(cls, weights: dict[int, float]) -> dict[int, float]:
        if any(not 0 < weight <= MAX_WEIGHT for weight in weights.values()):
            raise ValueError(f"weights must be greater than 0 and at most {MAX_WEIGHT}")
        return weights

    @field_validator("default_sampler", "default_scheduler")
    @classmethod
    def _known(cls, name: str, info: ValidationInfo) -> str:
        known = SAMPLERS if info.field_name == "default_sampler" else SCHEDULES
        if name not in known:
            raise ValueError(f"{name!r} is none of {', '.join(known)}")
        return name
