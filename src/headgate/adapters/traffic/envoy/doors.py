"""Ports of the listeners: allocated once, kept on disk for the environment's life."""

import asyncio
import errno
import json
import socket
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from time import monotonic

from headgate.adapters.envoy_admin import EnvoySettings
from headgate.adapters.envoy_bridges import Bridge, read_bridges
from headgate.adapters.traffic.envoy.files import ResourceFile, write, write_text
from headgate.adapters.traffic.envoy.listeners import DOORS, Door, Folder, bridge_door, bridge_listener, listener
from headgate.adapters.traffic.envoy.readback import Readback
from headgate.adapters.traffic.envoy.routing import door_name, with_closed_doors
from headgate.adapters.traffic.envoy.watches import require_watches
from headgate.model.ids import EnvironmentId
from headgate.model.routes import Address
from headgate.ports import AdapterError

# Below Linux's range for outgoing connections (32768 up): one of those could hold the port just when Envoy restarts.
# Platform `process` takes its ports above these: an instance must not get a door's while Envoy is away.
_FIRST, _COUNT = 20000, 6000


class Ports:
    """Door name (APPLICATION/ENVIRONMENT/SERVICE/DOOR) -> port."""

    def __init__(self, path: Path, address: str) -> None:
        self._path = path
        self._address = address
        self._taken: dict[str, int] | None = None

    def all(self) -> dict[str, int]:
        if self._taken is None:
            self._taken = self._load()
        return self._taken

    def allocate(self, door: str) -> int:
        """The same door of the same data folder gets the same port where it is free, even after the folder was lost."""
        start = zlib.crc32(f"{self._path} {door}".encode()) % _COUNT
        used = set(self.all().values())
        for step in range(_COUNT):
            port = _FIRST + (start + step) % _COUNT
            if port not in used and self.is_free(port):
                return port
        raise AdapterError(f"Envoy: no port is free on {self._address} from {_FIRST} to {_FIRST + _COUNT - 1}")

    def is_free(self, port: int) -> bool:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self._address, port))
            except OSError as error:
                if error.errno in {errno.EADDRINUSE, errno.EACCES}:
                    return False
                raise AdapterError(f"Envoy cannot listen on {self._address}: {error.strerror}") from error
        return True

    def keep(self, doors: dict[str, int]) -> None:
        self._save({**self.all(), **doors})

    def forget(self, doors: Iterable[str]) -> None:
        gone = set(doors)
        self._save({door: port for door, port in self.all().items() if door not in gone})

    def _load(self) -> dict[str, int]:
        if not self._path.exists():
            return {}
        try:
            return {str(door): int(port) for door, port in json.loads(self._path.read_text()).items()}
        except (ValueError, AttributeError) as error:
            raise AdapterError(
                f"Envoy: {self._path} is damaged ({error}); delete it and new ports are allocated"
            ) from error

    def _save(self, doors: dict[str, int]) -> None:
        write_text(self._path.parent, self._path, json.dumps(doors, sort_keys=True, indent=1))
        self._taken = doors


def service_of(door: str) -> str:
    return door.split("/")[2]


