"""What people choose for themselves, their presets, their history and its search."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

from bot.persistence.jobs import terms_of

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MANY = 1000

# FTS5 keeps no text of its own: it indexes the terms of `history`, each of which is a word joined to its owner.
_SQLITE_SEARCH = (
    "CREATE VIRTUAL TABLE history_search USING fts5(terms, content='history', content_rowid='number', detail='none',"
    " tokenize='ascii')",
    "CREATE TRIGGER history_found AFTER INSERT ON history BEGIN"
    " INSERT INTO history_search(rowid, terms) VALUES (new.number, new.terms); END",
    "CREATE TRIGGER history_forgotten AFTER DELETE ON history BEGIN"
    " INSERT INTO history_search(history_search, rowid, terms) VALUES ('delete', old.number, old.terms); END",
)
_POSTGRESQL_SEARCH = ("CREATE INDEX ix_history_search ON history USING gin (to_tsvector('simple', terms))",)


def upgrade() -> None:
    with op.batch_alter_table("jobs") as jobs:
        jobs.add_column(sa.Column("wishes", sa.Text(), nullable=False, server_default="{}"))
    op.create_table(
        "choices",
        sa.Column("scope", sa.String(8), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "owner_id"),
    )
    op.create_table(
        "presets",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("scope", sa.String(8), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("code", sa.String(10), nullable=True, unique=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("scope", "owner_id", "name", name="uq_presets_name"),
    )
    op.create_table(
        "drafts",
        sa.Column("id", sa.String(10), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_drafts_user_id", "drafts", ["user_id"])
    op.create_index("ix_drafts_created_at", "drafts", ["created_at"])
    history = op.create_table(
        "history",
        sa.Column("number", _NUMBER, nullable=False),
        sa.Column("job_id", sa.String(16), nullable=False, unique=True),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("model", sa.String(255), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("ix_history_user_id_number", "history", ["user_id", "number"])
    sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in _SQLITE_SEARCH if sqlite else _POSTGRESQL_SEARCH:
        op.execute(statement)
    _remember_what_was_painted(history)


def _remember_what_was_painted(history: sa.Table) -> None:
    """Enters the jobs of earlier releases, in the order in which they came."""
    jobs = sa.table(
        "jobs",
        sa.column("id", sa.String),
        sa.column("user_id", sa.BigInteger),
        sa.column("request", sa.Text),
        sa.column("created_at", sa.DateTime(timezone=True)),
        sa.column("rendered_at", sa.DateTime(timezone=True)),
    )
    connection = op.get_bind()
    painted = sa.select(jobs.c.id, jobs.c.user_id, jobs.c.request, jobs.c.created_at).where(
        jobs.c.rendered_at.is_not(None)
    )
    rows = connection.execute(painted.order_by(jobs.c.created_at, jobs.c.id)).partitions(_MANY)
    for part in rows:
        connection.execute(
            history.insert(),
            [_entry(job) for job in part],
        )


def _entry(job: Any) -> dict[str, Any]:
    request = json.loads(job.request)["request"]
    return {
        "job_id": job.id,
        "user_id": job.user_id,
        "model": request["model"],
        "terms": terms_of(job.user_id, request["prompt"]),
        "created_at": job.created_at,
    }


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE history_search")
    op.drop_table("history")
    op.drop_table("drafts")
    op.drop_table("presets")
    op.drop_table("choices")
    with op.batch_alter_table("jobs") as jobs:
        jobs.drop_column("wishes")
