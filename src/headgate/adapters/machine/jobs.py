"""Checks that run once: a command of the rules' author as a process of its own, or a smoke probe by the server.

A command that ran is never run again, not even when its result was lost with a reboot: the next attempt has another id.
A smoke probe changes nothing, so one that was lost with the server may be started again under the same id.
"""

import asyncio
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter

from headgate.adapters.machine import logs
from headgate.adapters.machine.commands import CommandLine, Commands
from headgate.adapters.machine.folders import Folder, read, write_atomically
from headgate.adapters.machine.readiness import Prober
from headgate.adapters.machine.smoke import smoke
from headgate.adapters.machine.spawn import inherited
from headgate.adapters.machine.tasks import report
from headgate.model.checks import Job, JobSeen
from headgate.model.ids import JobId
from headgate.ports import AdapterError

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ProbeRecord:
    """Of a smoke probe."""

    id: JobId
    state: Literal["running", "passed", "failed", "lost"] = "running"
    detail: str = ""


PROBE = TypeAdapter(ProbeRecord)


@dataclass(frozen=True, slots=True)
class Desk:
    """What the jobs of one environment are done with."""

    folder: Folder
    prober: Prober
    changed: Callable[[], None]
    log_bytes: int = 10_000_000  # one earlier file of this size is kept beside the current one
    kept: int = 200  # jobs that have ended


class Jobs:
    """The jobs of one environment."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._commands = Commands(desk.folder.jobs, lambda _: desk.changed())
        self._probes: dict[JobId, ProbeRecord] = {}
        self._probing: dict[JobId, asyncio.Task[None]] = {}

    def run(self, job: Job, source: Path) -> None:
        """`source`: the folder of the release that is checked."""
        before = self.seen(job.id)
        again = before is not None and before.state == "lost" and job.check.kind == "smoke"
        if before is not None and not again:
            return
        self._prune()
        if job.check.kind == "smoke":
            self._start_probe(job)
        else:
            given = variables(job, source.name)
            self._commands.start(CommandLine(job.id, job.check.run, source, given, job.check.timeout))

    def seen(self, job: JobId) -> JobSeen | None:
        if probe := self._probes.get(job) or self._adopt_probe(job):
            return JobSeen(job, probe.state, probe.detail)
        record = self._commands.seen(job)
        if record is None:
            return None
        if record.state == "running":
            self._cut_log(job)
        return JobSeen(job, "failed" if record.state == "stopped" else record.state, record.detail)

    def close(self) -> None:
        for task in self._probing.values():
            task.cancel()
        self._commands.close()

    # --- a smoke probe

    def _start_probe(self, job: Job) -> None:
        self._remember(ProbeRecord(job.id))
        task = self._probing[job.id] = asyncio.create_task(self._probe(job), name=f"smoke {job.id}")
        task.add_done_callback(report)

    async def _probe(self, job: Job) -> None:
        passed, detail = await smoke(self._desk.prober, job)
        self._remember(ProbeRecord(job.id, "passed" if passed else "failed", detail))
        self._desk.changed()

    def _adopt_probe(self, job: JobId) -> ProbeRecord | None:
        record = read(PROBE, self._desk.folder.job(job, "probe"))
        if record is not None and record.state == "running":
            record = replace(record, state="lost", detail="the server ended in the middle of it")
        if record is not None:
            self._remember(record)
        return record

    def _remember(self, record: ProbeRecord) -> None:
        self._probes[record.id] = record
        try:
            write_atomically(self._desk.folder.job(record.id, "probe"), PROBE.dump_json(record).decode())
        except AdapterError as error:
            LOG.warning("%s", error)

    # --- what is kept

    def _cut_log(self, job: JobId) -> None:
        try:
            logs.cut(self._commands.log(job), self._desk.log_bytes)
        except OSError as error:
            LOG.warning("cannot cut the log of %s: %s", job, error.strerror)

    def _prune(self) -> None:
        """Forget the oldest that have ended; their rollouts ended long before."""
        kept = [path for path in self._desk.folder.jobs.iterdir() if path.suffix in (".json", ".probe")]
        paths = sorted(kept, key=lambda path: path.stat().st_mtime, reverse=True)
        for path in paths[self._desk.kept :]:
            job = JobId(path.stem)
            if (seen := self.seen(job)) is not None and seen.state != "running":
                self._commands.forget(job)
                self._probes.pop(job, None)
                for kind in ("probe", "log", "log.1"):
                    self._desk.folder.job(job, kind).unlink(missing_ok=True)


def variables(job: Job, release: str) -> dict[str, str]:
    application, _, environment = job.environment.partition("/")
    urls = {re.sub(r"[^A-Z0-9]", "_", name.upper()) + "_URL": url for name, url in job.services.items()}
    base = {"BASE_URL": next(iter(job.services.values()))} if job.services else {}
    own = {"APPLICATION": application, "ENVIRONMENT": environment, "RELEASE": release, "REVISION": job.revision}
    return {**inherited(), **urls, **base, **own}