class Doors:
    """Listeners of all environments: which ports they have, and whether Envoy listens there."""

    def __init__(self, settings: EnvoySettings, folder: Folder) -> None:
        self._settings = settings
        self._folder = folder
        self._ports = Ports(folder.root / "ports.json", settings.address)
        self._bridges: dict[str, Bridge] = {}  # as they were when Envoy was last told
        self._confirmed: dict[str, int] = {}  # doors that Envoy was seen to listen on
        self._fresh: set[str] = set()  # allocated a moment ago: nobody knows their ports yet

    def address(self, environment: str, service: str) -> Address:
        ports = self._ports.all()
        urls = {
            door: f"http://{self._settings.address}:{ports[door_name(environment, service, door)]}" for door in DOORS
        }
        return Address(public=urls["public"], mesh=urls["mesh"], preview=urls["preview"])

    def environments(self) -> set[EnvironmentId]:
        return {EnvironmentId(door.rsplit("/", 2)[0]) for door in self._ports.all()}

    def services(self, environment: str) -> list[str]:
        return sorted({service_of(door) for door in self._ports.all() if door.startswith(f"{environment}/")})

    def known(self, environment: str) -> dict[str, int | None]:
        """Services that have all their doors; one whose wanted port was refused has not."""
        held = self._ports.all()
        names = self.services(environment)
        return {name: None for name in names if all(door_name(environment, name, door) in held for door in DOORS)}

    def are_open(self, environment: str, services: dict[str, int | None]) -> bool:
        if self._bridges.get(environment) != read_bridges(self._settings.folder).get(environment):
            return False
        return all(
            self._confirmed.get(door) == (port or self._ports.all().get(door, -1))
            for door, port in _doors(environment, services)
        )

    def unconfirm(self) -> None:
        self._confirmed.clear()

    def prepare(self, environment: str, services: dict[str, int | None]) -> None:
        """Allocate what is missing and write the listeners; whatever has no routes yet answers 503."""
        for door, wanted in _doors(environment, services):
            held = self._ports.all().get(door)
            if wanted is not None and wanted != held:
                self._ports.keep({door: self._claim(environment, door, wanted)})
            elif held is None:
                self._allocate(door)
        self._close_new_doors(environment)
        self._write()

    def _allocate(self, door: str) -> None:
        self._ports.keep({door: self._ports.allocate(door)})
        self._fresh.add(door)

    def _close_new_doors(self, environment: str) -> None:
        path = self._folder.routes(environment)
        held = ResourceFile(path).read()
        require_watches(0 if held else 1)
        whole = with_closed_doors(environment, held[0] if held else None, self.services(environment))
        write(self._folder.root, [(path, [whole])])

    async def confirm(self, readback: Readback, environment: str, services: dict[str, int | None]) -> None:
        """Wait until Envoy listens. A port that was taken when Envoy tried and is free by now is tried again."""
        wanted = dict(_doors(environment, services))
        deadline = monotonic() + self._settings.patience.total_seconds()
        while late := await readback.listener_errors(wanted):
            for door, error in late.items():
                port = self._ports.all()[door]
                taken = bool(error) and not self._ports.is_free(port)
                if taken and door in self._fresh and monotonic() < deadline:
                    self._allocate(door)  # another server was quicker
                elif taken or monotonic() > deadline:
                    raise AdapterError(_taken(environment, door, port, error or "no answer in time"))
            if any(late.values()):
                self._write(again=True)
            await asyncio.sleep(0.005)
        await self._confirm_bridge(readback, environment, services, deadline)
        self._confirmed |= {door: self._ports.all()[door] for door in wanted}
        self._fresh -= wanted.keys()

    async def _confirm_bridge(
        self, readback: Readback, environment: str, services: dict[str, int | None], deadline: float
    ) -> None:
        bridge = self._bridges.get(environment)
        if bridge is None:
            return
        wanted = [bridge_door(door_name(environment, service, "mesh"), bridge) for service in services]
        while late := await readback.listener_errors(wanted):
            if monotonic() > deadline:
                door, error = next(iter(late.items()))
                raise AdapterError(
                    f"{environment}: Envoy cannot listen at {bridge.gateway}, where its containers look for "
                    f"{service_of(door)}: {error or 'no answer in time'}. Free that port there"
                )
            await asyncio.sleep(0.005)

    def _claim(self, environment: str, door: str, port: int) -> int:
        other = next((name for name, held in self._ports.all().items() if held == port), None)
        if other is not None:
            raise AdapterError(_taken(environment, door, port, f"it is already the port of {other}"))
        if not self._ports.is_free(port):
            raise AdapterError(
                _taken(environment, door, port, "another process listens there, or the port is privileged")
            )
        return port

    def _write(self, again: bool = False) -> None:
        doors = sorted(self._ports.all().items())
        resources = [listener(self._settings, self._folder, name, _door(name), port) for name, port in doors]
        self._bridges = read_bridges(self._settings.folder)
        for name, port in doors:
            bridge = self._bridges.get(name.rsplit("/", 2)[0])
            if bridge is not None and _door(name) == "mesh":
                resources.append(bridge_listener(self._settings, self._folder, name, port, bridge))
        write(self._folder.root, [(self._folder.listeners, resources)], again)


def _doors(environment: str, services: dict[str, int | None]) -> Iterator[tuple[str, int | None]]:
    for service, port in services.items():
        for door in DOORS:
            yield door_name(environment, service, door), port if door == "public" else None


def _door(name: str) -> Door:
    return next(door for door in DOORS if name.endswith(f"/{door}"))


def _taken(environment: str, door: str, port: int, why: str) -> str:
    return (
        f"{environment}: Envoy cannot listen on port {port}, the {_door(door)} address of {service_of(door)}: {why}. "
        f"Free the port, or give another under `listen` of the environment"
    )
