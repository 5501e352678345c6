"""A real Envoy as the proxy of a Gateway: told by files, and asked whether it does what they say."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path

from headgate.adapters.envoy_admin import EnvoyAdmin, EnvoySettings
from headgate.adapters.traffic.envoy.files import Resource, encode, version, write
from headgate.adapters.traffic.envoy.listeners import Folder, bootstrap, extension, watched
from headgate.adapters.traffic.envoy.process import EnvoyProcess
from headgate.adapters.traffic.envoy.readback import Readback

OWN = "gateway"  # what the names of all clusters begin with
PATIENCE = 5  # seconds
KIND = "type.googleapis.com/envoy.config"
Hosts = Mapping[str, tuple[str, ...]]  # cluster -> sorted host:port


class Proxy:
    def __init__(self, folder: Path) -> None:
        settings = EnvoySettings(folder)
        self._folder = Folder(folder.absolute())
        self._admin = EnvoyAdmin(folder)
        self._process = EnvoyProcess(settings, self._admin, json.dumps(bootstrap(settings, self._folder)))
        self._readback = Readback(self._admin)
        self._lives = False

    async def program(self, hosts: Hosts, ports: Mapping[int, list[Resource]]) -> None:
        """Clusters before routes, and returns when it is so. `ports`: virtual hosts by port of a listener."""
        if not self._lives:
            self._lives = await self._process.ensure()
        if self._write(self._folder.clusters, [_cluster(name, at) for name, at in hosts.items()]):
            await _until(partial(self._has, hosts))
        written = [_routes(port, virtual_hosts) for port, virtual_hosts in ports.items()]
        changed = [made for made in written if self._write(self._folder.routes(made["name"]), [made])]
        self._write(self._folder.listeners, [self._listener(port) for port in ports])
        for made in changed:
            await _until(partial(self._routes_by, made))

    def _write(self, path: Path, resources: list[Resource]) -> bool:
        """False: it says so already."""
        return write(self._folder.root, [(path, resources)])

    async def _has(self, hosts: Hosts) -> bool:
        return await self._readback.clusters(OWN) == dict(hosts)

    async def _routes_by(self, routes: Resource) -> bool:
        late = await self._readback.listener_errors([routes["name"]])
        return not late and await self._readback.routes_version(routes["name"]) == version(encode([routes]))

    def _listener(self, port: int) -> Resource:
        name = f"{OWN}-{port}"
        manager = extension(
            "envoy.filters.network.http_connection_manager",
            "filters.network.http_connection_manager.v3.HttpConnectionManager",
            stat_prefix=name,
            rds={"route_config_name": name, "config_source": watched(self._folder.routes(name))},
            http_filters=[extension("envoy.filters.http.router", "filters.http.router.v3.Router")],
        )
        return {
            "@type": f"{KIND}.listener.v3.Listener",
            "name": name,
            "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
            "filter_chains": [{"filters": [manager]}],
        }

    async def close(self) -> None:
        await self._process.stop()
        await self._admin.close()


def _routes(port: int, virtual_hosts: list[Resource]) -> Resource:
    kind = f"{KIND}.route.v3.RouteConfiguration"
    own = {"@type": kind, "name": f"{OWN}-{port}", "ignore_port_in_host_matching": True}
    return {**own, "virtual_hosts": virtual_hosts}


def _cluster(name: str, hosts: tuple[str, ...]) -> Resource:
    at = [one.rpartition(":") for one in hosts]
    sockets = [{"socket_address": {"address": host, "port_value": int(port)}} for host, _, port in at]
    members = [{"endpoint": {"address": one}} for one in sockets]
    assignment = {"cluster_name": name, "endpoints": [{"lb_endpoints": members}]}
    return {"@type": f"{KIND}.cluster.v3.Cluster", "name": name, "type": "STATIC", "load_assignment": assignment}


async def _until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await holds():
            await asyncio.sleep(0.005)
