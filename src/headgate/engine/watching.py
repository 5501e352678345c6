"""The slow beat after a promotion: when the stable is measured again, and how."""

from datetime import datetime, timedelta

from headgate.decide.monitoring import watched_now
from headgate.engine.look import Look
from headgate.model.measurements import Measurement, Window
from headgate.model.rollouts import EnvironmentState


class Watching:
    """Remembers only when it looked last: what was seen is read again, from the end of what the log holds."""

    def __init__(self) -> None:
        self._looked: datetime | None = None

    async def take(self, look: Look, state: EnvironmentState, now: datetime) -> Measurement | None:
        monitoring = watched_now(state)
        if monitoring is None or state.stable is None or self.due_in(state, now):
            return None
        self._looked = now
        window = Window(monitoring.last_tick_at, now)
        samples, missing = await look.samples(state.stable, window)
        return Measurement(monitoring.ticks + 1, window, stable=samples, missing=missing)

    def due_in(self, state: EnvironmentState, now: datetime) -> timedelta | None:
        """None: at once, or not at all."""
        monitoring = watched_now(state)
        if monitoring is None:
            return None
        last = monitoring.last_tick_at
        latest = self._looked if self._looked is not None and last < self._looked <= now else last
        left = latest + monitoring.rules.interval - now
        return left if left > timedelta() else None
