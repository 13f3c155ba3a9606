"""One learned speed for each range of areas, where there was one for each area that had been painted."""

import math
from collections import defaultdict

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0007"
branch_labels = None
depends_on = None

SPEEDS = sa.table(
    "speeds",
    sa.column("model", sa.String),
    sa.column("pixels", sa.BigInteger),
    sa.column("seconds_per_unit", sa.Double),
    sa.column("jobs", sa.BigInteger),
)
BUCKETS_PER_OCTAVE = 4


def upgrade() -> None:
    connection = op.get_bind()
    merged: defaultdict[tuple[str, int], list[tuple[float, int]]] = defaultdict(list)
    for model, pixels, seconds, jobs in connection.execute(sa.select(SPEEDS)):
        merged[model, bucket(pixels)].append((seconds, jobs))
    connection.execute(sa.delete(SPEEDS))
    rows = [
        {"model": model, "pixels": pixels, "seconds_per_unit": middle(known), "jobs": sum(jobs for _, jobs in known)}
        for (model, pixels), known in merged.items()
    ]
    if rows:
        connection.execute(sa.insert(SPEEDS), rows)


def downgrade() -> None:
    """Speeds of ranges are valid speeds of areas, so they stay."""


def bucket(pixels: int) -> int:
    """Returns the area under which an area's speed is kept from now on; 0, what calls take, stays 0."""
    return round(2 ** (round(BUCKETS_PER_OCTAVE * math.log2(pixels)) / BUCKETS_PER_OCTAVE)) if pixels else 0


def middle(known: list[tuple[float, int]]) -> float:
    """Returns the geometric mean of seconds, each counted by the jobs it was learned from."""
    jobs = [max(count, 1) for _, count in known]
    logs = [count * math.log(seconds) for (seconds, _), count in zip(known, jobs, strict=True)]
    return math.exp(sum(logs) / sum(jobs))
