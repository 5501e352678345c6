"""On what the demo runs its services: containers where all that they need is here, processes elsewhere."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from headgate.cli.demo.containers import lacking
from headgate.cli.failure import USAGE, Failure


class Platform(StrEnum):
    PROCESS = "process"
    DOCKER = "docker"


@dataclass(frozen=True, slots=True)
class Choice:
    platform: Platform
    why: str  # one sentence


def chosen(asked: Platform | None, example: Path) -> Choice:
    """Raises Failure where containers were asked for in vain."""
    if asked is Platform.PROCESS:
        return Choice(asked, "as processes, as asked: --platform process.")
    missing = lacking(example)
    if asked is Platform.DOCKER and missing:
        raise Failure(f"there can be no containers: {missing}", "--platform docker", "Or: --platform process.", USAGE)
    if missing:
        why = missing.partition(". ")[0]
        return Choice(Platform.PROCESS, f"as processes, not in containers: {why[0].lower()}{why[1:]}.")
    if asked is Platform.DOCKER:
        return Choice(asked, "in containers, as asked: --platform docker.")
    why = "in containers: a Docker Engine answers, and docker-registry is installed; or ask for --platform process."
    return Choice(Platform.DOCKER, why)
