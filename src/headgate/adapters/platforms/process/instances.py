"""One place of a service and its process: started, watched, told to stop, found again by the next server."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from headgate.adapters.machine import logs
from headgate.adapters.machine.exits import ExitWatch, back_off, ending
from headgate.adapters.machine.folders import Folder
from headgate.adapters.machine.identity import (
    Identity,
    find,
    is_alive,
    kill_all,
    members,
    reap,
    send_to_group,
)
from headgate.adapters.machine.readiness import Prober, Readiness
from headgate.adapters.machine.spawn import Launch, spawn
from headgate.adapters.machine.tasks import report
from headgate.adapters.platforms.process.free_ports import listeners, listens
from headgate.adapters.platforms.process.records import Record, save
from headgate.adapters.platforms.process.settings import ProcessSettings
from headgate.model.observations import Instance
from headgate.ports import AdapterError

LOG = logging.getLogger(__name__)
LINGER_PAUSE = 0.1  # seconds between looks at what a process that ended has left running


@dataclass(frozen=True, slots=True)
class Around:
    """What every place of one environment shares."""

    settings: ProcessSettings
    folder: Folder
    prober: Prober
    changed: Callable[[], None]


class Slot:
    def __init__(self, record: Record, around: Around, gone: Callable[["Slot"], None]) -> None:
        self.record = record
        self.looked = asyncio.Event()  # set once it is known whether it is ready, or that it cannot be
        self._around, self._gone = around, gone
        self._path = around.folder.instance(record.id)
        self._log = around.folder.log(record.service, record.id)
        self._readiness: Readiness | None = None
        self._exit: ExitWatch | None = None
        self._ended = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def stopping(self) -> bool:
        return self.record.stopping_since is not None

    def due(self, now: datetime) -> bool:
        """To be started again. A moment further away than any back-off comes from a clock that was set back."""
        if self.record.exited is None or self.stopping:
            return False
        wait = (self.record.retry_at or now) - now
        return wait <= timedelta(0) or wait > self._around.settings.longest_retry

    def seen(self) -> Instance:
        record, grace = self.record, self._around.settings.grace.total_seconds()
        state, detail = "starting", "being started"
        if self.stopping:
            state, detail = "stopping", f"told to stop; ended by force {grace:g} s after that"
        elif record.exited is not None:
            state, detail = "exited", record.exited
        elif self._readiness is not None:
            state, detail = self._readiness.state, self._readiness.detail
        return Instance(
            id=record.id,
            revision=record.revision,
            service=record.service,
            address=record.address,
            state=state,  # type: ignore[arg-type]
            restarts=record.restarts,
            detail=detail,
            retry_at=record.retry_at if state == "exited" else None,
        )

    # --- start

    def start(self, record: Record, launch: Launch, before: Record | None) -> None:
        """Writes down whom it will start, starts it, completes what it wrote: `adopt` heals a crash in between."""
        save(record, self._path)
        try:
            process = spawn(launch)
        except AdapterError:
            self._restore(before)
            raise
        self.record = record
        self._remember(process=process)
        self._attend(process)
        self._look_after()

    def adopt(self) -> None:
        """Take over what an earlier server left, whatever line it died at."""
        record = self.record
        self.looked.set()
        if record.exited is not None:
            return
        process = record.process or find(record.marker)
        if process is None:
            self._remember(exited="was not started: the server ended just before that")
        else:
            self._remember(process=process)
            if is_alive(process, record.marker):
                self._resume(process)
                return
            self._died(process, session=None)
        if self.stopping:
            self._remove()

    def _resume(self, process: Identity) -> None:
        self._attend(process)
        if self.stopping:
            self._tell(process)
        else:
            self.looked.clear()
            self._look_after()

    def _restore(self, before: Record | None) -> None:
        if before is None:
            self._path.unlink(missing_ok=True)
        else:
            save(before, self._path)

    # --- watch

    def _attend(self, process: Identity) -> None:
        self._ended = asyncio.Event()
        self._exit = ExitWatch(process, self.record.marker, lambda: self._on_exit(process))

    def _look_after(self) -> None:
        self._task = asyncio.create_task(self._watch(), name=f"watch {self.record.id}")
        self._task.add_done_callback(report)

    async def _watch(self) -> None:
        record = self.record
        owns_port = lambda: record.process is not None and listens(record.process, record.marker, record.port)  # noqa: E731
        readiness = Readiness(self._around.prober, record.address, record.health, record.was_ready, owns_port)
        self._readiness = readiness
        while True:
            if await readiness.look():
                self._remember_ready(readiness)
                self._around.changed()
            self.looked.set()
            self._forgive(readiness)
            self._cut_log()
            await asyncio.sleep(readiness.pause())

    def _remember_ready(self, readiness: Readiness) -> None:
        if readiness.state == "ready" and not self.record.was_ready:
            self._remember(was_ready=True)

    def _forgive(self, readiness: Readiness) -> None:
        long = readiness.age() >= self._around.settings.forgiven_after.total_seconds()
        if readiness.state == "ready" and long and self.record.restarts:
            self._remember(restarts=0)

    def _cut_log(self) -> None:
        try:
            if logs.cut(self._log, self._around.settings.log_bytes) and self.record.log_start:
                self._remember(log_start=0)
        except OSError as error:
            LOG.warning("cannot cut the log %s: %s", self._log, error.strerror)

    # --- end

    def _on_exit(self, process: Identity) -> None:
        self._ended.set()
        if not self.stopping:
            self._died(process, session=process.pid)
            self._around.changed()

    def _died(self, process: Identity, session: int | None) -> None:
        self._quit_looking()
        record, now = self.record, datetime.now(UTC)
        kill_all(record.marker, session)  # before the reaping: until then the session's number is not handed out again
        words = self._port_stolen() + logs.last_words(self._log, record.log_start)
        why = ending(reap(process.pid), now - record.started_at) + words
        restarts, settings = record.restarts + 1, self._around.settings
        retry_at = now + back_off(restarts, settings.first_retry, settings.longest_retry)
        self._remember(exited=why, restarts=restarts, retry_at=retry_at)

    def _port_stolen(self) -> str:
        if self.record.was_ready or not any(listeners(self.record.port)):
            return ""
        return f"; port {self.record.port} was taken by another process, the next start gets another port"

    def tell_to_stop(self) -> None:
        if self.stopping:
            return
        process = self.record.process
        if self.record.exited is not None or process is None:
            self._remove()
            return
        self._quit_looking()
        self._remember(stopping_since=datetime.now(UTC))
        self._tell(process)

    def _tell(self, process: Identity) -> None:
        if not self.record.told:
            send_to_group(process, self.record.marker, signal.SIGTERM)
            self._remember(told=True)
        self._task = asyncio.create_task(self._see_out(process, self._grace_left()), name=f"stop {self.record.id}")
        self._task.add_done_callback(report)

    def _grace_left(self) -> float:
        """Seconds; also within bounds when the clock was set."""
        grace = self._around.settings.grace
        since = self.record.stopping_since
        passed = datetime.now(UTC) - since if since else timedelta(0)
        return min(max(grace - passed, timedelta(0)), grace).total_seconds()

    async def _see_out(self, process: Identity, grace: float) -> None:
        mark = self.record.marker
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await self._ended.wait()
                while members(mark, session=process.pid):  # noqa: ASYNC110 - they are not ours to be told by
                    await asyncio.sleep(LINGER_PAUSE)
        kill_all(mark, session=process.pid)
        await self._ended.wait()
        reap(process.pid)
        self._remove()

    def _remove(self) -> None:
        self.close()
        self._path.unlink(missing_ok=True)
        self._gone(self)
        self._around.changed()

    def close(self) -> None:
        """Look away; the process goes on."""
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
        if self._exit is not None:
            self._exit.cancel()

    def _quit_looking(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._readiness = None
        self.looked.set()

    def _remember(self, **changes: object) -> None:
        """Goes on where it cannot be written down: what runs is found again by its mark, the rest is seen again."""
        self.record = replace(self.record, **changes)  # type: ignore[arg-type]
        try:
            save(self.record, self._path)
        except AdapterError as error:
            LOG.warning("%s", error)
