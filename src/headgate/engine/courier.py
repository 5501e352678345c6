"""One target: told what it wants to know, in the order of the log, at least once, and never twice under another id.

The log is the queue: nothing is held but how far it is. A target that is down or slow delays nobody but itself.
"""

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from headgate.decide.targets import LETTERS, TargetState, fold, is_late, pause
from headgate.engine.refusals import Rejected
from headgate.model import notices as n
from headgate.model.events import Event, Recorded
from headgate.model.ids import target_stream
from headgate.ports import AdapterError, Clock, Conflict, EventLog, Gone, LogUnavailable, Notifier, TryLater, Unusable
from headgate.spec.units import written

LIMIT = timedelta(seconds=30)  # for one telling
NEWS = timedelta(seconds=0.5)  # between looks whether there is some
AWAY = timedelta(seconds=5)  # until a log that is unavailable is read again
FAR = 5000  # positions that the record of a target with nothing to tell may be behind: it is read from there at a start
PAGE = 1000  # events that are read at a time
LONGEST_WHY = 500  # characters
LONGEST_WHAT = 200  # characters that a letter keeps of its notice
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
    _late_ones: list[n.Letter] = field(default_factory=list)  # the newest of them
    _insists: bool = False  # one that is gone is tried once more

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
        async with self._alone():
            await self._tell(notice)
            self._failures, self.due = 0, None
            await self._record(n.NoticeDelivered(notice.id, notice.kind, self._position))

    async def retry(self) -> list[tuple[n.Letter, str]]:
        """What was not told, oldest first, with why it is not now; empty: it is. What is pending follows at once."""
        async with self._alone():
            self.due, self._insists = None, True
            became: list[tuple[n.Letter, str]] = []
            origins = await self._origins()
            for letter in self.state.dead:
                try:
                    became.append((letter, await self._again(letter, origins.get(letter.position))))
                except Unusable as error:
                    became.append((letter, str(error)))
                except AdapterError as error:  # nor would it take the others
                    return [*became, (letter, str(error))]
            return became

    async def pending(self, most: int) -> list[n.Notice]:
        """What it is still to be told, oldest first."""
        found: list[n.Notice] = []
        async for one in self._behind(self._position):
            found += [notice for notice in await self.notices_of(one) if self._wants(notice)]
            if len(found) >= most:
                break
        return [notice for notice in found if notice.id not in self.state.recent][:most]

    async def _behind(self, position: int) -> AsyncIterator[Recorded]:
        """All that the log holds behind a position. A target may be away for weeks: it is read page by page."""
        while page := await self.log.tail(position, PAGE):
            for one in page:
                yield one
            position = page[-1].position

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Between two turns."""
        try:
            async with asyncio.timeout(LIMIT.total_seconds()):
                await self._lock.acquire()
        except TimeoutError as error:
            raise Rejected(f"{self.target.id} is being told something, and has not answered yet") from error
        try:
            await self._remember()
            yield
        finally:
            self._lock.release()

    # --- a turn

    async def _turn(self) -> timedelta:
        await self._remember()
        now = self.clock.now()
        insists, self._insists = self._insists, False
        if self.state.gone and not insists:
            return AWAY
        # A clock that was set back makes nothing wait longer.
        if self.due and now < self.due <= now + timedelta(hours=1):
            return self.due - now
        async for one in self._behind(self._position):
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
                why = f"older than {written(self.target.late)} when it could be told"
                self._late_ones = [*self._late_ones, _letter(notice, one, why)][-LETTERS:]
                continue
            upto = one.position if number == len(wanted) else one.position - 1
            if not await self._told(notice, one, upto):
                return False
        return True

    def _wants(self, notice: n.Notice) -> bool:
        everywhere = not notice.environment and notice.kind in ("frozen", "unfrozen")
        here = not self.target.environment or everywhere or notice.environment == self.target.environment
        mine = not self.target.to or not notice.people or self.target.to in notice.people
        return notice.kind in self.target.on and here and mine

    # --- one notice

    async def _told(self, notice: n.Notice, one: Recorded, upto: int) -> bool:
        if self._late:
            await self._left_out(upto - 1)
        try:
            remembered = await self._tell(notice)
        except Gone as error:
            await self._fails(str(error), gone=True)
            return False
        except Unusable as error:
            self._failures = 0
            why = str(error)[:LONGEST_WHY]
            await self._record(n.NoticeGivenUp(notice.id, notice.kind, upto, why, _letter(notice, one, why)))
            return True
        except AdapterError as error:
            await self._fails(str(error), after=error.after if isinstance(error, TryLater) else None)
            return False
        self._failures, self.due = 0, None
        told = n.NoticeDelivered(notice.id, notice.kind, upto, notice.rollout, remembered, one.position)
        await self._record(told)
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
        count, letters = self._late, tuple(self._late_ones)
        self._late, self._late_ones = 0, []
        await self._record(n.NoticesLeftOut(count, upto, letters))

    # --- what was not told

    async def _origins(self) -> dict[int, Recorded]:
        """Position -> the event that a letter is of."""
        wanted = {letter.position for letter in self.state.dead}
        found = [await self.log.tail(position - 1, 1) for position in wanted]
        return {one.position: one for page in found for one in page}

    async def _again(self, letter: n.Letter, origin: Recorded | None) -> str:
        """Why it is not told, though it could be; empty: it is. Raises AdapterError."""
        if self.state.reached.get(letter.rollout, 0) > letter.position:
            return await self._settled(letter, "newer of the same rollout was told since")
        made = await self.notices_of(origin) if origin else ()
        notice = next((one for one in made if one.id == letter.notice), None)
        if notice is None:
            return await self._settled(letter, "it is no longer so")
        remembered = await self._tell(notice)
        self._failures, self.due = 0, None
        about = (notice.id, notice.kind, self._position, notice.rollout, remembered, letter.position)
        await self._record(n.NoticeDelivered(*about))
        return ""

    async def _settled(self, letter: n.Letter, why: str) -> str:
        await self._record(n.LetterSettled(letter.notice, why))
        return why

    @property
    def _stream(self) -> str:
        return target_stream(self.application, self.target.id)

    async def _record(self, event: Event) -> None:
        recorded = await self.log.append(self._stream, [event], self.state.version)
        self.state = fold(self.state, recorded)


def _letter(notice: n.Notice, one: Recorded, why: str) -> n.Letter:
    what = notice.what if len(notice.what) <= LONGEST_WHAT else f"{notice.what[: LONGEST_WHAT - 3]}..."
    return n.Letter(notice.id, notice.kind, notice.at, one.position, what, why, notice.rollout)
