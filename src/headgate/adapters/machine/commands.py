"""Command lines that run once and outlive the server: limited in time, ended with all they started, found again.

One that ran is never run again under its id, not even when its result was lost with a reboot.
"""

import asyncio
import logging
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter

from headgate.adapters.machine import logs
from headgate.adapters.machine.exits import ExitWatch, ending
from headgate.adapters.machine.folders import checked, read, write_atomically
from headgate.adapters.machine.identity import MARKER, Identity, find, is_alive, kill_all, reap
from headgate.adapters.machine.spawn import Launch, open_log, spawn_into
from headgate.ports import AdapterError

LOG = logging.getLogger(__name__)

# $1 is the command line, $2 the file for its exit code: renamed into place, so that it is there whole or not at all,
# and before this shell ends, whoever is alive to see it.
WRAPPER = '/bin/sh -c "$1"; code=$?; printf "%s" "$code" > "$2.new" && mv -f "$2.new" "$2"; exit "$code"'

State = Literal["running", "passed", "failed", "lost", "stopped"]


@dataclass(frozen=True, slots=True)
class CommandLine:
    """What is run, by a shell, and where. `text` is its author's own; nothing that others typed is put into it."""

    id: str
    text: str
    folder: Path
    variables: Mapping[str, str]
    timeout: timedelta


@dataclass(frozen=True, slots=True)
class CommandRecord:
    id: str
    marker: str
    started_at: datetime
    timeout: timedelta
    process: Identity | None = None
    state: State = "running"
    detail: str = ""
    ended_at: datetime | None = None

    @property
    def seconds(self) -> float:
        return max(((self.ended_at or datetime.now(UTC)) - self.started_at).total_seconds(), 0.0)


RECORD = TypeAdapter(CommandRecord)


@dataclass(slots=True)
class Execution:
    record: CommandRecord
    exit: ExitWatch | None = None
    timer: asyncio.TimerHandle | None = None

    def close(self) -> None:
        for handle in (self.exit, self.timer):
            if handle is not None:
                handle.cancel()


class Commands:
    """All in one folder, which holds for each its record, its exit code and its log."""

    def __init__(self, folder: Path, changed: Callable[[str], None]) -> None:
        """`changed` is told the id of one that has ended."""
        self.folder, self._changed = folder, changed
        self._known: dict[str, Execution] = {}

    def start(self, line: CommandLine, output: Callable[[], int] | None = None) -> None:
        """`output` opens what it prints into; by itself its log. One that was started already is left alone."""
        if self.seen(line.id) is not None:
            return
        marker = f"{line.id}.{secrets.token_hex(8)}"
        record = CommandRecord(line.id, marker, datetime.now(UTC), line.timeout)
        self._save(record)
        try:
            process = self._spawn(line, marker, output)
        except AdapterError:
            self.forget(line.id)
            raise
        execution = self._known[line.id] = Execution(replace(record, process=process))
        self._remember(execution)
        self._attend(execution, process)

    def _spawn(self, line: CommandLine, marker: str, output: Callable[[], int] | None) -> Identity:
        result = str(self.path(line.id, "exit").resolve())
        argv = ("/bin/sh", "-c", WRAPPER, "headgate-command", line.text, result)
        launch = Launch(argv, line.folder, {**line.variables, MARKER: marker}, self.log(line.id))
        into = output() if output else open_log(launch.log)
        try:
            return spawn_into(launch, into)
        finally:
            os.close(into)

    def seen(self, name: str) -> CommandRecord | None:
        execution = self._known.get(name) or self._adopt(name)
        return execution.record if execution else None

    def stop(self, name: str, why: str) -> None:
        """It ends at once, with all that it started."""
        execution = self._known.get(name) or self._adopt(name)
        if execution is not None and execution.record.state == "running":
            self._end(execution, "stopped", why)

    def forget(self, name: str) -> None:
        """All but its log."""
        if execution := self._known.pop(name, None):
            execution.close()
        for kind in ("json", "exit", "exit.new"):
            self.path(name, kind).unlink(missing_ok=True)

    def close(self) -> None:
        """Look away: they go on."""
        for execution in self._known.values():
            execution.close()

    def path(self, name: str, kind: str) -> Path:
        return self.folder / f"{checked('command', name)}.{kind}"

    def log(self, name: str) -> Path:
        return self.path(name, "log")

    # --- from its start to its end

    def _attend(self, execution: Execution, process: Identity) -> None:
        record = execution.record
        passed = max(datetime.now(UTC) - record.started_at, timedelta(0))
        left = max(record.timeout - passed, timedelta(0))
        loop = asyncio.get_running_loop()
        execution.exit = ExitWatch(process, record.marker, lambda: self._ended(execution, process))
        execution.timer = loop.call_later(left.total_seconds(), self._too_long, execution)

    def _ended(self, execution: Execution, process: Identity) -> None:
        kill_all(execution.record.marker, session=process.pid)  # what it left running in the background
        self._conclude(execution, reap(process.pid))

    def _too_long(self, execution: Execution) -> None:
        words = logs.last_words(self.log(execution.record.id))
        limit = execution.record.timeout.total_seconds()
        self._end(execution, "failed", f"was ended as it took longer than {limit:g} s{words}")

    def _end(self, execution: Execution, state: State, why: str) -> None:
        """Its end is heard of, and it is reaped then."""
        record = execution.record
        self._finish(execution, state, why)
        kill_all(record.marker, session=record.process.pid if record.process else None)

    def _conclude(self, execution: Execution, code: int | None) -> None:
        """The code that the wrapper wrote comes first: it is there also for a process that was not our child."""
        record = execution.record
        if record.state != "running":
            return
        written = read_code(self.path(record.id, "exit"))
        code = written if written is not None else code
        lived, words = datetime.now(UTC) - record.started_at, logs.last_words(self.log(record.id))
        if code is None:
            self._finish(execution, "lost", f"ended without leaving an exit code, killed or by a reboot{words}")
        elif code == 0:
            self._finish(execution, "passed", f"passed in {lived.total_seconds():.1f} s")
        else:
            self._finish(execution, "failed", ending(code, lived) + words)

    # --- what outlives the server

    def _adopt(self, name: str) -> Execution | None:
        record = read(RECORD, self.path(name, "json"))
        if record is None:
            return None
        execution = self._known[name] = Execution(record)
        process = record.process or find(record.marker)
        alive = process is not None and is_alive(process, record.marker)
        if record.state != "running":
            if alive:
                kill_all(record.marker)  # its time was up when the server ended
            return execution
        if process is None and read_code(self.path(name, "exit")) is None:
            self.forget(name)  # the server ended before it started the command: it never ran
            return None
        execution.record = replace(record, process=process)
        self._remember(execution)
        if process is not None and alive:
            self._attend(execution, process)
        else:
            self._conclude(execution, reap(process.pid) if process else None)
        return execution

    def _finish(self, execution: Execution, state: State, detail: str) -> None:
        execution.record = replace(execution.record, state=state, detail=detail, ended_at=datetime.now(UTC))
        if execution.timer is not None:
            execution.timer.cancel()
        self._remember(execution)
        self._changed(execution.record.id)

    def _save(self, record: CommandRecord) -> None:
        write_atomically(self.path(record.id, "json"), RECORD.dump_json(record).decode())

    def _remember(self, execution: Execution) -> None:
        try:
            self._save(execution.record)
        except AdapterError as error:
            LOG.warning("%s", error)


def read_code(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (FileNotFoundError, ValueError):
        return None
