"""The traffic router on Envoy: files in, read-back out."""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from time import monotonic

from headgate.adapters.envoy_admin import (
    EnvoyAdmin,
    EnvoySettings,
    EnvoyUnreachable,
    check_environment,
    check_revision,
    check_service,
    owner,
)
from headgate.adapters.traffic.envoy.clusters import clusters, endpoints, hosts
from headgate.adapters.traffic.envoy.doors import Doors
from headgate.adapters.traffic.envoy.end import End
from headgate.adapters.traffic.envoy.files import Resource, ResourceFile, encode, version, write
from headgate.adapters.traffic.envoy.listeners import Folder, bootstrap
from headgate.adapters.traffic.envoy.process import EnvoyProcess
from headgate.adapters.traffic.envoy.readback import Readback, endpoints_of, routes_of
from headgate.adapters.traffic.envoy.routing import route_configuration
from headgate.adapters.traffic.envoy.watches import require_watches
from headgate.model.ids import EnvironmentId, RevisionId
from headgate.model.routes import Address, Backend, Routes, RoutesSeen
from headgate.ports import AdapterError

_LINGER = 2.0  # seconds that a cluster stays after the last route to it: worker threads follow a moment later


class EnvoyRouter:
    """One Envoy for each data folder. It goes on serving when this object, or its process, is gone."""

    def __init__(self, settings: EnvoySettings, changed: Callable[[EnvironmentId], None] | None = None) -> None:
        """`changed` is told, for each environment, when Envoy has died."""
        self._settings = settings
        self._changed = changed
        self._folder = Folder(settings.folder.absolute())
        self._admin = EnvoyAdmin(settings.folder)
        self._process = EnvoyProcess(settings, self._admin, json.dumps(bootstrap(settings, self._folder), indent=1))
        self._readback = Readback(self._admin)
        self._doors = Doors(settings, self._folder)
        self._changing: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)  # by environment
        self._changes: Counter[str] = Counter()
        self._unused: dict[str, float] = {}  # cluster -> monotonic seconds when no route named it first
        self._end = End(self._ended)

    async def addresses(self, environment: EnvironmentId, services: dict[str, int | None]) -> dict[str, Address]:
        check_environment(environment)
        for service in services:
            check_service(service)
        await self._open_doors(environment, services)
        return {service: self._doors.address(environment, service) for service in services}

    async def set_routes(self, routes: Routes) -> None:
        check(routes)
        async with self._changing[routes.environment]:
            self._changes[routes.environment] += 1
            await self._ensure()
            await self._open_doors(
                routes.environment, {name: None for one in routes.backends for name in one.endpoints}
            )
            changed = self._write_clusters(routes)
            if changed:
                await self._wait(lambda: self._cold_clusters(routes), "clusters")
            wanted = self._expected(routes)
            write(self._folder.root, [(self._folder.routes(routes.environment), wanted)])
            await self._wait(lambda: self._late_routes(routes.environment, version(encode(wanted))), "routes")
            if not changed:
                await self._wait(lambda: self._cold_clusters(routes), "clusters")

    async def observe(self, environment: EnvironmentId) -> RoutesSeen:
        check_environment(environment)
        try:
            seen = await self._look(environment)
        except EnvoyUnreachable:
            await self._ensure()
            seen = await self._look(environment)
        # Routes behind a port that someone took while Envoy was away serve nobody, however right they are.
        await self._open_doors(environment, self._doors.known(environment))
        if not self._end.awaited and (pid := owner(self._admin.socket)):
            self._end.wait_for(pid)
        return seen

    async def _look(self, environment: EnvironmentId) -> RoutesSeen:
        changes = self._changes[environment]
        configuration, seen_version = await self._readback.route_configuration(environment)
        present = await self._readback.clusters(environment)
        active = await self._readback.active(environment)
        routes = routes_of(environment, configuration, endpoints_of(present))
        if routes is not None:
            if changes == self._changes[environment] and not self._changing[environment].locked():
                self._sweep(routes, set(present), active)
            if seen_version != version(encode(self._expected(routes))):
                routes = without_endpoints(routes)
        return RoutesSeen(routes, _by_revision(active))

    async def close(self, stop: bool = False) -> None:
        """Let go of Envoy; with `stop`, end it too."""
        self._end.forget()
        if stop:
            await self._process.stop()
            self._admin.socket.unlink(missing_ok=True)  # beside the data folder where that path is too long
        await self._admin.close()

    def _ended(self) -> None:
        if self._changed is not None:
            for environment in self._doors.environments():
                self._changed(environment)

    async def _ensure(self) -> None:
        if await self._process.ensure():
            self._doors.unconfirm()

    async def _open_doors(self, environment: EnvironmentId, services: dict[str, int | None]) -> None:
        if self._doors.are_open(environment, services):
            return
        self._doors.prepare(environment, services)
        await self._ensure()
        await self._doors.confirm(self._readback, environment, services)

    def _write_clusters(self, routes: Routes) -> bool:
        """True where something changed. Endpoints first, so that a new cluster finds its file.

        The file is shared by all environments: read, changed and written without giving way to another task.
        """
        held = {one["name"]: one for one in ResourceFile(self._folder.clusters).read()}
        every = held | clusters(routes, self._folder)
        require_watches(len([name for name in every if name.endswith("/live") and name not in held]))
        contents = [(self._folder.endpoints(name), [one]) for name, one in endpoints(routes).items()]
        contents.append((self._folder.clusters, [every[name] for name in sorted(every)]))
        return write(self._folder.root, contents)

    def _expected(self, routes: Routes) -> list[Resource]:
        services = self._doors.services(routes.environment)
        return [route_configuration(routes, services, self._settings.silence)]

    async def _cold_clusters(self, routes: Routes) -> list[str]:
        seen = await self._readback.clusters(routes.environment)
        return [name for name, wanted in hosts(routes).items() if seen.get(name) != wanted]

    async def _late_routes(self, environment: EnvironmentId, wanted: str) -> list[str]:
        return [] if await self._readback.routes_version(environment) == wanted else [environment]

    async def _wait(self, late: Callable[[], Awaitable[list[str]]], what: str) -> None:
        """Ask every millisecond first, then more and more seldom."""
        deadline = monotonic() + self._settings.patience.total_seconds()
        pause = 0.001
        while left := await late():
            if monotonic() > deadline:
                raise AdapterError(
                    f"Envoy did not take over its new {what} within {self._settings.patience.total_seconds():g} s: "
                    f"{', '.join(left[:5])}. {self._process.last_words()}"
                )
            await asyncio.sleep(pause)
            pause = min(pause * 1.3, 0.05)

    def _sweep(self, routes: Routes, present: set[str], active: dict[tuple[str, str, str], int]) -> None:
        """Remove clusters that no route has named for a while and that answer nobody."""
        named = {one.revision for one in routes.backends}
        unused = {name for name in present if name.split("/")[3] not in named}
        now = monotonic()
        others = {name: at for name, at in self._unused.items() if not name.startswith(f"{routes.environment}/")}
        first = {name: self._unused.get(name, now) for name in unused}
        gone = {name for name in unused if now - first[name] > _LINGER and not active.get(_key(name))}
        self._unused = others | {name: at for name, at in first.items() if name not in gone}
        if gone:
            self._remove(gone)

    def _remove(self, gone: set[str]) -> None:
        kept = [one for one in ResourceFile(self._folder.clusters).read() if one["name"] not in gone]
        write(self._folder.root, [(self._folder.clusters, kept)])
        for name in gone:
            endpoint, _, side = name.rpartition("/")
            if side == "live":
                self._folder.endpoints(endpoint).unlink(missing_ok=True)


