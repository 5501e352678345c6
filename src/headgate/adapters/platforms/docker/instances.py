"""One container and its place: started, watched, told to stop, found again by the next server."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from headgate.adapters.docker_engine import DockerEngine, EngineRefused
from headgate.adapters.machine import logs as log_files
from headgate.adapters.machine.exits import back_off, ending
from headgate.adapters.machine.folders import Folder, write_atomically
from headgate.adapters.machine.readiness import Prober, Readiness
from headgate.adapters.machine.tasks import report
from headgate.adapters.platforms.docker import logs
from headgate.adapters.platforms.docker.containers import LOOPBACK, Tag, labels, published_port
from headgate.adapters.platforms.docker.machines import Machine
from headgate.adapters.platforms.docker.memory import recall, remember
from headgate.adapters.platforms.docker.settings import DockerSettings
from headgate.model.observations import Instance
from headgate.ports import AdapterError

LOG = logging.getLogger(__name__)
SIGNALS = 64


@dataclass(frozen=True, slots=True)
class Around:
    """What every container of one environment on one machine shares."""

    settings: DockerSettings
    machine: Machine
    server: str
    folder: Folder
    prober: Prober
    changed: Callable[[], None]

    @property
    def engine(self) -> DockerEngine:
        return self.machine.engine


class Slot:
    def __init__(self, tag: Tag, container: str, around: Around, gone: Callable[["Slot"], None]) -> None:
        self.tag, self.container = tag, container
        self.image = ""
        self.looked = asyncio.Event()  # set once it is known whether it is ready, or that it cannot be
        self._around, self._gone = around, gone
        self._path = around.folder.instance(tag.id)
        self.memory = recall(self._path, container)
        if tag.place and not self.memory.labels:
            self._remember(labels=labels(around.server, tag))
        self._readiness: Readiness | None = None
        self._running = False
        self._life = ""  # when it was started, as the engine says it
        self._changing = asyncio.Lock()  # a start, and what the engine tells of it, one after the other
        self._ended = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._watching: asyncio.Task[None] | None = None

    @property
    def stopping(self) -> bool:
        return self.memory.stopping_since is not None

    @property
    def address(self) -> str:
        return f"{self.tag.place or LOOPBACK}:{self.memory.port}"

    @property
    def machine(self) -> Machine:
        return self._around.machine

    @property
    def lost(self) -> bool:
        """Its host is away for long, and it does not answer either: another may take its place."""
        long = self.machine.watch.away() > self._around.settings.lost_after.total_seconds()
        return long and (self._readiness is None or self._readiness.state != "ready")

    def due(self, now: datetime) -> bool:
        """To be started again. A moment further away than any back-off comes from a clock that was set back."""
        if self._running or self.stopping or self.memory.exited is None or self.machine.watch.wrong:
            return False
        wait = (self.memory.retry_at or now) - now
        return wait <= timedelta(0) or wait > self._around.settings.longest_retry

    def seen(self) -> Instance:
        memory, grace = self.memory, self._around.settings.grace.total_seconds()
        away = self.machine.watch.wrong
        state, detail = "starting", "being started"
        if self.stopping:
            state, detail = "stopping", f"told to stop; ended by force {grace:g} s after that"
        elif memory.exited is not None:
            state, detail = "exited", memory.exited
        elif self._readiness is not None:
            state, detail = self._readiness.state, self._readiness.detail
        if self.lost:
            state, detail = "exited", f"given up, with {self.machine.name}: {away}"
        elif away and state in ("starting", "unready"):
            state, detail = "unready", f"it does not answer, and whether it runs is not known: {away}"
        return Instance(
            id=self.tag.id,
            revision=self.tag.revision,
            service=self.tag.service,
            address=self.address,
            state=state,  # type: ignore[arg-type]
            restarts=memory.restarts,
            detail=detail,
            retry_at=memory.retry_at if state == "exited" and not self.lost else None,
        )

    # --- start, and what the engine says of it

    async def start(self) -> None:
        """Raises AdapterError where the engine cannot: its program is not there, or its limits cannot be had."""
        async with self._changing:
            self._remember(exited=None, retry_at=None, was_ready=False)
            try:
                await self._around.engine.json("POST", f"/containers/{self.container}/start", accept=(304,))
            except AdapterError as error:
                self._put_off(f"could not be started: {error}")
                raise
        await self.refresh()

    async def refresh(self) -> None:
        """Ask the engine, and go on from what it says. Whatever was missed meanwhile is heard of here."""
        async with self._changing:
            try:
                found = await self._around.engine.json("GET", f"/containers/{self.container}/json")
            except EngineRefused as error:
                if error.status != 404:
                    raise
                await self._remove()
                return
            self.image = found["Image"]
            state = found["State"]
            if state["Running"]:
                self._runs(found)
            elif state["Status"] != "created" and state["FinishedAt"] != self.memory.died_at:
                await self._died(state)
            else:
                self._never_ran()
        if self.stopping:
            self._see_out()
        self._around.changed()

    def _runs(self, found: dict[str, Any]) -> None:
        port, life = published_port(found, self.tag) or 0, found["State"]["StartedAt"]
        self._ended.clear()
        new_life = self._life not in ("", life)
        other = port != self.memory.port or life != self._life
        if not self._running or other or self.memory.exited is not None:
            unwatched = self._watching is None or other
            self._running, self._life = True, life
            # That the life before was ready says nothing of this one, also where it ended too fast to be heard of.
            self._remember(port=port, exited=None, retry_at=None, was_ready=self.memory.was_ready and not new_life)
            if unwatched and not self.stopping:
                self._look_after()

    def _never_ran(self) -> None:
        self._ended.set()
        self.looked.set()
        if self.memory.exited is None:
            self._remember(exited="was not started: the server ended just before that")

    async def _died(self, state: dict[str, Any]) -> None:
        self._quit_looking()
        self._running = False
        self._ended.set()
        lived = span(state["StartedAt"], state["FinishedAt"])
        try:
            words = await logs.last_words(self._around.engine, self.container, self.memory.died_at)
        except EngineRefused:  # someone is removing it
            words = ""
        self._put_off(killed(state, lived) + words, died_at=state["FinishedAt"])

    def _put_off(self, why: str, **changes: object) -> None:
        restarts, settings = self.memory.restarts + 1, self._around.settings
        retry_at = datetime.now(UTC) + back_off(restarts, settings.first_retry, settings.longest_retry)
        self._remember(exited=why, restarts=restarts, retry_at=retry_at, **changes)

    # --- watch

    def _look_after(self) -> None:
        self._quit_looking()
        self.looked.clear()
        self._watching = self._do(self._watch(), "watch")

    async def _watch(self) -> None:
        def owns_port() -> bool:
            return True  # the engine holds it for this container

        readiness = Readiness(self._around.prober, self.address, self.tag.health, self.memory.was_ready, owns_port)
        self._readiness = readiness
        while True:
            if await readiness.look():
                if readiness.state == "ready" and not self.memory.was_ready:
                    self._remember(was_ready=True)
                self._around.changed()
            self.looked.set()
            long = readiness.age() >= self._around.settings.forgiven_after.total_seconds()
            if readiness.state == "ready" and long and self.memory.restarts:
                self._remember(restarts=0)
            await asyncio.sleep(readiness.pause())

    def found_in_memory(self) -> None:
        """Its host is away, so nothing is known but where it was: it is asked whether it answers there."""
        if self.memory.port and not self.stopping and self.memory.exited is None:
            self._look_after()

    def _quit_looking(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None
        self._readiness = None
        self.looked.set()

    # --- end

    def tell_to_stop(self) -> None:
        if not self.stopping:
            self._quit_looking()
            self._remember(stopping_since=datetime.now(UTC))
            self._see_out()

    def _see_out(self) -> None:
        if not any(task.get_name().startswith("stop") for task in self._tasks):
            self._do(self._stop(), "stop")

    async def _stop(self) -> None:
        """Where the engine goes away meanwhile, this is taken up again when it is back."""
        try:
            await self._end()
        except AdapterError as error:
            LOG.warning("%s is not stopped yet: %s", self.tag.id, error)

    async def _end(self) -> None:
        """Tell it, wait, end it by force, remove it."""
        if self._running:
            if not self.memory.told:
                await self._signal(None)
                self._remember(told=True)
            try:
                async with asyncio.timeout(self._grace_left()):
                    await self._ended.wait()
            except TimeoutError:
                await self._signal("SIGKILL")
                await self._ended.wait()
        async with self._changing:
            await self._remove()

    async def _signal(self, name: str | None) -> None:
        """None: what the image says stops it, SIGTERM mostly. 404, 409: it has ended meanwhile."""
        path = f"/containers/{self.container}"
        if name is None:
            found = await self._around.engine.json("GET", f"{path}/json", accept=(404,))
            name = (found.get("Config") or {}).get("StopSignal") or "SIGTERM"
        await self._around.engine.json("POST", f"{path}/kill", {"signal": name}, accept=(404, 409))

    def _grace_left(self) -> float:
        """Seconds; also within bounds when the clock was set."""
        grace, since = self._around.settings.grace, self.memory.stopping_since
        passed = datetime.now(UTC) - since if since else timedelta(0)
        return min(max(grace - passed, timedelta(0)), grace).total_seconds()

    async def discard(self) -> None:
        """Remove a container that could not be started: nothing of it is worth keeping."""
        async with self._changing:
            await self._remove()

    async def _remove(self) -> None:
        self._quit_looking()
        await self._keep_log()
        # v: volumes without a name, which the image asked for. The environment's has one.
        query = {"force": "1", "v": "1"}
        await self._around.engine.json("DELETE", f"/containers/{self.container}", query, accept=(404, 409))
        self._path.unlink(missing_ok=True)
        self._ended.set()
        self._gone(self)
        self._around.changed()

    def prune_logs(self, live: set[str]) -> None:
        log_files.prune(self._around.folder.logs / self.tag.service, self._around.settings.logs_kept, live)

    async def _keep_log(self) -> None:
        path = self._around.folder.log(self.tag.service, self.tag.id)
        try:
            kept = [line async for line in logs.lines(self._around.engine, self.container, logs.KEPT_LINES)]
            write_atomically(path, "".join(f"{line}\n" for line in kept), durable=False)
        except AdapterError as error:
            LOG.info("the output of %s is not kept: %s", self.tag.id, error)

    def close(self) -> None:
        """Look away; the container goes on."""
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()

    def forget(self) -> None:
        self.close()
        self._path.unlink(missing_ok=True)

    def _do(self, work: Coroutine[Any, Any, None], what: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=f"{what} {self.tag.id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(report)
        return task

    def _remember(self, **changes: object) -> None:
        """Goes on where it cannot be written down: the container is found again by its labels."""
        self.memory = replace(self.memory, **changes)  # type: ignore[arg-type]
        try:
            remember(self.memory, self._path)
        except AdapterError as error:
            LOG.warning("%s", error)


def span(begin: str, end: str) -> timedelta:
    """Between two moments as the engine writes them."""
    return timedelta(seconds=max(float(logs.seconds(end)) - float(logs.seconds(begin)), 0))


def killed(state: dict[str, Any], lived: timedelta) -> str:
    """Codes above 128 are signals, as a shell has it: the engine tells no more."""
    code = int(state["ExitCode"])
    why = ending(128 - code if 128 < code <= 128 + SIGNALS else code, lived)
    return f"{why}: it used more memory than it may have" if state.get("OOMKilled") else why
