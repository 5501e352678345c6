"""The engine's events: what happens to our containers is heard of at once, and after each silence all is looked at."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping

from headgate.adapters.docker_engine import DockerEngine, lines
from headgate.adapters.machine.tasks import report
from headgate.adapters.platforms.docker.containers import SERVER
from headgate.ports import AdapterError

PAUSE = 0.5  # seconds before the engine is asked again after it went away
HEARD = ("start", "die", "destroy")


class Watch:
    def __init__(
        self,
        engine: DockerEngine,
        server: str,
        sync: Callable[[], Awaitable[None]],
        heard: Callable[[str, Mapping[str, str]], Awaitable[None]],
        lost: Callable[[], None],
    ) -> None:
        """`sync` looks at everything; `heard` is told a container's id and labels; `lost`: the engine went away."""
        self._engine, self._server = engine, server
        self._sync, self._heard, self._lost = sync, heard, lost
        self._task: asyncio.Task[None] | None = None
        self._known = asyncio.Event()  # set once it is known whether the engine answers
        self._wrong: AdapterError | None = None

    async def require(self) -> None:
        """Returns when what is known of the containers is true. Raises AdapterError where the engine is away."""
        if self._task is None or self._task.done():
            self._known.clear()
            self._task = asyncio.create_task(self._watch(), name="watch the Docker Engine")
            self._task.add_done_callback(report)
        if not self._known.is_set():
            known = asyncio.create_task(self._known.wait())
            await asyncio.wait({known, self._task}, return_when=asyncio.FIRST_COMPLETED)
            known.cancel()
        if self._task.done():
            raise AdapterError("What the Docker Engine says is not understood; the server's log has the details")
        if self._wrong is not None:
            raise AdapterError(str(self._wrong))

    async def _watch(self) -> None:
        while True:
            try:
                await self._listen()
                raise AdapterError("The Docker Engine ended its stream of events: it is being stopped or restarted")
            except AdapterError as error:
                heard_before = self._wrong is None and self._known.is_set()
                self._wrong = error
                self._known.set()
                if heard_before:
                    self._lost()
            await asyncio.sleep(PAUSE)

    async def _listen(self) -> None:
        """Listens first and looks then: what happens in between is heard of."""
        wanted = {"type": ["container"], "event": list(HEARD), "label": [f"{SERVER}={self._server}"]}
        async with self._engine.open("GET", "/events", {"filters": json.dumps(wanted)}, endless=True) as answer:
            await self._sync()
            was_away, self._wrong = self._wrong is not None, None
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
