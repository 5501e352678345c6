"""A migration: a change of a service's data that comes with its release and runs once in each environment."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

MigrationKind = Literal["expand", "contract"]


@dataclass(frozen=True, slots=True)
class Migration:
    """Of one service. `contract`: code of a lower level cannot use what it leaves; `expand`: it can."""

    level: int  # from 1, rising from one migration of the service to its next
    command: str  # a shell command line of the file's author, in the commit under release
    kind: MigrationKind
    timeout: timedelta = timedelta(minutes=10)
