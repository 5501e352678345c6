"""Parity: how far one environment may differ from another, and why."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Accepted:
    """A difference that is meant."""

    what: str  # as it is listed, "replicas web"; * stands for any text
    why: str


@dataclass(frozen=True, slots=True)
class Parity:
    """Of one environment, towards another."""

    traffic: float = 1.0  # share of what comes here that comes there
    accept: tuple[Accepted, ...] = ()


@dataclass(frozen=True, slots=True)
class ParityGate:
    """The environment named must be a replica of this one, but for what is accepted."""

    environment: str
    deadline: timedelta = timedelta(days=7)
