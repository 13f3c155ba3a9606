"""How fast the device turned out to be, by model and size."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "speeds",
        sa.Column("model", sa.String(255), nullable=False),
        sa.Column("pixels", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seconds_per_unit", sa.Double(), nullable=False),
        sa.Column("jobs", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("model", "pixels"),
    )


def downgrade() -> None:
    op.drop_table("speeds")
