"""Which worlds are simulated when."""

from typing import Any

import pytest


def blocks(size: int, count: int, fast: int) -> list[Any]:
    """The first seed of each block: the first in every run, up to ``fast`` but in `make check`, the rest in CI."""
    firsts = range(0, size * count, size)
    marks = [() if block < 1 else pytest.mark.slow if block < fast else pytest.mark.real for block in range(count)]
    return [pytest.param(n, marks=mark, id=f"seeds-{n}-{n + size - 1}") for n, mark in zip(firsts, marks, strict=True)]
