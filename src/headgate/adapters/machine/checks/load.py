"""Check `load`: requests at the times that the rate says, whatever becomes of those before (an open loop).

Latency counts from the moment when a request was due, not from when it was sent: a service that stops for two seconds
is seen with everything that would have come in them (no coordinated omission). A generator that is late is seen too.
"""

import asyncio
import gc
import resource
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import aiohttp

from headgate.adapters.machine.checks.found import Found, answer, base_url, say
from headgate.adapters.machine.checks.histogram import Histogram
from headgate.model.checks import Job, Load

PATIENCE = 10.0  # seconds for one answer, from when it was due
GRACE = 1.0  # seconds after the end in which answers still count as achieved
LATE = 0.1  # seconds: a generator that sends so late tells of itself, not of the service
MOST_IN_FLIGHT = 20_000
BEAT = 10.0  # seconds between two lines in the log


@dataclass(slots=True)
class Tally:
    latencies: Histogram = field(default_factory=Histogram)
    delays: Histogram = field(default_factory=Histogram)  # of the sending
    failed: int = 0
    in_time: int = 0  # answers that came before the end, or just after
    reasons: dict[str, int] = field(default_factory=dict)

    def fail(self, reason: str) -> None:
        self.failed += 1
        self.reasons[reason] = self.reasons.get(reason, 0) + 1


@dataclass(slots=True)
class Generator:
    load: Load
    base: str
    session: aiohttp.ClientSession
    most: int  # in flight
    tally: Tally = field(default_factory=Tally)
    _flying: set["asyncio.Task[None]"] = field(default_factory=set)

    async def run(self) -> Tally:
        load = self.load
        if load.warm_up:
            await self._offer(load.warm_up)
            await self._land()
            self.tally = Tally()
        await self._offer(load.duration)
        await self._land()
        return self.tally

    async def _offer(self, duration: timedelta) -> None:
        """Each request has its own moment; those that are due are sent, however many that are."""
        count, paths = round(self.load.rate * duration.total_seconds()), shared(self.load.paths)
        start = time.perf_counter() + 0.05
        end, told = start + duration.total_seconds(), start + BEAT
        for number in range(count):
            due = start + number / self.load.rate
            if (early := due - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            if number % 50 == 49:
                await asyncio.sleep(0)  # a generator that is behind must still read answers
            self._send(next(paths), due, end)
            if due > told:
                told += BEAT
                say(f"{number + 1} of {count} requests offered, {len(self._flying)} unanswered")

    def _send(self, path: str, due: float, end: float) -> None:
        if len(self._flying) >= self.most:
            self.tally.fail(f"not sent, as {self.most} were unanswered")
            self.tally.latencies.add(PATIENCE)
            return
        task = asyncio.create_task(self._one(path, due, end))
        self._flying.add(task)
        task.add_done_callback(self._flying.discard)

    async def _one(self, path: str, due: float, end: float) -> None:
        tally, sent = self.tally, time.perf_counter()
        tally.delays.add(sent - due)
        try:
            async with asyncio.timeout(max(PATIENCE - (sent - due), 0.001)):
                async with self.session.get(f"{self.base}{path}", allow_redirects=False) as found:
                    await found.read()
            tally.in_time += time.perf_counter() <= end + GRACE
            if found.status >= 400:
                tally.fail(f"answered {found.status}")
        except TimeoutError:
            tally.fail(f"not answered within {PATIENCE:g} s")
        except aiohttp.ClientConnectorError as error:
            refused = isinstance(error.os_error, ConnectionRefusedError)
            tally.fail("refused connection" if refused else f"no connection: {error.os_error.strerror}")
        except (aiohttp.ClientError, OSError) as error:
            tally.fail(type(error).__name__)
        tally.latencies.add(time.perf_counter() - due)

    async def _land(self) -> None:
        if self._flying:
            await asyncio.wait(self._flying)


def shared(paths: dict[str, float]) -> Iterator[str]:
    """For ever, each in its share and evenly spread: who is furthest behind its share is next."""
    shares = paths or {"/": 1.0}
    owed = dict.fromkeys(shares, 0.0)
    while True:
        for path, share in shares.items():
            owed[path] += share
        path = max(owed, key=lambda one: owed[one])
        owed[path] -= 1.0
        yield path


async def look(job: Job) -> Found:
    load = job.check.load
    if load is None:
        raise LookupError("the check says nothing of its load")
    base, most = base_url(job, load.service), in_flight()
    gc.freeze()  # a pause of the collector would count as the service's
    connector = aiohttp.TCPConnector(limit=0)  # a queue of ours would close the loop
    timeout = aiohttp.ClientTimeout(total=None)
    jar = aiohttp.DummyCookieJar()
    headers = {"User-Agent": "headgate-load", "Accept-Encoding": "identity"}
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, cookie_jar=jar, headers=headers) as session:
        return judged(load, await Generator(load, base, session, most).run())


