"""One target: told what it wants to know, in the order of the log, at least once, and never twice under another id.

The log is the queue: nothing is held but how far it is. A target that is down or slow delays nobody but itself.
"""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from headgate.decide.targets import TargetState, fold, is_late, pause
from headgate.engine.refusals import Rejected
from headgate.model import notices as n
from headgate.model.events import Event, Recorded
from headgate.model.ids import target_stream
from headgate.ports import AdapterError, Clock, Conflict, EventLog, Gone, LogUnavailable, Notifier, TryLater, Unusable

LIMIT = timedelta(seconds=30)  # for one telling
NEWS = timedelta(seconds=0.5)  # between looks whether there is some
AWAY = timedelta(seconds=5)  # until a log that is unavailable is read again
FAR = 5000  # positions that the record of a target with nothing to tell may be behind: it is read from there at a start
LONGEST_WHY = 500  # characters
SELDOM = timedelta(minutes=1)  # between two entries of the log that only say why it fails

log = logging.getLogger(__name__)
NoticesOf = Callable[[Recorded], Awaitable[Sequence[n.Notice]]]


@dataclass
class Courier:
    application: str
    target: n.Target
    notifier: Notifier
    log: EventLog
    clock: Clock
    chance: Callable[[], float]  # 0-1
    notices_of: NoticesOf
    state: TargetState = field(default_factory=TargetState)
    due: datetime | None = None  # when it is tried again
    _position: int = 0
    _failures: int = 0
    _read_whole: bool = True  # its own stream is yet to be read
    _late: int = 0  # left out in this turn, not yet on record

    def __post_init__(self) -> None:
        self._lock = asyncio.Lock()

    async def follow(self, awake: asyncio.Event) -> None:
        while True:
            awake.clear()
            wait = await self.turn()
            try:
                async with asyncio.timeout(wait.total_seconds()):
                    await awake.wait()
            except TimeoutError:
                pass

    async def turn(self) -> timedelta:
        """Tells what is to be told; returns how long until there is more to do, unless woken."""
        try:
            async with self._lock:
                return await self._turn()
        except (LogUnavailable, Conflict) as error:
            log.error("%s: %s", self.target.id, error)
            self._read_whole = True
            return AWAY
        except Exception:
            log.exception("telling %s went wrong; it is tried again", self.target.id)
            return AWAY

    async def test(self, notice: n.Notice) -> None:
        """Tells it now, whatever else. Raises AdapterError with the reason, Rejected where it is being told."""
        try:
            async with asyncio.timeout(LIMIT.total_seconds()):
                await self._lock.acquire()
        except TimeoutError as error:
            raise Rejected(f"{self.target.id} is being told something, and has not answered yet") from error
        try:
            await self._remember()
            await self._tell(notice)
            self._failures, self.due = 0, None
            await self._record(n.NoticeDelivered(notice.id, notice.kind, self._position))
        finally:
            self._lock.release()

    # --- a turn

    async def _turn(self) -> timedelta:
        await self._remember()
        now = self.clock.now()
        if self.state.gone:
            return AWAY
        # A clock that was set back makes nothing wait longer.
        if self.due and now < self.due <= now + timedelta(hours=1):
            return self.due - now
        for one in await self.log.tail(self._position):
            if not await self._dealt_with(one):
                return max(self.due - now, NEWS) if self.due else AWAY
            self._position = one.position
        await self._caught_up()
        return NEWS

    async def _remember(self) -> None:
        """Nobody else writes here. A target that is named for the first time is told what happens from here on."""
        if self._read_whole:
            self.state = fold(self.state, await self.log.read(self._stream, self.state.version))
            self._read_whole = False
        if self.state.upto is None:
            await self._record(n.TargetFollowed(self.target.where))
        self._position = max(self._position, self.state.upto or 0)

    async def _caught_up(self) -> None:
        behind = self._position - (self.state.upto or 0)
        if self._late:
            await self._left_out(self._position)
        elif behind >= FAR:
            await self._record(n.TargetCaughtUp(self._position))

    async def _dealt_with(self, one: Recorded) -> bool:
        """False: it is tried again later, from this event on."""
        wanted = [notice for notice in await self.notices_of(one) if self._wants(notice)]
        for number, notice in enumerate(wanted, start=1):
            if notice.id in self.state.recent:
                continue
            if is_late(notice, self.target, self.clock.now()):
                self._late += 1
                continue
            upto = one.position if number == len(wanted) else one.position - 1
            if not await self._told(notice, upto):
                return False
        return True

    def _wants(self, notice: n.Notice) -> bool:
        everywhere = not notice.environment and notice.kind in ("frozen", "unfrozen")
        here = not self.target.environment or everywhere or notice.environment == self.target.environment
        mine = not self.target.to or not notice.people or self.target.to in notice.people
        return notice.kind in self.target.on and here and mine

    # --- one notice

    async def _told(self, notice: n.Notice, upto: int) -> bool:
        if self._late:
            await self._left_out(upto - 1)
        try:
            remembered = await self._tell(notice)
        except Gone as error:
            await self._fails(str(error), gone=True)
            return False
        except Unusable as error:
            self._failures = 0
            await self._record(n.NoticeGivenUp(notice.id, notice.kind, upto, str(error)[:LONGEST_WHY]))
            return True
        except AdapterError as error:
            await self._fails(str(error), after=error.after if isinstance(error, TryLater) else None)
            return False
        self._failures, self.due = 0, None
        await self._record(n.NoticeDelivered(notice.id, notice.kind, upto, notice.rollout, remembered))
        return True

    async def _tell(self, notice: n.Notice) -> str:
        """Raises AdapterError for whatever goes wrong."""
        known = self.state.remembered.get(notice.rollout, "") if notice.rollout else ""
        try:
            async with asyncio.timeout(LIMIT.total_seconds()):
                return await self.notifier.notify(replace(notice, left_out=self.state.unsaid), self.target, known)
        except TimeoutError as error:
            raise AdapterError(f"no answer within {LIMIT.total_seconds():g} s") from error
        except AdapterError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a library raises
            place = traceback.extract_tb(error.__traceback__)[-1]  # its words may hold the address, which may be secret
            log.error("notifier %s: %s at %s:%s", self.target.kind, type(error).__name__, place.filename, place.lineno)
            raise AdapterError(f"{type(error).__name__} (a defect of the adapter; see the server's log)") from None

    async def _fails(self, why: str, after: timedelta | None = None, gone: bool = False) -> None:
        self._failures += 1
        now = self.clock.now()
        self.due = now + pause(self._failures, self.chance(), after)
        why = why[:LONGEST_WHY]
        told = self.state.failing_told_at
        news = why != self.state.failing and (told is None or now - told >= SELDOM)
        if news or gone:
            log.warning("%s %s: %s", self.target.id, self.target.where, why)
            await self._record(n.TargetFailing(why, gone))

    async def _left_out(self, upto: int) -> None:
        count, self._late = self._late, 0
        await self._record(n.NoticesLeftOut(count, upto))

    @property
    def _stream(self) -> str:
        return target_stream(self.application, self.target.id)

    async def _record(self, event: Event) -> None:
        recorded = await self.log.append(self._stream, [event], self.state.version)
        self.state = fold(self.state, recorded)
