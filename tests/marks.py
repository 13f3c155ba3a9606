"""Parameters of which `make test` tries a few and `make check` all."""

from collections.abc import Iterable
from typing import Any

import pytest


def rest_in_ci(names: Iterable[str], *always: str) -> list[Any]:
    """Returns all names as parameters, in order; those not named as `always` are marked `ci`.

    Raises:
        ValueError: What should always be tried is not among the names.
    """
    known = sorted(names)
    if unknown := set(always).difference(known):
        raise ValueError(f"no such parameter: {', '.join(sorted(unknown))}")
    return [name if name in always else pytest.param(name, marks=pytest.mark.ci) for name in known]
