"""What a check's program is asked, and what it leaves behind: two files of JSON."""

import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter

from headgate.adapters.machine.folders import write_atomically
from headgate.model.checks import Job


@dataclass(frozen=True, slots=True)
class Found:
    passed: bool
    sentence: str
    numbers: dict[str, float] = field(default_factory=dict)


JOB, FOUND = TypeAdapter(Job), TypeAdapter(Found)


def base_url(job: Job, service: str) -> str:
    """Of the service named, or of the first."""
    url = job.services.get(service) if service else next(iter(job.services.values()), None)
    if url is None:
        known = ", ".join(job.services) or "none"
        raise LookupError(f"there is no service {service or 'to ask'}; its services: {known}")
    return url.rstrip("/")


def answer(look: Callable[[Job], Awaitable[Found]], aloud: bool = True) -> None:
    """The whole of a program: exit code 0 where the check passed. `aloud`: the log ends with what was found."""
    import asyncio

    asked, told = Path(sys.argv[1]), Path(sys.argv[2])
    job = JOB.validate_json(asked.read_bytes())
    try:
        found = asyncio.run(_looked(look, job))
    except LookupError as error:
        found = Found(False, str(error.args[0]))
    write_atomically(told, FOUND.dump_json(found).decode())
    if aloud:
        say(found.sentence)
    os._exit(0 if found.passed else 1)  # nothing of ours is left to be tidied up, and a stuck thread holds nobody up


def say(line: str) -> None:
    """Into the check's log, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def _looked(look: Callable[[Job], Awaitable[Found]], job: Job) -> Found:
    return await look(job)
