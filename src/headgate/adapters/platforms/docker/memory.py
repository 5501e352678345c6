"""What the labels of a container cannot say, as it changes: how often it died, why, and that it was told to stop.

Everything is found again without it. Only the back-off, and a stop that was under way, begin anew.
"""

import logging
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from pydantic import TypeAdapter

from headgate.adapters.machine.folders import read, write_atomically
from headgate.ports import AdapterError

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Memory:
    container: str  # the engine's id: what is remembered of another container does not count
    was_ready: bool = False
    restarts: int = 0
    port: int = 0  # the last one it was published on
    died_at: str | None = None  # the engine's own FinishedAt: each death is counted once
    exited: str | None = None  # why
    retry_at: datetime | None = None
    stopping_since: datetime | None = None
    told: bool = False  # the stop signal was sent
    labels: dict[str, str] = field(default_factory=dict)  # of one on another host: known also while that is away


MEMORY = TypeAdapter(Memory)


def remember(memory: Memory, path: Path) -> None:
    write_atomically(path, MEMORY.dump_json(memory).decode(), durable=False)


def recall(path: Path, container: str) -> Memory:
    """Nothing where it is of another container."""
    found = _read(path)
    return found if found is not None and found.container == container else Memory(container)


def recall_all(folder: Path) -> list[Memory]:
    return [memory for path in sorted(folder.glob("*.json")) if (memory := _read(path)) is not None]


def _read(path: Path) -> Memory | None:
    """None where the file is damaged: one that can be done without shall not stand in the way."""
    try:
        return read(MEMORY, path)
    except AdapterError as error:
        LOG.warning("begins anew with %s: %s", path.stem, error)
        return None
