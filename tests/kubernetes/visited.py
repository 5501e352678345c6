"""A stage for the contract of routers: a cluster with a Gateway that carries requests, its platform, and visitors.

Pods are small web servers at loopback addresses; the API knows them by others (see `translation.reached`).
"""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web
from tests.adapters.kubernetes.slices import SliceMaker
from tests.adapters.traffic.envoy.stage import free_port
from tests.adapters.traffic.gateway_api.stage import endpoints_of, written
from tests.kubernetes.gateway import CONTROLLER, GatewayController
from tests.kubernetes.translation import reached

from headgate.adapters.kubernetes.behind import OF_SERVICE, ready_addresses
from headgate.adapters.kubernetes.cluster import MERGE, Cluster, Object
from headgate.adapters.kubernetes.kinds import ENDPOINT_SLICE, GATEWAY, GATEWAY_CLASS
from headgate.adapters.kubernetes.kinds import SERVICE as SERVICES
from headgate.adapters.kubernetes.login import Access
from headgate.adapters.kubernetes.names import labels, pods_of, workload_name
from headgate.adapters.traffic.gateway_api.router import GatewayRouter
from headgate.model.clusters import ClusterRules
from headgate.model.entrances import Entrance
from headgate.model.ids import EnvironmentId, RevisionId
from headgate.model.routes import Address, Routes, RoutesSeen
from headgate.model.rules import Environment, Strategy
from headgate.testing.contracts.traffic import PRODUCTION, STAGING, Answer

NUMBERS = count()
NETWORK = f"{192 + os.getpid() % 60}.{os.getpid() // 60 % 250}"  # nobody else's who tests at the same time
PORT = 8000
SERVED = ("web", "quotes")


class Platform:
    """Makes of a revision's service what the router counts on, with the instances that are ready now."""

    def __init__(self, cluster: Cluster, namespaces: Mapping[EnvironmentId, str]) -> None:
        self._cluster, self._namespaces = cluster, namespaces
        self._known: dict[tuple[EnvironmentId, str], tuple[str, ...]] = {}

    async def runs(self, routes: Routes) -> None:
        for backend in routes.backends:
            for service, addresses in backend.endpoints.items():
                await self._run(routes.environment, service, backend.revision, addresses)

    async def _run(
        self, environment: EnvironmentId, service: str, revision: RevisionId, addresses: tuple[str, ...]
    ) -> None:
        name, namespace = workload_name(service, revision), self._namespaces[environment]
        known = self._known.get((environment, name))
        if known == addresses:
            return
        self._known[environment, name] = addresses
        ends = {"endpoints": endpoints_of(addresses)}
        if known is not None:
            path = ENDPOINT_SLICE.path(namespace, name)
            await self._cluster.json("PATCH", path, "run it", {"fieldManager": "platform"}, ends, MERGE)
            return
        own, ports = labels(environment, service, revision), [{"name": "http", "port": PORT, "protocol": "TCP"}]
        spec = {"selector": pods_of(environment, service, revision), "ports": ports}
        await self._cluster.create(written(SERVICES, namespace, name, own, spec=spec))
        parts = {"addressType": "IPv4", "ports": ports, **ends}
        await self._cluster.create(written(ENDPOINT_SLICE, namespace, name, {**own, OF_SERVICE: name}, **parts))


@dataclass
class Served:
    """The router under test, behind a platform that has done its part before routes are set."""

    router: GatewayRouter
    platform: Platform
    carries: Callable[[], Awaitable[None]]

    async def addresses(self, environment: EnvironmentId, services: dict[str, int | None]) -> dict[str, Address]:
        return await self.router.addresses(environment, services)

    async def unable(self, environment: EnvironmentId, rules: Environment) -> Sequence[str]:
        return await self.router.unable(environment, rules)

    async def set_routes(self, routes: Routes) -> None:
        await self.carries()
        await self.platform.runs(routes)
        await self.router.set_routes(routes)

    async def observe(self, environment: EnvironmentId) -> RoutesSeen:
        return await self.router.observe(environment)


