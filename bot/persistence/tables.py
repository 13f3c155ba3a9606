"""The tables, as the newest migration leaves them."""

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class UtcDateTime(TypeDecorator[datetime]):
    """A point in time, kept in UTC by databases with and without time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuses times without a zone, and stores the others in UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without its zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Reads every time as UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Table(DeclarativeBase):
    """What all tables share."""


SEARCH = "history_search"  # SQLite's full-text index and the tables it keeps for itself, known to migration 0005 alone


def is_ours(name: str | None, _kind: str, _parents: object) -> bool:
    """Whether something in the database has its counterpart here."""
    return not (name or "").startswith(SEARCH)


class UserRow(Table):
    """A person who asked for something, by their Discord id."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    first_seen: Mapped[datetime] = mapped_column(UtcDateTime)


class JobRow(Table):
    """A job and its life."""

    __tablename__ = "jobs"
    __table_args__ = (Index("ix_jobs_state_created_at", "state", "created_at"),)

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    channel_id: Mapped[int] = mapped_column(BigInteger)
    guild_id: Mapped[int | None] = mapped_column(BigInteger)
    application_id: Mapped[int] = mapped_column(BigInteger)
    token: Mapped[str] = mapped_column(Text)
    message_id: Mapped[int] = mapped_column(BigInteger, index=True)
    interaction_id: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    worker_id: Mapped[str | None] = mapped_column(String(16), index=True)
    file_limit: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(16))
    request: Mapped[str] = mapped_column(Text)
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    rendered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    unwanted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    seconds: Mapped[float] = mapped_column(default=0.0)
    device_seconds: Mapped[float] = mapped_column(default=0.0, server_default="0")
    notes: Mapped[str] = mapped_column(Text, default="")
    wishes: Mapped[str] = mapped_column(Text, default="{}", server_default="{}")
    weight: Mapped[float] = mapped_column(default=1.0, server_default="1")
    reason: Mapped[str | None] = mapped_column(Text)
    parent_job: Mapped[str | None] = mapped_column(String(16), index=True)
    parent_index: Mapped[int | None]
    action: Mapped[str | None] = mapped_column(String(16))
    reaction: Mapped[str | None] = mapped_column(String(64), index=True)
    images: Mapped[list["ImageRow"]] = relationship(
        order_by="ImageRow.position", cascade="all, delete-orphan", lazy="selectin"
    )


class WorkerRow(Table):
    """A running process of the bot and how long it may be taken for alive."""

    __tablename__ = "workers"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    host: Mapped[str] = mapped_column(String(255))
    pid: Mapped[int] = mapped_column(BigInteger)
    started_at: Mapped[float]
    lease_until: Mapped[datetime] = mapped_column(UtcDateTime)


class ImageRow(Table):
    """One finished picture of a job; the file lies in the picture store under its digest."""

    __tablename__ = "images"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), index=True)
    media_type: Mapped[str] = mapped_column(String(32))
    size: Mapped[int] = mapped_column(BigInteger)
    seed: Mapped[int] = mapped_column(BigInteger)
    removed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class InputRow(Table):
    """A picture that a person brought; the file lies in the picture store under its digest."""

    __tablename__ = "inputs"

    user_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    digest: Mapped[str] = mapped_column(String(64), primary_key=True, index=True)
    size: Mapped[int] = mapped_column(BigInteger)
    taken_at: Mapped[datetime] = mapped_column(UtcDateTime)


class DepartureRow(Table):
    """A server that the bot is no longer on."""

    __tablename__ = "departures"

    guild_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    left_at: Mapped[datetime] = mapped_column(UtcDateTime)
    channels: Mapped[str] = mapped_column(Text, default="[]")


class HistoryRow(Table):
    """A painted job in its person's history; what is searched for is indexed beside it (migration 0005)."""

    __tablename__ = "history"
    __table_args__ = (Index("ix_history_user_id_number", "user_id", "number"),)

    number: Mapped[int] = mapped_column(BigInteger().with_variant(Integer(), "sqlite"), primary_key=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), unique=True)
    user_id: Mapped[int] = mapped_column(BigInteger)
    model: Mapped[str] = mapped_column(String(255))
    terms: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ChoicesRow(Table):
    """What a person, a channel or a server has chosen to hold where nothing is typed."""

    __tablename__ = "choices"

    scope: Mapped[str] = mapped_column(String(8), primary_key=True)
    owner_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    content: Mapped[str] = mapped_column(Text)


class PresetRow(Table):
    """Settings that a person or a server saved under a name."""

    __tablename__ = "presets"
    __table_args__ = (UniqueConstraint("scope", "owner_id", "name", name="uq_presets_name"),)

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer(), "sqlite"), primary_key=True)
    scope: Mapped[str] = mapped_column(String(8))
    owner_id: Mapped[int] = mapped_column(BigInteger)
    name: Mapped[str] = mapped_column(String(32))
    content: Mapped[str] = mapped_column(Text)
    code: Mapped[str | None] = mapped_column(String(10), unique=True)


class DraftRow(Table):
    """What a button that was shown will need when it is pressed, and that does not fit into its id."""

    __tablename__ = "drafts"

    id: Mapped[str] = mapped_column(String(10), primary_key=True)
    user_id: Mapped[int] = mapped_column(BigInteger, index=True)
    content: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class PostRow(Table):
    """A message that shows one picture of a job, beside the job's own message."""

    __tablename__ = "posts"

    message_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), index=True)
    position: Mapped[int]
    user_id: Mapped[int] = mapped_column(BigInteger)


class StarRow(Table):
    """A person's star on a message that shows pictures of a job."""

    __tablename__ = "stars"

    message_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    user_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), index=True)
    position: Mapped[int | None]
    starred_at: Mapped[datetime] = mapped_column(UtcDateTime)


class GalleryRow(Table):
    """The copy of a starred message in a server's gallery."""

    __tablename__ = "gallery"

    message_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), index=True)
    channel_id: Mapped[int] = mapped_column(BigInteger)
    copy_id: Mapped[int] = mapped_column(BigInteger)


class SpeedRow(Table):
    """How fast the device turned out to be with a model at a size."""

    __tablename__ = "speeds"

    model: Mapped[str] = mapped_column(String(255), primary_key=True)
    pixels: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    seconds_per_unit: Mapped[float]
    jobs: Mapped[int] = mapped_column(BigInteger)
