"""docs/sampling.md shows what the code says."""

from pathlib import Path

import pytest

from benchmarks import sampling_page
from generation import SCHEDULES

DOCS = Path(__file__).parents[2] / "docs"


def test_the_tables_are_those_of_the_code() -> None:
    page = (DOCS / "sampling.md").read_text(encoding="utf-8")

    assert page == sampling_page.filled(page)
    assert sampling_page.sampler_table() in page


@pytest.mark.parametrize("name", sorted(SCHEDULES))
def test_a_schedules_chart_is_up_to_date(name: str) -> None:
    assert (DOCS / "schedules" / f"{name}.svg").read_text(encoding="utf-8") == sampling_page.chart(name)