def without_endpoints(routes: Routes) -> Routes:
    """What Envoy does is not all of what these routes mean: nobody shall take them for set."""
    bare = tuple(Backend(one.revision, one.weight, {}) for one in routes.backends)
    return Routes(routes.environment, bare, routes.preview, routes.sticky, routes.audience)


def _key(cluster: str) -> tuple[str, str, str]:
    _, _, service, revision, side = cluster.split("/")
    return service, revision, side


def _by_revision(active: dict[tuple[str, str, str], int]) -> dict[RevisionId, int]:
    found: dict[RevisionId, int] = {}
    for (_, revision, _), count in active.items():
        found[RevisionId(revision)] = found.get(RevisionId(revision), 0) + count
    return found


def check(routes: Routes) -> None:
    """What cannot be routed is refused before anything is written."""
    check_environment(routes.environment)
    for backend in routes.backends:
        check_revision(backend.revision)
        for service in backend.endpoints:
            check_service(service)
    # All 0 is whole too: a first release is previewed before it serves, and after its abort nobody serves.
    if sum(b.weight for b in routes.backends) not in (0, 100) or any(b.weight < 0 for b in routes.backends):
        shares = ", ".join(f"{b.revision} {b.weight}" for b in routes.backends)
        raise AdapterError(f"Envoy: the weights of {routes.environment} sum neither to 100 nor to 0: {shares}")
    if routes.preview is not None and not routes.names(routes.preview):
        raise AdapterError(
            f"Envoy: {routes.environment} is to preview {routes.preview}, which is not among its backends"
        )
    if routes.audience is not None and not routes.audience.headers:
        raise AdapterError(f"Envoy: the audience of {routes.environment} names no header, so everyone would be in it")
