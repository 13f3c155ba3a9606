"""Which process of the bot looks after a job, that a command becomes a job once, and what a job took."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "workers",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("pid", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("jobs") as jobs:
        jobs.add_column(sa.Column("interaction_id", sa.BigInteger(), nullable=True))
        jobs.add_column(sa.Column("device_seconds", sa.Double(), nullable=False, server_default="0"))
        jobs.add_column(sa.Column("worker_id", sa.String(16), nullable=True))
        jobs.create_unique_constraint("uq_jobs_interaction_id", ["interaction_id"])
        jobs.create_index("ix_jobs_worker_id", ["worker_id"])


def downgrade() -> None:
    with op.batch_alter_table("jobs") as jobs:
        jobs.drop_index("ix_jobs_worker_id")
        jobs.drop_constraint("uq_jobs_interaction_id", type_="unique")
        jobs.drop_column("worker_id")
        jobs.drop_column("device_seconds")
        jobs.drop_column("interaction_id")
    op.drop_table("workers")
