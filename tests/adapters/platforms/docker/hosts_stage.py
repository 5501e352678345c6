"""A docker platform on machines of its own, with the same image on each of them."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.adapters.platforms.docker.hosts import TestHost
from tests.adapters.platforms.docker.images import make
from tests.adapters.platforms.docker.stage import DockerStage

from headgate.adapters.docker_engine import DockerEngine
from headgate.adapters.platforms.docker import DockerPlatform
from headgate.adapters.platforms.docker.containers import SERVER
from headgate.model.ids import EnvironmentId
from headgate.model.observations import Instance
from headgate.model.rules import ContainerHost, Environment
from headgate.testing.contracts.platform import PRODUCTION

QUICK = {"grace": timedelta(seconds=2), "first_retry": timedelta(seconds=0.4)}


class HostsStage(DockerStage):
    def __init__(self, folder: Path, hosts: list[TestHost], config: Path, **settings: Any) -> None:
        super().__init__(folder, ssh_config=config, **{**QUICK, **settings})
        self.machines = hosts
        self.named = [ContainerHost(host.engine, host.address) for host in hosts]
        self.server = hosts[0].server
        self.engines = {host.address: DockerEngine(host.socket) for host in hosts}
        self.platform = self.made()

    def made(self) -> DockerPlatform:
        return DockerPlatform(self.settings, login=self.login, rules=self.rules)

    def rules(self, environment: EnvironmentId) -> Environment:
        return Environment(environment.partition("/")[2], "docker", tuple(self.named), self.server)

    async def imaged(self) -> "HostsStage":
        """The very same everywhere, as from a registry: importing it twice would give two."""
        first = self.engine
        self.image = await make(first)
        made = (await first.json("GET", f"/images/{self.image}/json"))["Id"]
        for engine in self.engines.values():
            if (await engine.json("GET", f"/images/{self.image}/json", accept=(404,))).get("Id") != made:
                async with first.open("GET", f"/images/{self.image}/get") as saved:
                    content = await saved.read()
                async with engine.open("POST", "/images/load", content=content) as loaded:
                    await loaded.read()
        return self

    async def restart(self) -> None:
        await self.platform.close()
        self.platform = self.made()

    async def kill(self, instance: Instance) -> None:
        engine = self.engines[instance.address.partition(":")[0]]
        await engine.json("POST", f"/containers/{self.name(instance.id)}/kill", {"signal": "SIGKILL"})

    async def spread(self) -> Counter[str]:
        """How many are where."""
        return Counter(one.address.partition(":")[0] for one in await self.platform.observe(PRODUCTION))

    async def containers(self) -> Counter[str]:
        """How many of production run where, as the engines themselves say."""
        found: Counter[str] = Counter()
        for address, engine in self.engines.items():
            label = {"label": [f"{SERVER}={self.platform.server}", "headgate.environment=production"]}
            found[address] = len(await engine.json("GET", "/containers/json", {"filters": json.dumps(label)}))
        return +found

    async def until(self, **wanted: int) -> None:
        """So many containers are on the machines: one=2, two=0."""
        addresses = dict(zip(("one", "two"), self.engines, strict=True))
        expected = +Counter({addresses[name]: count for name, count in wanted.items()})
        async with asyncio.timeout(20):
            while await self.containers() != expected:
                await asyncio.sleep(0.05)

    async def clear(self) -> None:
        local = self.engine
        try:
            for engine in [local, *self.engines.values()]:
                self.engine = engine
                await self.sweep()
        finally:
            self.engine = local
            await self.platform.close()
            for engine in [*self.engines.values(), local]:
                with suppress(OSError):
                    await engine.close()


@asynccontextmanager
async def spread_over(folder: Path, hosts: list[TestHost], config: Path, **settings: Any) -> AsyncIterator[HostsStage]:
    made = await HostsStage(folder, hosts, config, **settings).imaged()
    try:
        yield made
    finally:
        await made.clear()
