"""The line: whether rollouts may start on this server at all, and the moment that a freeze is asked for until."""

import asyncio
from datetime import UTC, datetime, timedelta

from headgate.decide.standstill import latest, may_freeze, may_unfreeze
from headgate.engine.refusals import Rejected
from headgate.model import commands as c
from headgate.model.events import Event
from headgate.model.freezes import Freeze
from headgate.model.ids import SERVER_STREAM
from headgate.ports import Clock, Conflict, EventLog
from headgate.spec.units import Unsuitable, duration

SHORTEST, LONGEST = timedelta(seconds=1), timedelta(days=365)
MOMENTS = "--until takes a time from now, such as 2h, or a moment with its time zone, such as 2026-11-24T08:00+01:00"


class Line:
    """One entry of the log stops every environment at once: no platform is asked, and none is forgotten."""

    def __init__(self, log: EventLog, clock: Clock) -> None:
        self._log, self._clock = log, clock
        self._version = 0
        self._lock = asyncio.Lock()
        self.freeze: Freeze | None = None  # the latest, which may have ended by itself

    async def remember(self) -> None:
        recorded = await self._log.read(SERVER_STREAM, self._version)
        self.freeze = latest(self.freeze, recorded)
        self._version = recorded[-1].version if recorded else self._version

    async def accept(self, command: c.Freeze | c.Unfreeze) -> None:
        """Raises Rejected with the reason. A start that was decided a moment before counts as in flight."""
        async with self._lock:
            await self.remember()
            now = self._clock.now()
            if isinstance(command, c.Freeze):
                answer = may_freeze(command, self.freeze, now, "--all")
            else:
                answer = may_unfreeze(command, self.freeze, now)
            if isinstance(answer, c.Refused):
                raise Rejected(answer.why)
            await self._append(answer)

    async def record(self, event: Event) -> None:
        """What else concerns the whole server. Raises Rejected where another wrote at the same moment."""
        async with self._lock:
            await self.remember()
            await self._append([event])

    async def _append(self, events: list[Event]) -> None:
        try:
            await self._log.append(SERVER_STREAM, events, self._version)
        except Conflict as error:
            raise Rejected("another change came first; look again and repeat the command") from error
        await self.remember()


def length(text: str) -> timedelta:
    """How long something is good for: 90d. Raises Rejected."""
    try:
        return duration(text, SHORTEST, LONGEST)
    except Unsuitable as error:
        raise Rejected(f"{text!r} is no length of time from 1s to 365d, such as 90d") from error


def until(text: str | None, now: datetime) -> datetime | None:
    """2h, or an ISO 8601 moment with its zone. Raises Rejected."""
    if text is None:
        return None
    try:
        return now + duration(text, SHORTEST, LONGEST)
    except Unsuitable:
        pass
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise Rejected(f"{text!r} is no moment: {MOMENTS}")
