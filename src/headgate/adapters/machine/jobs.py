"""Checks that run once, as processes of their own that outlive the server; a smoke probe alone is the server's.

One that ran is never run again, not even when its result was lost with a reboot: the next attempt has another id.
A smoke probe changes nothing, so one that was lost with the server may be started again under the same id.
"""

import asyncio
import logging
import shutil
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from pydantic import TypeAdapter

from headgate.adapters.machine import logs
from headgate.adapters.machine.artifacts import hide
from headgate.adapters.machine.commands import CommandRecord, Commands
from headgate.adapters.machine.errands import Errand, concluded, line, prepared
from headgate.adapters.machine.folders import Folder, read, write_atomically
from headgate.adapters.machine.identity import reap
from headgate.adapters.machine.output import open_sink, sunk, written
from headgate.adapters.machine.readiness import Prober
from headgate.adapters.machine.sink import Mask
from headgate.adapters.machine.smoke import smoke
from headgate.adapters.machine.tasks import report
from headgate.model.checks import Job, JobSeen
from headgate.model.ids import JobId
from headgate.ports import AdapterError

LOG = logging.getLogger(__name__)
SEEN, ERRAND = TypeAdapter(JobSeen), TypeAdapter(Errand)
CUT_SHORT = "the server ended in the middle of it"


@dataclass(frozen=True, slots=True)
class Desk:
    """What the jobs of one environment are done with."""

    folder: Folder
    prober: Prober
    changed: Callable[[], None]
    log_bytes: int = 10_000_000  # of one job; the middle of a longer one is left out
    kept: int = 200  # jobs that have ended
    secrets: Callable[[], Collection[str]] = lambda: ()  # masked in logs