class GatewayStage:
    def __init__(self, kubeconfig: Path, folder: Path, namespaces: Mapping[EnvironmentId, str], name: str) -> None:
        self._kubeconfig, self._namespaces, self._name = kubeconfig, namespaces, name
        self.cluster = Cluster(Access(str(kubeconfig)))
        self.controller = GatewayController(self.cluster, folder / "envoy")
        self._slices = [SliceMaker(self.cluster, one) for one in namespaces.values()]
        self._platform, self._instances = Platform(self.cluster, namespaces), list[web.AppRunner]()
        self._working = False
        self._client = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        self.router = self._new_router()

    def _new_router(self) -> Served:
        known = {one: self.rules(one) for one in self._namespaces}
        return Served(GatewayRouter(known.get, lambda name: None), self._platform, self.carries)

    def rules(self, environment: EnvironmentId) -> Environment:
        """Each service has a hostname, and its preview one."""
        name = environment.partition("/")[2]
        hostnames = {one: (f"{one}.{name}.test",) for one in SERVED}
        previews = {one: f"preview.{one}.{name}.test" for one in SERVED}
        gateway = f"{self._namespaces[PRODUCTION]}/{self._name}"
        where = ClusterRules(kubeconfig=str(self._kubeconfig), namespace=self._namespaces[environment])
        entrance = Entrance(gateway, "", "", hostnames, previews)
        return Environment(name, "kubernetes", cluster=where, entrance=entrance, strategy=Strategy("canary"))

    async def begin(self) -> None:
        await self.cluster.create(written(GATEWAY_CLASS, None, self._name, spec={"controllerName": CONTROLLER}))
        listener = {"name": "http", "port": free_port(), "protocol": "HTTP"}
        open_to_all = {**listener, "allowedRoutes": {"namespaces": {"from": "All"}}}
        spec = {"gatewayClassName": self._name, "listeners": [open_to_all]}
        await self.cluster.create(written(GATEWAY, self._namespaces[PRODUCTION], self._name, spec=spec))

    async def carries(self) -> None:
        """The Gateway is at work; a test that asks for no more than an address need not wait for an Envoy."""
        if self._working:
            return
        self._working = True
        for one in (self.controller, *self._slices):
            one.start()
        async with asyncio.timeout(20):
            while not (await self._gateway()).get("status"):
                await asyncio.sleep(0.02)

    async def _gateway(self) -> Object:
        found = await self.cluster.get(GATEWAY, self._namespaces[PRODUCTION], self._name)
        assert found is not None
        return found

    async def instance(self, name: str, takes: timedelta = timedelta(0)) -> str:
        async def answer(request: web.Request) -> web.Response:
            await asyncio.sleep(takes.total_seconds())
            received = {key.lower(): ",".join(request.headers.getall(key)) for key in request.headers}
            return web.json_response({"by": name, "received": received})

        application = web.Application()
        application.router.add_route("*", "/{rest:.*}", answer)
        runner = web.AppRunner(application, shutdown_timeout=1)
        await runner.setup()
        address = f"10.{NETWORK}.{next(NUMBERS) % 250 + 1}:{PORT}"
        host, _, port = reached(address).partition(":")
        await web.TCPSite(runner, host, int(port)).start()
        self._instances.append(runner)
        return address

    async def ask(
        self, url: str, headers: Mapping[str, str] | None = None, cookies: Mapping[str, str] | None = None
    ) -> Answer:
        await self.carries()
        to = urlsplit(url)
        at = await self._service(to.hostname or "") if (to.hostname or "").endswith(".svc") else f"127.0.0.1:{to.port}"
        if not at:
            return Answer(0)
        sent = {**(headers or {}), "Host": to.netloc}
        if cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        async with self._client.get(f"http://{at}/", headers=sent) as answer:
            text = await answer.text()
            body = await answer.json() if answer.content_type == "application/json" else {}
            cookies_set = {name: one.value for name, one in answer.cookies.items()}
        return Answer(answer.status, body.get("by", ""), cookies_set, body.get("received", {}), text)

    async def _service(self, host: str) -> str:
        """As kube-proxy leads there: to any that is ready. Empty: it refuses the connection."""
        name, namespace, _ = host.split(".")
        slices, _ = await self.cluster.list(ENDPOINT_SLICE, namespace, {OF_SERVICE: name})
        ready = sorted(ready_addresses(slices).get(name, ()))
        return reached(random.choice(ready)) if ready else ""

    async def restart(self) -> None:
        await self.router.router.close()
        self.router = self._new_router()

    def free_port(self) -> int:
        return free_port()

    async def close(self) -> None:
        await self._client.close()
        await self.router.router.close()
        await asyncio.gather(self.controller.close(), *(one.close() for one in self._slices))
        await asyncio.gather(*(one.cleanup() for one in self._instances))
        await self.cluster.delete(GATEWAY_CLASS, None, self._name)
        await self.cluster.close()


@asynccontextmanager
async def visited(
    kubeconfig: Path, folder: Path, production: str, staging: str, name: str = "public"
) -> AsyncIterator[GatewayStage]:
    made = GatewayStage(kubeconfig, folder, {PRODUCTION: production, STAGING: staging}, name)
    try:
        await made.begin()
        yield made
    finally:
        await made.close()
