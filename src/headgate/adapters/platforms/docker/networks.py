"""One network for each environment: its containers reach Envoy and the world, and not each other."""

import asyncio
from typing import Any

from headgate.adapters.docker_engine import DockerEngine, EngineRefused
from headgate.adapters.platforms.docker.containers import SERVER, Network, scope
from headgate.model.ids import EnvironmentId
from headgate.ports import AdapterError


class Networks:
    def __init__(self, engine: DockerEngine, server: str) -> None:
        self._engine, self._server = engine, server
        self._making = asyncio.Lock()  # the engine makes two of the same name where it is asked twice at once

    async def ensure(self, environment: EnvironmentId) -> Network:
        name = scope(self._server, environment)
        async with self._making:
            found = await self._find(name)
            if found is None:
                await self._make(name)
                found = await self._find(name)
        if found is None:
            raise AdapterError(f"{environment}: the Docker network {name} vanished as soon as it was made; look again")
        return found

    async def find(self, environment: EnvironmentId) -> Network | None:
        return await self._find(scope(self._server, environment))

    async def remove(self, environment: EnvironmentId) -> None:
        """Left where someone else's container stands in it."""
        await self._engine.json("DELETE", f"/networks/{scope(self._server, environment)}", accept=(403, 404, 409))

    async def _find(self, name: str) -> Network | None:
        found = await self._engine.json("GET", f"/networks/{name}", accept=(404,))
        if "Id" not in found:
            return None
        if (found.get("Labels") or {}).get(SERVER) != self._server:
            raise AdapterError(f"The Docker network {name} is not Headgate's: remove it (docker network rm {name})")
        return _understood(name, found)

    async def _make(self, name: str) -> None:
        wanted = {
            "Name": name,
            "Driver": "bridge",
            "CheckDuplicate": True,
            "Labels": {SERVER: self._server},
            # A container that could reach another directly would go around the weights.
            "Options": {"com.docker.network.bridge.enable_icc": "false"},
        }
        try:
            await self._engine.json("POST", "/networks/create", body=wanted)
        except EngineRefused as error:
            if error.status != 409:
                raise AdapterError(
                    f"{error}. Each environment has a network: remove unused ones (docker network prune), "
                    "or widen default-address-pools of the engine"
                ) from error


def _understood(name: str, found: dict[str, Any]) -> Network:
    ranges = [one for one in found["IPAM"]["Config"] or [] if "." in one.get("Gateway", "")]
    if not ranges:
        raise AdapterError(f"The Docker network {name} has no IPv4 gateway: remove it (docker network rm {name})")
    return Network(name, ranges[0]["Gateway"].partition("/")[0], ranges[0]["Subnet"])