def in_flight() -> int:
    """Each needs a file descriptor."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_IN_FLIGHT + 100 if hard == resource.RLIM_INFINITY else min(hard, MOST_IN_FLIGHT + 100)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(wanted - 100, 10)


def judged(load: Load, tally: Tally) -> Found:
    numbers = counted(load, tally)
    offered = numbers["requests"]
    shown = (
        f"{offered:,.0f} requests at {load.rate:g}/s: p50 {numbers['p50_ms']:g} ms, p90 {numbers['p90_ms']:g} ms, "
        f"p99 {numbers['p99_ms']:g} ms, {tally.failed:,} failed, {numbers['achieved']:.2%} answered in time"
    )
    wrong = [*slow(load, numbers), *lost(load, tally, numbers)]
    late = numbers["sent_late_p99_ms"] > LATE * 1000
    own = f"; the load itself was sent up to {numbers['sent_late_p99_ms']:g} ms late (p99): this machine is too busy"
    return Found(not wrong, "; ".join([*wrong, shown]) + (own if late else ""), numbers)


def counted(load: Load, tally: Tally) -> dict[str, float]:
    latencies, offered = tally.latencies, tally.latencies.total
    shares = {"p50_ms": 0.5, "p90_ms": 0.9, "p99_ms": 0.99}
    return {
        "requests": float(offered),
        "failed": float(tally.failed),
        "rate": round(tally.in_time / load.duration.total_seconds(), 1),
        "achieved": round(tally.in_time / offered, 5) if offered else 0.0,
        **{name: milliseconds(latencies.quantile(share)) for name, share in shares.items()},
        "max_ms": milliseconds(latencies.longest),
        "sent_late_p99_ms": milliseconds(tally.delays.quantile(0.99)),
    }


def milliseconds(seconds: float) -> float:
    return float(f"{seconds * 1000:.3g}")


def slow(load: Load, numbers: dict[str, float]) -> list[str]:
    limits = {"p50": load.p50, "p90": load.p90, "p99": load.p99}
    most = {name: limit.total_seconds() * 1000 for name, limit in limits.items() if limit}
    return [
        f"{name} was {numbers[f'{name}_ms']:g} ms, allowed are {limit:g} ms"
        for name, limit in most.items()
        if numbers[f"{name}_ms"] > limit
    ]


def lost(load: Load, tally: Tally, numbers: dict[str, float]) -> list[str]:
    offered, found = numbers["requests"], []
    if not offered:
        return ["not one request was offered"]
    if tally.failed / offered > load.errors:
        most = max(tally.reasons, key=lambda reason: tally.reasons[reason])
        share = f"{tally.failed / offered:.2%} of requests failed, allowed are {load.errors:.2%}"
        found.append(f"{share} (mostly: {most})")
    if numbers["achieved"] < load.achieved:
        least = f"{load.achieved:.2%} of {load.rate:g}/s were to be answered in time"
        found.append(f"{least}, found were {numbers['achieved']:.2%} ({numbers['rate']:g}/s)")
    return found


if __name__ == "__main__":
    answer(look)
