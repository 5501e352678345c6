"""(d) Headgate's own router alone: `set_routes` returns when Envoy itself says that it does so."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.processes import answering
from benchmarks.switch.raw import OTHER
from benchmarks.switch.subject import Subject
from headgate.adapters.traffic.envoy import EnvoyRouter, EnvoySettings
from headgate.model.ids import EnvironmentId, RevisionId
from headgate.model.routes import Backend, Routes

ENVIRONMENT = EnvironmentId("benchmark/production")


@asynccontextmanager
async def set_routes(folder: Path, ports: dict[str, int]) -> AsyncIterator[Subject]:
    envoy = EnvoyRouter(EnvoySettings(folder=folder / "envoy"))

    async def switch(version: str) -> None:
        shares = (_backend(version, 100, ports), _backend(OTHER[version], 0, ports))
        await envoy.set_routes(Routes(ENVIRONMENT, shares, preview=shares[0].revision))

    try:
        addresses = await envoy.addresses(ENVIRONMENT, {"web": None})
        port = int(addresses["web"].public.rpartition(":")[2])
        await switch("a")
        await answering(port, version="a")
        yield Subject("Headgate, EnvoyRouter.set_routes", port, switch)
    finally:
        await envoy.close(stop=True)


def _backend(version: str, weight: int, ports: dict[str, int]) -> Backend:
    return Backend(RevisionId(f"rev_{version}"), weight, {"web": (f"127.0.0.1:{ports[version]}",)})
