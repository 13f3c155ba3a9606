"""Who brought which picture, which pictures were removed, which servers the bot has left; dead tokens are cleared."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0009"
branch_labels = None
depends_on = None

_ENDED = ("posted", "failed", "cancelled")
_TOKEN_LIFE = timedelta(minutes=15)
_DEAD = "expired"  # bot.domain.EXPIRED
_MANY = 1000

_JOBS = sa.table(
    "jobs",
    sa.column("id", sa.String),
    sa.column("user_id", sa.BigInteger),
    sa.column("state", sa.String),
    sa.column("token", sa.Text),
    sa.column("request", sa.Text),
    sa.column("parent_job", sa.String),
    sa.column("asked_at", sa.DateTime(timezone=True)),
    sa.column("created_at", sa.DateTime(timezone=True)),
)
_IMAGES = sa.table("images", sa.column("digest", sa.String))


def upgrade() -> None:
    inputs = op.create_table(
        "inputs",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "digest"),
    )
    op.create_index("ix_inputs_digest", "inputs", ["digest"])
    op.create_table(
        "departures",
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("channels", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("guild_id"),
    )
    with op.batch_alter_table("images") as images:
        images.add_column(sa.Column("removed_at", sa.DateTime(timezone=True)))
    _clear_tokens()
    _note_who_brought_what(inputs)


def _clear_tokens() -> None:
    """Clears the tokens of ended jobs; of others the dead ones, which still tell that an interaction asked."""
    op.execute(_JOBS.update().where(_JOBS.c.state.in_(_ENDED)).values(token=""))
    dead = (_JOBS.c.token != "") & (_JOBS.c.asked_at < datetime.now(UTC) - _TOKEN_LIFE)
    op.execute(_JOBS.update().where(dead).values(token=_DEAD))


def _note_who_brought_what(inputs: sa.Table) -> None:
    """Takes a job's person for the one who brought its input, unless the job has it from its parent or it was painted.

    The size is not known here; it counts for unfinished jobs alone.
    """
    connection = op.get_bind()
    begun = sa.select(_JOBS).where(_JOBS.c.request.contains('"picture": "')).order_by(_JOBS.c.created_at)
    brought: dict[tuple[int, str], Any] = {}
    inherited: dict[str, set[str]] = {}
    for row in connection.execute(begun):
        digests = set(_inputs(row.request))
        inherited[row.id] = digests
        for digest in digests - inherited.get(row.parent_job, set()):
            brought.setdefault((row.user_id, digest), row.created_at)
    painted = set(connection.scalars(sa.select(_IMAGES.c.digest)))
    rows = [
        {"user_id": person, "digest": digest, "size": 0, "taken_at": at}
        for (person, digest), at in brought.items()
        if digest not in painted
    ]
    for start in range(0, len(rows), _MANY):
        connection.execute(inputs.insert(), rows[start : start + _MANY])


def _inputs(request: str) -> Iterator[str]:
    values = json.loads(request)["request"]
    for part in ("init", "mask"):
        if (values.get(part) or {}).get("picture"):
            yield values[part]["picture"]


def downgrade() -> None:
    with op.batch_alter_table("images") as images:
        images.drop_column("removed_at")
    op.drop_table("departures")
    op.drop_table("inputs")
