"""The runner itself: a step is a command in a fresh checkout, with an environment of its own and none of the server's.

What a step ended with is written down when its reports are read; until then it runs, whoever asks.
"""

import asyncio
import logging
import os
import shutil
from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import TypeAdapter

from headgate.adapters.machine import logs
from headgate.adapters.machine.commands import CommandLine, CommandRecord, Commands
from headgate.adapters.machine.folders import checked, private, read, write_atomically
from headgate.adapters.machine.identity import reap
from headgate.adapters.machine.spawn import inherited
from headgate.adapters.runners.host import reports
from headgate.adapters.runners.host.kept import Kept
from headgate.adapters.runners.host.output import open_sink, sunk, written
from headgate.adapters.runners.host.settings import HostSettings
from headgate.model.builds import Findings, StepOrder, StepSeen, Tally
from headgate.model.ids import StepRunId
from headgate.ports import AdapterError

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StepRecord:
    order: StepOrder
    checkout: str
    result: StepSeen | None = None  # once all is read and kept


RECORD = TypeAdapter(StepRecord)


class HostRunner:
    def __init__(
        self,
        settings: HostSettings,
        secrets: Callable[[], Collection[str]] = lambda: (),
        on_change: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`secrets` are masked in logs; `on_change` is told the build of which a step has ended."""
        self.settings, self._secrets, self._on_change = settings, secrets, on_change
        self.kept = Kept(settings)
        self._commands = Commands(private(settings.data / "commands"), self._changed)
        self._records: dict[StepRunId, StepRecord] = {}
        self._concluding: dict[StepRunId, asyncio.Task[None]] = {}
        self._sinks: dict[str, int] = {}

    async def start(self, order: StepOrder, checkout: Path) -> None:
        """`checkout` is the step's own from now on, and the folder above it: both go when the step has ended."""
        if await self.observe(order.id) is not None:
            return
        await asyncio.to_thread(self._prepare, order, checkout)
        self._remember(StepRecord(order, str(checkout)))
        line = CommandLine(order.id, order.step.run, checkout, variables(order, checkout), order.step.timeout)
        self._commands.start(line, lambda: self._open_sink(order.id))

    async def observe(self, step: StepRunId) -> StepSeen | None:
        record = self._record(step)
        if record is None or record.result is not None:
            return record.result if record else None
        command = self._commands.seen(step)
        if command is None:
            return None  # written down, and never started
        if command.state != "running" and step not in self._concluding:
            self._concluding[step] = asyncio.create_task(self._conclude(record, command), name=f"end of {step}")
        return StepSeen(step, "running", command.seconds)

    async def stop(self, step: StepRunId, why: str) -> None:
        self._commands.stop(step, why)

    async def logs(self, step: StepRunId, follow: bool) -> AsyncIterator[str]:
        """All that was kept of its output; with `follow` to the step's end."""
        follower = logs.Follower(self._commands.log(step), 0)
        while True:
            ended = sunk(self._commands.log(step)).exists() or await self._is_over(step)
            while lines := follower.new():
                for line in lines:
                    yield line
            if ended or not follow:
                break
            await asyncio.sleep(logs.FOLLOW_PAUSE)
        if rest := follower.rest():
            yield rest

    async def close(self) -> None:
        """Look away: steps go on, and the next runner on the same folder finds them."""
        self._commands.close()
        for task in self._concluding.values():
            task.cancel()

    async def stop_all(self) -> None:
        """Whatever still runs ends. For demos and tests."""
        for path in self._commands.folder.glob("*.json"):
            self._commands.stop(path.stem, "everything was told to end")

    # --- before and after

    def _prepare(self, order: StepOrder, checkout: Path) -> None:
        self._prune()
        for folder in (checkout.parent / "home", checkout.parent / "tmp"):
            private(folder)
        sunk(self._commands.log(order.id)).unlink(missing_ok=True)
        try:
            self.kept.give_cache(order, checkout)
            self.kept.give_artifacts(order.after, checkout)
        except OSError as error:
            raise AdapterError(f"Cannot prepare {checkout}: {error.strerror} ({error.filename})") from error

    async def _conclude(self, record: StepRecord, command: CommandRecord) -> None:
        step = record.order.id
        try:
            await written(self._commands.log(step))
            seen = await asyncio.to_thread(self._result, record, command)
            self._remember(replace(record, result=seen))
            if sink := self._sinks.pop(step, None):
                reap(sink)
            await asyncio.to_thread(shutil.rmtree, Path(record.checkout).parent, ignore_errors=True)
            self._on_change(record.order.build.id)
        except (OSError, AdapterError) as error:
            LOG.warning("the end of %s cannot be written down yet: %s", step, error)
        finally:
            self._concluding.pop(step, None)

    def _result(self, record: StepRecord, command: CommandRecord) -> StepSeen:
        """Exit code, reports and artifacts together. One that did not end by itself leaves its log behind, no more."""
        why = command.detail.partition("; last lines: ")[0]
        words = logs.last_words(self._commands.log(record.order.id))
        if command.state in ("stopped", "lost"):
            state = "cancelled" if command.state == "stopped" else "lost"
            return StepSeen(record.order.id, state, command.seconds, why=why)  # type: ignore[arg-type]
        order, checkout = record.order, Path(record.checkout)
        tests, findings, bad = read_reports(order, checkout, command.state == "passed")
        left_out = self.kept.keep_artifacts(order, checkout)
        if self._commands.path(order.id, "exit").exists():
            self.kept.keep_cache(order, checkout)
        passed = command.state == "passed" and not bad
        first = "" if command.state == "passed" else why
        told = "; ".join(one for one in (first, *bad, left_out) if one) + ("" if passed or bad else words)
        return StepSeen(order.id, "passed" if passed else "failed", command.seconds, tests, findings, told)

    # --- what is remembered

    def _open_sink(self, step: StepRunId) -> int:
        writing, pid = open_sink(self._commands.log(step).resolve(), self.settings.log_bytes, self._secrets())
        self._sinks[step] = pid
        return writing

    async def _is_over(self, step: StepRunId) -> bool:
        seen = await self.observe(step)
        return seen is None or seen.state != "running"

    def _changed(self, command: str) -> None:
        self._on_change(command.partition(".")[0])

    def _path(self, step: StepRunId) -> Path:
        return private(self.settings.data / "steps") / f"{checked('step', step)}.json"

    def _record(self, step: StepRunId) -> StepRecord | None:
        if step not in self._records and (found := read(RECORD, self._path(step))) is not None:
            self._records[step] = found
        return self._records.get(step)

    def _remember(self, record: StepRecord) -> None:
        write_atomically(self._path(record.order.id), RECORD.dump_json(record).decode())
        self._records[record.order.id] = record

    def _prune(self) -> None:
        """The oldest that have ended are forgotten, with their logs and artifacts."""
        paths = sorted((self.settings.data / "steps").glob("*.json"), key=os.path.getmtime, reverse=True)
        for path in paths[self.settings.steps_kept :]:
            step = StepRunId(path.stem)
            record = self._record(step)
            if record is not None and record.result is not None:
                self._commands.forget(step)
                self._records.pop(step, None)
                shutil.rmtree(self.kept.artifacts(step), ignore_errors=True)
                log = self._commands.log(step)
                for one in (log, sunk(log), path):
                    one.unlink(missing_ok=True)


def read_reports(
    order: StepOrder, checkout: Path, passed: bool
) -> tuple[Tally | None, Findings | None, list[str]]:
    """What the reports say, and all that is wrong. A report that a step owes and did not write is no success."""
    bad: list[str] = []
    tests: Tally | None = None
    findings: Findings | None = None
    try:
        if order.step.junit:
            tests = reports.tally(checkout, order.step.junit)
        if order.step.sarif:
            findings = reports.findings(checkout, order.step.sarif)
    except reports.Unreadable as error:
        bad.append(str(error))
    owed = ((order.step.junit, tests), (order.step.sarif, findings))
    if passed and not bad:
        bad += [f"its report {pattern} was not written" for pattern, one in owed if pattern and one is None]
    if tests is not None and tests.failed and passed:
        bad.append(f"{tests.failed} of {tests.total} tests failed, though its exit code is 0")
    if findings is not None and (count := reports.severe(findings, order.step.severity)):
        bad.append(f"{count} finding{'s' if count > 1 else ''} of severity {order.step.severity} or worse")
    return tests, findings, bad


def variables(order: StepOrder, checkout: Path) -> dict[str, str]:
    """All that a step knows. What others typed (branch, version) is in variables, never in the command line."""
    home, build = checkout.parent, order.build
    return {
        **inherited(),
        "HOME": str(home / "home"),
        "TMPDIR": str(home / "tmp"),
        "GIT_CEILING_DIRECTORIES": str(home),  # a checkout is no repository, nor is what lies above it
        "CI": "true",
        "HEADGATE_APPLICATION": build.application,
        "HEADGATE_BUILD": build.id,
        "HEADGATE_STEP": order.step.name,
        "HEADGATE_COMMIT": build.commit,
        "HEADGATE_BRANCH": build.branch,
        "HEADGATE_VERSION": build.version or "",
    }
