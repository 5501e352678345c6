"""The engine's events: what happens to our containers is heard of at once, and after each silence all is looked at."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping

from headgate.adapters.docker_engine import DockerEngine, lines
from headgate.adapters.machine.tasks import report
from headgate.adapters.platforms.docker.containers import SERVER
from headgate.ports import AdapterError

PAUSE = 0.5  # seconds before the engine is asked again after it went away
LONGEST_PAUSE = 5.0  # seconds; for one far away, to which a login comes first
CONFUSED = "What the Docker Engine says is not understood; the server's log has the details"
HEARD = ("start", "die", "destroy")


class Watch:
    def __init__(
        self,
        engine: DockerEngine,
        server: str,
        sync: Callable[[], Awaitable[None]],
        heard: Callable[[str, Mapping[str, str]], Awaitable[None]],
        lost: Callable[[], None],
        far: bool = False,
    ) -> None:
        """`sync` looks at everything; `heard` is told a container's id and labels; `lost`: the engine went away."""
        self._engine, self._server = engine, server
        self._sync, self._heard, self._lost = sync, heard, lost
        self._longest = LONGEST_PAUSE if far else PAUSE
        self._pause = PAUSE
        self._task: asyncio.Task[None] | None = None
        self._known = asyncio.Event()  # set once it is known whether the engine answers
        self._wrong: AdapterError | None = None
        self._since = 0.0  # when it went away (monotonic, seconds)

    @property
    def wrong(self) -> str | None:
        """Why it is not known what runs there; None: it is known, or was not asked yet."""
        if self._task is not None and self._task.done():
            return CONFUSED
        return None if self._wrong is None else str(self._wrong)

    def away(self) -> float:
        """Seconds."""
        return 0.0 if self._wrong is None else time.monotonic() - self._since

    async def require(self) -> None:
        """Returns when what is known of the containers is true. Raises AdapterError where the engine is away."""
        if self._task is None or self._task.done():
            self._known.clear()
            self._task = asyncio.create_task(self._watch(), name="watch the Docker Engine")
            self._task.add_done_callback(report)
        task = self._task  # it is gone after `close`
        if not self._known.is_set():
            known = asyncio.create_task(self._known.wait())
            await asyncio.wait({known, task}, return_when=asyncio.FIRST_COMPLETED)
            known.cancel()
        if task.done():
            raise AdapterError(CONFUSED)
        if self._wrong is not None:
            raise AdapterError(str(self._wrong))

    async def _watch(self) -> None:
        while True:
            try:
                await self._listen()
                raise AdapterError("The Docker Engine ended its stream of events: it is being stopped or restarted")
            except AdapterError as error:
                heard_before = self._wrong is None and self._known.is_set()
                self._since = time.monotonic() if self._wrong is None else self._since
                self._wrong = error
                self._known.set()
                if heard_before:
                    self._lost()
            await asyncio.sleep(self._pause)
            self._pause = min(2 * self._pause, self._longest)

    async def _listen(self) -> None:
        """Listens first and looks then: what happens in between is heard of."""
        wanted = {"type": ["container"], "event": list(HEARD), "label": [f"{SERVER}={self._server}"]}
        async with self._engine.open("GET", "/events", {"filters": json.dumps(wanted)}, endless=True) as answer:
            await self._sync()
            was_away, self._wrong, self._pause = self._wrong is not None, None, PAUSE
            self._known.set()
            if was_away:
                self._lost()
            async for line in lines(answer):
                actor = json.loads(line)["Actor"]
                await self._heard(actor["ID"], actor.get("Attributes") or {})

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
