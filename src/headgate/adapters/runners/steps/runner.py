"""What every runner does before and after a step runs: checkout, caches, artifacts, log and reports.

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

from headgate.adapters.machine import logs, reports
from headgate.adapters.machine.folders import checked, private, read, write_atomically
from headgate.adapters.machine.identity import reap
from headgate.adapters.machine.output import open_sink, sunk, written
from headgate.adapters.runners.steps.kept import Kept
from headgate.adapters.runners.steps.settings import StepSettings
from headgate.adapters.runners.steps.work import Life, Work
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


class StepRunner:
    def __init__(
        self,
        settings: StepSettings,
        work: Work,
        secrets: Callable[[], Collection[str]],
        on_change: Callable[[str], None],
    ) -> None:
        """`secrets` are masked in logs; `on_change` is told the build of which a step has ended."""
        self.settings, self._work, self._secrets, self._on_change = settings, work, secrets, on_change
        self.kept = Kept(settings)
        self._records: dict[StepRunId, StepRecord] = {}
        self._concluding: dict[StepRunId, asyncio.Task[None]] = {}
        self._sinks: dict[str, int] = {}

    async def start(self, order: StepOrder, checkout: Path) -> None:
        """`checkout` is the step's own from now on, and the folder above it: both go when the step has ended."""
        if await self.observe(order.id) is not None:
            return
        await asyncio.to_thread(self._prepare, order, checkout)
        self._remember(StepRecord(order, str(checkout)))
        await self._work.start(order, checkout, lambda fifo: self._open_sink(order.id, fifo))

    async def observe(self, step: StepRunId) -> StepSeen | None:
        if self._record(step) is None:
            return None
        life = await self._work.seen(step) if self._result_of(step) is None else None
        if (result := self._result_of(step)) is not None:
            return result
        record = self._record(step)
        if life is None or record is None:
            return None  # written down, and never started
        if life.state != "running" and step not in self._concluding:
            self._concluding[step] = asyncio.create_task(self._conclude(record, life), name=f"end of {step}")
        return StepSeen(step, "running", life.seconds)

    async def stop(self, step: StepRunId, why: str) -> None:
        await self._work.stop(step, why)

    async def logs(self, step: StepRunId, follow: bool) -> AsyncIterator[str]:
        """All that was kept of its output; with `follow` to the step's end."""
        follower = logs.Follower(self._work.log(step), 0)
        while True:
            ended = sunk(self._work.log(step)).exists() or await self._is_over(step)
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
        await self._work.close()
        for task in self._concluding.values():
            task.cancel()

    async def stop_all(self) -> None:
        """Whatever still runs ends. For demos and tests."""
        await self._work.stop_all("everything was told to end")

    # --- before and after

    def _prepare(self, order: StepOrder, checkout: Path) -> None:
        self._prune()
        for folder in (checkout.parent / "home", checkout.parent / "tmp"):
            private(folder)
        sunk(self._work.log(order.id)).unlink(missing_ok=True)
        try:
            self.kept.give_cache(order, checkout)
            self.kept.give_artifacts(order.after, checkout)
        except OSError as error:
            raise AdapterError(f"Cannot prepare {checkout}: {error.strerror} ({error.filename})") from error

    async def _conclude(self, record: StepRecord, life: Life) -> None:
        step = record.order.id
        try:
            await written(self._work.log(step))
            seen = await asyncio.to_thread(self._result, record, life)
            self._remember(replace(record, result=seen))
            if sink := self._sinks.pop(step, None):
                reap(sink)
            await asyncio.to_thread(shutil.rmtree, Path(record.checkout).parent, ignore_errors=True)
            self._on_change(record.order.build.id)
        except (OSError, AdapterError) as error:
            LOG.warning("the end of %s cannot be written down yet: %s", step, error)
        finally:
            self._concluding.pop(step, None)

    def _result(self, record: StepRecord, life: Life) -> StepSeen:
        """Exit code, reports and artifacts together. One that did not end by itself leaves its log behind, no more."""
        order, checkout = record.order, Path(record.checkout)
        if life.state in ("stopped", "lost"):
            state = "cancelled" if life.state == "stopped" else "lost"
            return StepSeen(order.id, state, life.seconds, why=life.why)  # type: ignore[arg-type]
        words = logs.last_words(self._work.log(order.id))
        tests, findings, bad = read_reports(order, checkout, life.state == "passed")
        left_out = self.kept.keep_artifacts(order, checkout)
        if life.whole:
            self.kept.keep_cache(order, checkout)
        passed = life.state == "passed" and not bad
        first = "" if life.state == "passed" else life.why
        told = "; ".join(one for one in (first, *bad, left_out) if one) + ("" if passed or bad else words)
        return StepSeen(order.id, "passed" if passed else "failed", life.seconds, tests, findings, told)

    # --- what is remembered

    def _open_sink(self, step: StepRunId, fifo: Path | None) -> int:
        log = self._work.log(step).resolve()
        writing, pid = open_sink(log, self.settings.log_bytes, self._secrets(), fifo)
        self._sinks[step] = pid
        return writing

    async def _is_over(self, step: StepRunId) -> bool:
        seen = await self.observe(step)
        return seen is None or seen.state != "running"

    def _path(self, step: StepRunId) -> Path:
        return private(self.settings.data / "steps") / f"{checked('step', step)}.json"

    def _record(self, step: StepRunId) -> StepRecord | None:
        if step not in self._records and (found := read(RECORD, self._path(step))) is not None:
            self._records[step] = found
        return self._records.get(step)

    def _result_of(self, step: StepRunId) -> StepSeen | None:
        record = self._record(step)
        return record.result if record else None

    def _remember(self, record: StepRecord) -> None:
        write_atomically(self._path(record.order.id), RECORD.dump_json(record).decode())
        self._records[record.order.id] = record

    def _prune(self) -> None:
        """The oldest that have ended are forgotten, with their logs and artifacts."""
        paths = sorted((self.settings.data / "steps").glob("*.json"), key=os.path.getmtime, reverse=True)
        for path in paths[self.settings.steps_kept :]:
            step = StepRunId(path.stem)
            if self._result_of(step) is not None:
                self._work.forget(step)
                self._records.pop(step, None)
                shutil.rmtree(self.kept.artifacts(step), ignore_errors=True)
                log = self._work.log(step)
                for one in (log, sunk(log), path):
                    one.unlink(missing_ok=True)


def build_of(step: str) -> str:
    return step.partition(".")[0]


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
