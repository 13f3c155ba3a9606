"""What `make test` leaves to `make check`, and that the latter runs everything."""

from pathlib import Path

import pytest

from tests.marks import rest_in_ci

MAKEFILE = (Path(__file__).parents[2] / "Makefile").read_text(encoding="utf-8")


def recipe(target: str) -> list[str]:
    """Returns the commands of one target of the Makefile."""
    return MAKEFILE.split(f"\n{target}: install\n")[1].split("\n\n")[0].splitlines()


def test_only_make_test_leaves_the_tests_of_ci_out() -> None:
    assert recipe("test") == ["\t$(PYTEST) -m 'not ci'"]
    assert recipe("check")[-1] == "\t$(BIN)/pytest"


def test_all_names_are_tried_and_those_not_named_only_in_ci() -> None:
    always, in_ci = rest_in_ci(["euler", "ddim"], "euler")[1], rest_in_ci(["euler", "ddim"], "euler")[0]

    assert always == "euler"
    assert (in_ci.values, [mark.name for mark in in_ci.marks]) == (("ddim",), ["ci"])


def test_a_name_that_is_gone_is_no_longer_chosen_in_silence() -> None:
    with pytest.raises(ValueError, match="no such parameter: heun"):
        rest_in_ci(["euler"], "heun")
