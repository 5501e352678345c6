"""Headgate on a whole cluster as a user has it: `headgate serve`, a Gateway that carries requests, and a Prometheus."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from aiohttp import web
from tests.adapters.metrics.prometheus.server import PrometheusServer
from tests.adapters.traffic.gateway_api.stage import written
from tests.faults.docker import site as docker
from tests.kubernetes.cluster import Cluster as RealCluster
from tests.kubernetes.control_plane import free_port
from tests.kubernetes.gateway import CONTROLLER, GatewayController

from headgate.adapters.envoy_admin import EnvoyAdmin
from headgate.adapters.kubernetes.cluster import Cluster
from headgate.adapters.kubernetes.kinds import GATEWAY, GATEWAY_CLASS
from headgate.adapters.kubernetes.login import Access

# The names of RFC 6761 that lead to loopback. Not every machine's resolver knows them, so the server's Python is told.
RESOLVES = """
import socket
found = socket.getaddrinfo
socket.getaddrinfo = lambda host, *more, **named: found(
    "127.0.0.1" if str(host).endswith(".localhost") else host, *more, **named)
"""


class Site(docker.Site):
    """The server and its command line are asked as they are for Docker; what runs is in the cluster."""

    def __init__(self, folder: Path, kubeconfig: Path) -> None:
        self.folder, self.data, self._kubeconfig = folder, folder / "data", kubeconfig
        self._server: subprocess.Popen[bytes] | None = None

    def serve(self) -> None:
        command = [docker.PROGRAM, "serve", "--data", self.data, "--port", "0"]
        (self.folder / "sitecustomize.py").write_text(RESOLVES)
        given = {**os.environ, "KUBECONFIG": str(self._kubeconfig), "PYTHONPATH": str(self.folder)}
        with (self.folder / "server.log").open("ab") as log:
            self._server = subprocess.Popen(command, env=given, stdout=log, stderr=log, start_new_session=True)
        self.until(self._answers, "the server answers")

    def close(self) -> None:
        self._end_all()


class Entry:
    """A Gateway in a namespace, where it is reached, and what counts its requests."""

    def __init__(self, cluster: Cluster, namespace: str, folder: Path) -> None:
        self._cluster, self._namespace, self._folder = cluster, namespace, folder
        self.port, self.name = free_port(), f"{namespace}/pcw"
        self.prometheus = PrometheusServer(folder)  # it takes five seconds until it scrapes
        self._admin = EnvoyAdmin(folder / "envoy")

    async def begin(self, stack: AsyncExitStack) -> None:
        stack.callback(self.prometheus.kill)
        own = self._namespace  # as the class of no other test
        await self._cluster.create(written(GATEWAY_CLASS, None, own, spec={"controllerName": CONTROLLER}))
        stack.push_async_callback(self._cluster.delete, GATEWAY_CLASS, None, own)
        spec = {"gatewayClassName": own, "listeners": [{"name": "http", "port": self.port, "protocol": "HTTP"}]}
        await self._cluster.create(written(GATEWAY, self._namespace, "pcw", spec=spec))
        controller = GatewayController(self._cluster, self._folder / "envoy", str)
        stack.push_async_callback(controller.close)
        controller.start()
        await self._export(stack)

    async def _export(self, stack: AsyncExitStack) -> None:
        """Envoy's admin interface is on a socket that is its owner's alone."""

        async def metrics(request: web.Request) -> web.Response:
            return web.Response(text=await self._admin.text("/stats/prometheus", {"filter": "^cluster\\.gateway"}))

        application = web.Application()
        application.router.add_get("/metrics", metrics)
        runner = web.AppRunner(application)
        stack.push_async_callback(self._admin.close)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", self.prometheus.ports[0]).start()


@asynccontextmanager
async def begun(real: RealCluster, namespace: str, folder: Path) -> AsyncIterator[tuple[Site, Entry]]:
    async with AsyncExitStack() as stack:
        cluster = Cluster(Access(str(real.kubeconfig)))
        stack.push_async_callback(cluster.close)
        for name in ("entry", "site"):
            (folder / name).mkdir()
        entry = Entry(cluster, namespace, folder / "entry")
        await entry.begin(stack)
        site = Site(folder / "site", real.kubeconfig)
        stack.push_async_callback(asyncio.to_thread, site.close)
        await asyncio.to_thread(site.serve)
        yield site, entry
