"""Leading: one server of several turns the wheel. The others wait, and say for whom."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Protocol

from headgate.decide.leading import LASTS, LOOKED_AT, RENEWED, TRUSTED, Wait, claim, lost, may_act
from headgate.model.events import Event, Recorded
from headgate.model.leases import Lease
from headgate.ports import AdapterError, EventLog, LogUnavailable

PATIENCE = RENEWED  # for one answer: what takes longer is tried again while the lease is still trusted

log = logging.getLogger(__name__)


class Leases(Protocol):
    """Where the lease is kept, by writes that fail where another came first."""

    async def read(self) -> Lease | None:
        """None: it was never written. Raises AdapterError."""
        ...

    async def write(self, seen: Lease | None, holder: str, lasts: timedelta) -> Lease | None:
        """None: it is not as it was seen any more. Raises AdapterError."""
        ...


class Leading:
    def __init__(
        self,
        leases: Leases,
        me: str,
        seconds: Callable[[], float] = time.monotonic,
        sleep: Callable[[timedelta], Awaitable[None]] | None = None,
    ) -> None:
        self.me = me
        self.why = "the lease has not been looked at yet"  # it waits, or has lost
        self._leases, self._seconds = leases, seconds
        self._sleep = sleep or _sleep
        self._lease: Lease | None = None  # as it was seen last
        self._seen_at = seconds()  # first, in this version
        self._asked_at: float | None = None  # for the latest renewal that was granted; None: it leads not

    def holds(self) -> bool:
        """Asked before everything that is done. Needs no answer from anywhere."""
        return self._asked_at is not None and may_act(timedelta(seconds=self._seconds() - self._asked_at))

    async def win(self) -> None:
        """Returns once this server leads. `why` says for what it waits."""
        while not await self._claimed():
            await self._sleep(LOOKED_AT)
        log.info("%s leads now: %s", self.me, self.why)

    async def keep(self) -> str:
        """Returns why it leads no more. While nobody answers it goes on asking, and `holds` stops it in time."""
        silent = False
        while True:
            await self._sleep(RENEWED)
            try:
                gone = await self._renewed()
            except (AdapterError, TimeoutError) as error:
                if not silent and not self.holds():
                    log.error("nothing is done until the lease is renewed: %s", _words(error))
                    silent = True
                continue
            if gone:
                self._asked_at, self.why = None, gone
                return gone
            if silent:
                log.info("the lease is renewed, and nobody had it in between: %s goes on", self.me)
                silent = False

    async def give_back(self) -> None:
        """So that the next one need not wait until it runs out."""
        held, self._asked_at = self._asked_at is not None, None
        if held and self._lease is not None:
            try:
                async with asyncio.timeout(PATIENCE.total_seconds()):
                    await self._leases.write(self._lease, "", self._lease.lasts)
            except (AdapterError, TimeoutError) as error:
                log.warning("the lease is not given back, and runs out by itself: %s", _words(error))

    async def _claimed(self) -> bool:
        try:
            async with asyncio.timeout(PATIENCE.total_seconds()):
                self._saw(await self._leases.read())
                answer = claim(self._lease, timedelta(seconds=self._seconds() - self._seen_at))
                self._tell(answer.why)
                return not isinstance(answer, Wait) and await self._written()
        except (AdapterError, TimeoutError) as error:
            self._tell(f"who leads cannot be told: {_words(error)}")
            return False

    async def _renewed(self) -> str | None:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            if await self._written():
                return None
            # Changed by another hand: a label is no loss, another holder is.
            self._saw(await self._leases.read())
            return lost(self.me, self._lease)

    async def _written(self) -> bool:
        asked = self._seconds()
        written = await self._leases.write(self._lease, self.me, LASTS)
        if written is None:
            return False
        self._saw(written)
        self._asked_at = asked
        return True

    def _saw(self, lease: Lease | None) -> None:
        if lease != self._lease:
            self._lease, self._seen_at = lease, self._seconds()

    def _tell(self, why: str) -> None:
        """Once for each reason: seconds that pass are no news."""
        if why.split(";")[0] != self.why.split(";")[0]:
            log.info("%s", why)
        self.why = why


class Led:
    """An event log that only the leader adds to: who is not sure of it records nothing, so it decides nothing."""

    def __init__(self, within: EventLog, holds: Callable[[], bool]) -> None:
        self._log, self._holds = within, holds

    async def read(self, stream: str, after: int = 0) -> list[Recorded]:
        return await self._log.read(stream, after)

    async def append(self, stream: str, events: Sequence[Event], after: int) -> list[Recorded]:
        if not self._holds():
            raise LogUnavailable(
                f"this server has not renewed its lease for {TRUSTED.total_seconds():.0f} s and may lead no more: "
                "nothing is recorded until the cluster's API answers"
            )
        return await self._log.append(stream, events, after)

    async def tail(self, after: int = 0, most: int | None = None) -> list[Recorded]:
        return await self._log.tail(after, most)

    async def streams(self, prefix: str) -> list[str]:
        return await self._log.streams(prefix)


async def _sleep(pause: timedelta) -> None:
    await asyncio.sleep(pause.total_seconds())


def _words(error: BaseException) -> str:
    return str(error) or f"no answer within {PATIENCE.total_seconds():.0f} s"
