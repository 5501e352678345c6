"""A service: one deployable program."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from headgate.model.migrations import Migration


@dataclass(frozen=True, slots=True)
class Value:
    """Where the value of one environment variable comes from."""

    kind: Literal["plain", "secret", "terraform"]
    text: str  # the value itself, the secret's reference, or the name of the Terraform output
    store: str = ""  # of secrets, by its name in the rules; empty: the only one there is
    as_file: bool = False  # of a secret: it is written to a file, and the variable holds the file's path
    origin: str = field(default="", compare=False)  # where the file says so: "services.web.env (headgate.yaml:12)"

    @property
    def reference(self) -> str:
        """A secret's, with the store where one is named: what its version is known by."""
        return f"{self.store}:{self.text}" if self.store else self.text


@dataclass(frozen=True, slots=True)
class Health:
    path: str = "/"
    interval: timedelta = timedelta(seconds=1)
    timeout: timedelta = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Container:
    """How far a service's container is closed, on platforms that run images. The default is the safest that runs."""

    read_only: bool = True  # its root; /tmp and its data folder can be written to
    tmp: int = 64 * 1024 * 1024  # bytes of /tmp, which is memory
    capabilities: tuple[str, ...] = ()  # of Linux, that it keeps: NET_BIND_SERVICE; all others are dropped
    new_privileges: bool = False  # whether a program may gain some, by setuid for one
    user: str | None = None  # None: as the image says
    memory: int | None = None  # bytes, no swap beyond; None: no limit
    cpus: float | None = None  # None: no limit
    processes: int = 1000  # at most


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """How a service's image is built from its folder, on platforms that run images."""

    path: str = "Dockerfile"  # below the folder
    target: str = ""  # the stage that becomes the image; empty: the last one
    args: dict[str, str] = field(default_factory=dict)  # build arguments; whoever has the image can read them


PLAIN = Dockerfile()


@dataclass(frozen=True, slots=True)
class Service:
    name: str
    command: tuple[str, ...]
    port: int
    build: str = "."  # folder below the release's source, also the working directory
    dockerfile: Dockerfile = PLAIN
    image: str | None = None  # digest reference, where a platform runs images
    health: Health = Health()
    replicas: int = 1
    env: dict[str, Value] = field(default_factory=dict)
    container: Container = Container()
    migrations: tuple[Migration, ...] = ()  # by level
    workload: str = ""  # of the manifests, [KIND/]NAME[/CONTAINER]; empty: it is found by name, labels or image

    @property
    def level(self) -> int:
        """Of the data that its code is made for; 0: it has no migrations."""
        return max((one.level for one in self.migrations), default=0)
