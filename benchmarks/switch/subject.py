"""Something that moves all traffic from one version to the other when told to."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path

Switch = Callable[[str], Awaitable[None]]  # to version "a" or "b"; returns when the way itself says it is done


@dataclass
class Subject:
    name: str
    port: int  # where users come in
    switch: Switch
    commands: list[float] = field(default_factory=list)  # seconds that `switch` took
    last_old: list[float] = field(default_factory=list)  # seconds from the command to the old version's last answer
    late: int = 0  # switches that had not taken hold when the next one was commanded
    latencies: list[float] = field(default_factory=list)  # seconds, of every request
    neighbours: list[float] = field(default_factory=list)  # percent of all cores, in each turn that counts
    repeated: int = 0  # turns whose times do not count, because others used too much meanwhile
    requests: int = 0
    failed: int = 0


# (folder of its own, version -> port of the backend) -> the subject, running until the block ends
Make = Callable[[Path, dict[str, int]], AbstractAsyncContextManager[Subject]]
