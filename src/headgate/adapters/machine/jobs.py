"""Checks that run once: a command of the rules' author as a process of its own, or a smoke probe by the server.

A command that ran is never run again, not even when its result was lost with a reboot: the next attempt has another id.
A smoke probe changes nothing, so one that was lost with the server may be started again under the same id.
"""

import asyncio
import logging
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter

from headgate.adapters.machine import logs
from headgate.adapters.machine.exits import ExitWatch, ending
from headgate.adapters.machine.folders import Folder, checked, read, write_atomically
from headgate.adapters.machine.identity import MARKER, Identity, find, is_alive, kill_all, reap
from headgate.adapters.machine.readiness import Prober
from headgate.adapters.machine.smoke import smoke
from headgate.adapters.machine.spawn import Launch, inherited, spawn
from headgate.adapters.machine.tasks import report
from headgate.model.checks import Job, JobSeen
from headgate.model.ids import JobId
from headgate.ports import AdapterError

LOG = logging.getLogger(__name__)

# $1 is the command line, $2 the file for its exit code: renamed into place, so that it is there whole or not at all,
# and before this shell ends, whoever is alive to see it.
WRAPPER = '/bin/sh -c "$1"; code=$?; printf "%s" "$code" > "$2.new" && mv -f "$2.new" "$2"; exit "$code"'


@dataclass(frozen=True, slots=True)
class JobRecord:
    id: JobId
    kind: Literal["smoke", "run"]
    marker: str
    started_at: datetime
    timeout: timedelta
    process: Identity | None = None
    state: Literal["running", "passed", "failed", "lost"] = "running"
    detail: str = ""


RECORD = TypeAdapter(JobRecord)


@dataclass(frozen=True, slots=True)
class Desk:
    """What the jobs of one environment are done with."""

    folder: Folder
    prober: Prober
    changed: Callable[[], None]
    log_bytes: int = 10_000_000  # one earlier file of this size is kept beside the current one
    kept: int = 200  # jobs that have ended


@dataclass(slots=True)
class Execution:
    record: JobRecord
    exit: ExitWatch | None = None
    timer: asyncio.TimerHandle | None = None
    task: asyncio.Task[None] | None = field(default=None)

    def close(self) -> None:
        for handle in (self.exit, self.timer, self.task):
            if handle is not None:
                handle.cancel()


