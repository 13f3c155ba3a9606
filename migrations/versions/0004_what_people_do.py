"""Which job a job was made of, which messages show single pictures, stars and the gallery."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("jobs") as jobs:
        jobs.add_column(sa.Column("parent_job", sa.String(16), nullable=True))
        jobs.add_column(sa.Column("parent_index", sa.Integer(), nullable=True))
        jobs.add_column(sa.Column("action", sa.String(16), nullable=True))
        jobs.add_column(sa.Column("reaction", sa.String(64), nullable=True))
        jobs.create_index("ix_jobs_parent_job", ["parent_job"])
        jobs.create_index("ix_jobs_reaction", ["reaction"])
        jobs.create_index("ix_jobs_message_id", ["message_id"])
    op.create_table(
        "posts",
        sa.Column("message_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("job_id", sa.String(16), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("message_id"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], ondelete="CASCADE"),
    )
    op.create_index("ix_posts_job_id", "posts", ["job_id"])
    op.create_table(
        "stars",
        sa.Column("message_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("job_id", sa.String(16), nullable=False),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("starred_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("message_id", "user_id"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], ondelete="CASCADE"),
    )
    op.create_index("ix_stars_job_id", "stars", ["job_id"])
    op.create_table(
        "gallery",
        sa.Column("message_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("job_id", sa.String(16), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("copy_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("message_id"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], ondelete="CASCADE"),
    )
    op.create_index("ix_gallery_job_id", "gallery", ["job_id"])


def downgrade() -> None:
    op.drop_table("gallery")
    op.drop_table("stars")
    op.drop_table("posts")
    with op.batch_alter_table("jobs") as jobs:
        jobs.drop_index("ix_jobs_message_id")
        jobs.drop_index("ix_jobs_reaction")
        jobs.drop_index("ix_jobs_parent_job")
        jobs.drop_column("reaction")
        jobs.drop_column("action")
        jobs.drop_column("parent_index")
        jobs.drop_column("parent_job")
