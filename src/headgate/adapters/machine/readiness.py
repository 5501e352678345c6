"""Whether an instance can serve: it is asked over HTTP, quickly while it starts and seldom once it is ready."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Literal

import aiohttp

from headgate.model.services import Health

STARTING_PAUSE = 0.05  # seconds; for the first EAGER seconds, then SLOW_START_PAUSE
SLOW_START_PAUSE = 0.25
EAGER = 10.0
READY_PAUSE = 2.0  # seconds at least, so that watching costs next to nothing
AGAIN_PAUSE = 0.1  # seconds; after a ready instance failed to answer
FAILURES = 3  # in a row, before a ready instance is called unready: one late answer under load is no reason

State = Literal["starting", "ready", "unready"]


class Prober:
    """One HTTP session for all that is asked."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def ask(self, url: str, timeout: timedelta) -> str | None:
        """None: it answered well, with a status below 400. Otherwise why not, in a few words."""
        if self._session is None:
            # A new connection each time: what is asked is whether it accepts one.
            connector = aiohttp.TCPConnector(force_close=True, limit=0)
            self._session = aiohttp.ClientSession(connector=connector, headers={"User-Agent": "headgate"})
        try:
            limit = aiohttp.ClientTimeout(total=timeout.total_seconds())
            async with self._session.get(url, timeout=limit, allow_redirects=False) as answer:
                return None if answer.status < 400 else f"answered {answer.status}"
        except TimeoutError:
            return f"gave no answer within {timeout.total_seconds():g} s"
        except aiohttp.ClientConnectorError as error:
            refused = isinstance(error.os_error, ConnectionRefusedError)
            return "refused connection" if refused else f"could not be reached: {error.os_error.strerror}"
        except (aiohttp.ClientError, ValueError) as error:
            return f"gave no proper answer: {str(error) or type(error).__name__}"

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None


class Readiness:
    """What is known of one instance's readiness. `owns_port` tells whether it is really this instance that answers."""

    def __init__(
        self, prober: Prober, address: str, health: Health, was_ready: bool, owns_port: Callable[[], bool]
    ) -> None:
        self.state: State = "unready" if was_ready else "starting"
        self.detail = "not asked yet"
        self.since = asyncio.get_running_loop().time()  # of the state
        self._prober, self._health, self._owns_port = prober, health, owns_port
        self._url = f"http://{address}/{health.path.lstrip('/')}"
        self._failures = 0

    async def look(self) -> bool:
        """Ask once. True: the state is another one now."""
        wrong = await self._prober.ask(self._url, self._health.timeout)
        if wrong is None and self.state != "ready" and not self._owns_port():
            wrong = "was answered by another process that has taken the port"
        if wrong is None:
            self._failures, self.detail = 0, ""
            return self._become("ready")
        self._failures += 1
        if self.state == "ready" and self._failures < FAILURES:
            return False
        self.detail = f"GET {self._health.path} {wrong}"
        return self._become("starting" if self.state == "starting" else "unready")

    def pause(self) -> float:
        """Seconds until it is asked again."""
        if self.state == "starting":
            return STARTING_PAUSE if self.age() < EAGER else SLOW_START_PAUSE
        if self._failures:
            return AGAIN_PAUSE if self.state == "ready" else min(self._health.interval.total_seconds(), READY_PAUSE)
        beat = max(self._health.interval.total_seconds(), READY_PAUSE)
        # All beat together: the server wakes up once for all of them, which costs half of what waking for each would.
        return beat - asyncio.get_running_loop().time() % beat

    def age(self) -> float:
        """Seconds since the state became what it is."""
        return asyncio.get_running_loop().time() - self.since

    def _become(self, state: State) -> bool:
        if state == self.state:
            return False
        self.state, self.since = state, asyncio.get_running_loop().time()
        return True