class Jobs:
    """The jobs of one environment."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._changed = desk, desk.changed
        self._known: dict[JobId, Execution] = {}

    def run(self, job: Job, source: Path) -> None:
        """`source`: the folder of the release that is checked."""
        before = self.seen(job.id)
        again = before is not None and before.state == "lost" and job.check.kind == "smoke"
        if before is not None and not again:
            return
        self._prune()
        checked("job", job.id)
        marker = f"{job.id}.{secrets.token_hex(8)}"
        record = JobRecord(job.id, job.check.kind, marker, datetime.now(UTC), job.check.timeout)
        self._save(record)
        if record.kind == "smoke":
            self._start_smoke(record, job)
        else:
            self._start_command(record, job, source)

    def seen(self, job: JobId) -> JobSeen | None:
        execution = self._known.get(job) or self._adopt(job)
        if execution is None:
            return None
        self._cut_log(execution.record)
        return JobSeen(job, execution.record.state, execution.record.detail)

    def close(self) -> None:
        for execution in self._known.values():
            execution.close()

    # --- a smoke probe

    def _start_smoke(self, record: JobRecord, job: Job) -> None:
        execution = self._known[record.id] = Execution(record)
        execution.task = asyncio.create_task(self._smoke(execution, job), name=f"smoke {record.id}")
        execution.task.add_done_callback(report)

    async def _smoke(self, execution: Execution, job: Job) -> None:
        passed, detail = await smoke(self._desk.prober, job)
        self._finish(execution, "passed" if passed else "failed", detail)

    # --- a command

    def _start_command(self, record: JobRecord, job: Job, source: Path) -> None:
        result = self._desk.folder.job(record.id, "exit")
        launch = Launch(
            argv=("/bin/sh", "-c", WRAPPER, "headgate-check", job.check.run, str(result.resolve())),
            folder=source,
            variables=variables(job, record.marker, source.name),
            log=self._log(record),
        )
        try:
            process = spawn(launch)
        except AdapterError:
            self._forget(record.id)
            raise
        execution = self._known[record.id] = Execution(replace(record, process=process))
        self._remember(execution)
        self._attend(execution, process)

    def _attend(self, execution: Execution, process: Identity) -> None:
        record = execution.record
        passed = max(datetime.now(UTC) - record.started_at, timedelta(0))
        left = max(record.timeout - passed, timedelta(0))
        loop = asyncio.get_running_loop()
        execution.exit = ExitWatch(process, record.marker, lambda: self._ended(execution, process))
        execution.timer = loop.call_later(left.total_seconds(), self._too_long, execution, process)

    def _ended(self, execution: Execution, process: Identity) -> None:
        kill_all(execution.record.marker, session=process.pid)  # what it left running in the background
        self._conclude(execution, reap(process.pid))

    def _too_long(self, execution: Execution, process: Identity) -> None:
        words = logs.last_words(self._log(execution.record))
        limit = execution.record.timeout.total_seconds()
        self._finish(execution, "failed", f"was ended as it took longer than {limit:g} s{words}")
        kill_all(execution.record.marker, session=process.pid)  # its end is heard of, and it is reaped then

    def _conclude(self, execution: Execution, code: int | None) -> None:
        """The code that the wrapper wrote comes first: it is there also for a process that was not our child."""
        record = execution.record
        if record.state != "running":
            return
        written = read_code(self._desk.folder.job(record.id, "exit"))
        code = written if written is not None else code
        lived, words = datetime.now(UTC) - record.started_at, logs.last_words(self._log(record))
        if code is None:
            self._finish(execution, "lost", f"ended without leaving an exit code, killed or by a reboot{words}")
        elif code == 0:
            self._finish(execution, "passed", f"passed in {lived.total_seconds():.1f} s")
        else:
            self._finish(execution, "failed", ending(code, lived) + words)

    # --- what outlives the server

    def _adopt(self, job: JobId) -> Execution | None:
        record = read(RECORD, self._desk.folder.job(job, "json"))
        if record is None:
            return None
        execution = Execution(record)
        self._known[job] = execution
        if execution.record.kind == "smoke":
            if execution.record.state == "running":
                self._finish(execution, "lost", "the server ended in the middle of it")
            return execution
        return self._adopt_command(execution)

    def _adopt_command(self, execution: Execution) -> Execution | None:
        record = execution.record
        process = record.process or find(record.marker)
        alive = process is not None and is_alive(process, record.marker)
        if record.state != "running":
            if alive:
                kill_all(record.marker)  # its time was up when the server ended
            return execution
        if process is None and read_code(self._desk.folder.job(record.id, "exit")) is None:
            self._forget(record.id)  # the server ended before it started the command: it never ran
            return None
        execution.record = replace(record, process=process)
        self._remember(execution)
        if process is not None and alive:
            self._attend(execution, process)
        else:
            self._conclude(execution, reap(process.pid) if process else None)
        return execution

    def _finish(self, execution: Execution, state: Literal["passed", "failed", "lost"], detail: str) -> None:
        execution.record = replace(execution.record, state=state, detail=detail)
        if execution.timer is not None:
            execution.timer.cancel()
        self._remember(execution)
        self._changed()

    def _save(self, record: JobRecord) -> None:
        write_atomically(self._desk.folder.job(record.id, "json"), RECORD.dump_json(record).decode())

    def _remember(self, execution: Execution) -> None:
        try:
            self._save(execution.record)
        except AdapterError as error:
            LOG.warning("%s", error)

    def _forget(self, job: JobId) -> None:
        self._known.pop(job, None)
        for ending_ in ("json", "exit", "exit.new"):
            self._desk.folder.job(job, ending_).unlink(missing_ok=True)

    def _log(self, record: JobRecord) -> Path:
        return self._desk.folder.job(record.id, "log")

    def _cut_log(self, record: JobRecord) -> None:
        if record.state == "running":
            try:
                logs.cut(self._log(record), self._desk.log_bytes)
            except OSError as error:
                LOG.warning("cannot cut the log of %s: %s", record.id, error.strerror)

    def _prune(self) -> None:
        """Forget the oldest that have ended; their rollouts ended long before."""
        paths = sorted(self._desk.folder.jobs.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in paths[self._desk.kept :]:
            job = JobId(path.stem)
            if (seen := self.seen(job)) is not None and seen.state != "running":
                self._forget(job)
                self._desk.folder.job(job, "log").unlink(missing_ok=True)
                self._desk.folder.job(job, "log.1").unlink(missing_ok=True)


def variables(job: Job, marker: str, release: str) -> dict[str, str]:
    application, _, environment = job.environment.partition("/")
    urls = {re.sub(r"[^A-Z0-9]", "_", name.upper()) + "_URL": url for name, url in job.services.items()}
    base = {"BASE_URL": next(iter(job.services.values()))} if job.services else {}
    own = {"APPLICATION": application, "ENVIRONMENT": environment, "RELEASE": release, "REVISION": job.revision}
    return {**inherited(), **urls, **base, **own, MARKER: marker}


def read_code(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (FileNotFoundError, ValueError):
        return None
