"""A clock that moves when it is told to."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)  # a Monday morning


class FakeClock:
    def __init__(self, start: datetime = EPOCH) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> datetime:
        """May be negative: real clocks are set back too."""
        self._now += by
        return self._now
