"""What is written down of one instance, before its process exists and after it has ended."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import TypeAdapter

from headgate.adapters.machine.folders import read, write_atomically
from headgate.adapters.machine.identity import Identity
from headgate.model.ids import EnvironmentId, RevisionId
from headgate.model.services import Health


@dataclass(frozen=True, slots=True)
class Record:
    id: str  # of the place it fills: <service>.<revision>.<number>; stays the same when it is started again
    environment: EnvironmentId
    revision: RevisionId
    service: str
    health: Health
    marker: str  # of this one start; in the process's environment, so that it is found again whatever happened
    port: int
    log_start: int  # where in the log file this start's output begins
    started_at: datetime
    process: Identity | None = None  # None: about to be started
    was_ready: bool = False
    restarts: int = 0
    exited: str | None = None  # why, once it has ended
    retry_at: datetime | None = None
    stopping_since: datetime | None = None
    told: bool = False  # SIGTERM was sent

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"


RECORD = TypeAdapter(Record)


def save(record: Record, path: Path) -> None:
    """Waits for the disk only before there is a process: a power cut ends all processes, and the rest is seen again."""
    write_atomically(path, RECORD.dump_json(record).decode(), durable=record.process is None)


def load(path: Path) -> Record | None:
    return read(RECORD, path)