class Jobs:
    """The jobs of one environment."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._commands = Commands(desk.folder.jobs, lambda _: desk.changed())
        self._ended: dict[JobId, JobSeen] = {}
        self._probing: dict[JobId, asyncio.Task[None]] = {}
        self._concluding: dict[JobId, asyncio.Task[None]] = {}
        self._sinks: dict[JobId, int] = {}
        self._starting = asyncio.Lock()

    async def run(self, job: Job, source: Path) -> None:
        """`source`: the folder of the release that is checked."""
        async with self._starting:
            before = self.seen(job.id)
            again = before is not None and before.state == "lost" and job.check.kind == "smoke"
            if before is not None and not again:
                return
            self._prune()
            if job.check.kind == "smoke":
                self._start_probe(job)
            else:
                await self._start(job, source)

    def seen(self, job: JobId) -> JobSeen | None:
        if job in self._probing:
            return JobSeen(job, "running")
        if (ended := self._ended.get(job) or self._read(job)) is not None:
            return ended
        record = self._commands.seen(job)
        if record is None:
            return None
        if record.state != "running" and job not in self._concluding:
            task = self._concluding[job] = asyncio.create_task(self._conclude(job, record), name=f"end of {job}")
            task.add_done_callback(report)
        return JobSeen(job, "running")

    def log(self, job: JobId) -> Path:
        return self._desk.folder.job(job, "log")

    def kept(self, job: JobId) -> Path:
        """The folder of its artifacts, which may not be there."""
        return self._desk.folder.job(job, "kept")

    def printed(self, job: JobId) -> list[str]:
        """So far; nothing where it is kept no longer. Bounded by the desk's `log_bytes`."""
        try:
            return self.log(job).read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return []

    def artifact(self, job: JobId, name: str) -> IO[bytes]:
        """Never through a link: what a check leaves may lead anywhere."""
        kept = self.kept(job).resolve()
        try:
            path = (kept / name).parent.resolve() / Path(name).name
            if not path.is_relative_to(kept) or not path.is_file() or path.is_symlink():
                raise FileNotFoundError
            return path.open("rb")
        except (OSError, ValueError) as error:
            raise AdapterError(f"{name} of {job} is kept no longer") from error

    def close(self) -> None:
        for task in (*self._probing.values(), *self._concluding.values()):
            task.cancel()
        self._commands.close()

    # --- a smoke probe

    def _start_probe(self, job: Job) -> None:
        self._ended.pop(job.id, None)
        self._write(JobSeen(job.id, "running"))
        task = self._probing[job.id] = asyncio.create_task(self._probe(job), name=f"smoke {job.id}")
        task.add_done_callback(report)

    async def _probe(self, job: Job) -> None:
        try:
            passed, detail = await smoke(self._desk.prober, job)
            self._remember(JobSeen(job.id, "passed" if passed else "failed", detail))
        finally:
            self._probing.pop(job.id, None)
        self._desk.changed()

    # --- a process of its own

    async def _start(self, job: Job, source: Path) -> None:
        errand = await asyncio.to_thread(prepared, job, source, self._desk.folder)
        write_atomically(self._desk.folder.job(job.id, "errand"), ERRAND.dump_json(errand).decode())
        sunk(self.log(job.id)).unlink(missing_ok=True)
        self._commands.start(line(errand, source.name, self._desk.folder), lambda: self._open_sink(job.id))

    def _open_sink(self, job: JobId) -> int:
        writing, pid = open_sink(self.log(job).resolve(), self._desk.log_bytes, self._desk.secrets())
        self._sinks[job] = pid
        return writing

    async def _conclude(self, job: JobId, record: CommandRecord) -> None:
        """Its last lines, its reports and its artifacts, all before it is told that it has ended."""
        try:
            errand = read(ERRAND, self._desk.folder.job(job, "errand"))
            if errand is not None:
                await written(self.log(job))
            ended = await asyncio.to_thread(self._result, job, record, errand)
            self._remember(replace(ended, detail=masked(ended.detail, self._desk.secrets())))
            if (sink := self._sinks.pop(job, None)) is not None:
                reap(sink)
            await asyncio.to_thread(shutil.rmtree, self._desk.folder.job(job, "work"), ignore_errors=True)
        finally:
            self._concluding.pop(job, None)
        self._desk.changed()

    def _result(self, job: JobId, record: CommandRecord, errand: Errand | None) -> JobSeen:
        words = logs.last_words(self.log(job))
        why = record.detail.partition("; last lines: ")[0]
        if errand is None or record.state in ("lost", "stopped"):
            return JobSeen(job, "lost" if record.state == "lost" else "failed", why + words)
        try:
            ended = concluded(errand, record.state == "passed", why, words, self._desk.folder)
            hide(self.kept(job), self._desk.secrets())
        except OSError as error:  # a full disk, or a file that nobody may read
            return JobSeen(job, "failed", f"what it left cannot be kept: {error.strerror} ({error.filename})")
        return ended

    # --- what is remembered

    def _read(self, job: JobId) -> JobSeen | None:
        seen = read(SEEN, self._desk.folder.job(job, "probe"))
        if seen is not None:
            # Of probes that run, and of all that has ended: a probe that runs was this server's, before it ended.
            seen = replace(seen, state="lost", detail=CUT_SHORT) if seen.state == "running" else seen
            self._ended[job] = seen
        return seen

    def _remember(self, ended: JobSeen) -> None:
        self._ended[ended.id] = ended
        self._write(ended)

    def _write(self, seen: JobSeen) -> None:
        try:
            write_atomically(self._desk.folder.job(seen.id, "probe"), SEEN.dump_json(seen).decode())
        except AdapterError as error:
            LOG.warning("%s", error)

    def _prune(self) -> None:
        """Forget the oldest that have ended; their rollouts ended long before."""
        kept = {path.stem: path for path in self._desk.folder.jobs.iterdir() if path.suffix in (".json", ".probe")}
        names = sorted(kept, key=lambda name: kept[name].stat().st_mtime, reverse=True)
        for name in names[self._desk.kept :]:
            job = JobId(name)
            if (seen := self.seen(job)) is not None and seen.state != "running":
                self._commands.forget(job)
                self._ended.pop(job, None)
                for folder in (self.kept(job), self._desk.folder.job(job, "work")):
                    shutil.rmtree(folder, ignore_errors=True)
                for kind in ("probe", "job", "errand", "found", "log", "log.1", "sunk"):
                    self._desk.folder.job(job, kind).unlink(missing_ok=True)


def masked(sentence: str, secrets: Collection[str]) -> str:
    """What a check says of an answer may repeat what nobody is to see."""
    return Mask(sorted(secrets)).hide(sentence.encode()).decode(errors="replace")
