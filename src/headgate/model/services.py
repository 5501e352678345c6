"""A service: one deployable program."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal


@dataclass(frozen=True, slots=True)
class Value:
    """Where the value of one environment variable comes from."""

    kind: Literal["plain", "secret", "terraform"]
    text: str  # the value itself, the secret's reference, or the name of the Terraform output


@dataclass(frozen=True, slots=True)
class Health:
    path: str = "/"
    interval: timedelta = timedelta(seconds=1)
    timeout: timedelta = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Service:
    name: str
    command: tuple[str, ...]
    port: int
    build: str = "."  # folder below the release's source, also the working directory
    image: str | None = None  # digest reference, where a platform runs images
    health: Health = Health()
    replicas: int = 1
    env: dict[str, Value] = field(default_factory=dict)
