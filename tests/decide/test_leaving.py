"""What may leave the log by policy."""

from datetime import UTC, datetime, timedelta

import pytest

from headgate.decide.leaving import leaves

NOW = datetime(2026, 11, 23, tzinfo=UTC)
YEAR = timedelta(days=366)


@pytest.mark.parametrize(
    ("stream", "age", "leaves_"),
    [
        ("commands:2019-01", 8 * YEAR, True),
        ("build:bld_1", 8 * YEAR, True),
        ("commands:2019-11", 7 * YEAR, False),
        ("commands:2026-11", timedelta(), False),
        *((stream, 50 * YEAR, False) for stream in (
            "environment:pcw/production", "application:pcw", "release:rel_1", "target:pcw/chat", "server", "audit",
            "application:commands:", "unknown",
        )),
    ],
)  # fmt: skip
def test_leaves(stream: str, age: timedelta, leaves_: bool) -> None:
    assert leaves(stream, NOW - age, NOW, 7 * YEAR) is leaves_
