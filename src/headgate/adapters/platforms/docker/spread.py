"""Which machines an environment is on: as its file says now, and those where it may have left something."""

import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path

from headgate.adapters.machine.folders import Folder, write_atomically
from headgate.adapters.platforms.docker.machines import HERE
from headgate.model.rules import ContainerHost, Environment

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Spread:
    hosts: tuple[ContainerHost, ...] = (HERE,)  # where containers are started
    server: str = ""
    leaving: tuple[ContainerHost, ...] = ()  # named no more

    @property
    def all(self) -> tuple[ContainerHost, ...]:
        return (*self.hosts, *self.leaving)


def spread(rules: Environment | None, folder: Folder) -> Spread:
    """Rules that are gone change nothing: what runs is taken care of where it is."""
    before = _remembered(_path(folder))
    if rules is None:
        return before
    hosts = rules.hosts or (HERE,)
    return Spread(hosts, rules.server, tuple(host for host in before.all if host not in hosts))


def remember(now: Spread, folder: Folder) -> None:
    path = _path(folder)
    if now == Spread() and not path.exists():
        return  # this machine alone, ever
    if now != _remembered(path):
        write_atomically(path, json.dumps(asdict(now)))


def _path(folder: Folder) -> Path:
    return folder.path / "hosts.json"


def _remembered(path: Path) -> Spread:
    try:
        found = json.loads(path.read_text())
        hosts, leaving = (tuple(ContainerHost(**one) for one in found[kind]) for kind in ("hosts", "leaving"))
        return Spread(hosts, str(found["server"]), leaving)
    except FileNotFoundError:
        return Spread()
    except (OSError, ValueError, KeyError, TypeError) as error:
        LOG.warning("%s is damaged and begun anew: hosts that the file names no more are forgotten (%s)", path, error)
        return Spread()
