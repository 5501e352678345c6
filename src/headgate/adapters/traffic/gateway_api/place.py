"""One environment as its cluster shows it: its HTTPRoutes and their Gateway, kept current by watches."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from headgate.adapters.kubernetes.behind import Behind
from headgate.adapters.kubernetes.cluster import Cluster, Object
from headgate.adapters.kubernetes.kinds import GATEWAY, GATEWAY_CLASS, HTTP_ROUTE
from headgate.adapters.kubernetes.names import ROLE, environment_labels, selector
from headgate.adapters.kubernetes.ours import apply_ours
from headgate.adapters.kubernetes.shifting import STABLE
from headgate.adapters.kubernetes.watching import Mirror, Selection
from headgate.adapters.traffic.gateway_api.standing import Standing, of_gateway, of_route
from headgate.model.ids import EnvironmentId
from headgate.ports import AdapterError


class Place:
    def __init__(
        self,
        cluster: Cluster,
        environment: EnvironmentId,
        namespace: str,
        gateway: str,
        changed: Callable[[str], None],
    ) -> None:
        self.cluster, self.environment, self.namespace, self.gateway = cluster, environment, namespace, gateway
        self.changing = asyncio.Lock()
        self._changed, self._moved = changed, asyncio.Event()
        self.behind = Behind(cluster, environment, namespace, self._tell)
        where, _, name = gateway.partition("/")
        ours = Selection(HTTP_ROUTE, namespace, selector(environment_labels(environment)))
        theirs = Selection(GATEWAY, where, fields=f"metadata.name={name}")
        self._routes, self._gateways = (
            Mirror(cluster, one, lambda change, object: self._tell(), sight=self._tell) for one in (ours, theirs)
        )

    async def public_routes(self) -> list[Object]:
        found = (await self._routes.current()).values()
        return [one for one in found if one["metadata"]["labels"].get(ROLE) == STABLE]

    async def its_gateway(self) -> Object:
        where, _, name = self.gateway.partition("/")
        found = (await self._gateways.current()).get((where, name))
        if found is None:
            raise AdapterError(f"{self.cluster}: there is no Gateway {self.gateway}; make it, or correct `gateway`")
        return found

    async def controller(self) -> tuple[str, set[str]]:
        """Who carries out what the Gateway's class stands for, and the features that it declares."""
        name = (await self.its_gateway())["spec"].get("gatewayClassName", "")
        found = await self.cluster.get(GATEWAY_CLASS, None, name)
        if found is None:
            raise AdapterError(f"{self.cluster}: Gateway {self.gateway} is of class {name}, and there is no such class")
        declared = (found.get("status") or {}).get("supportedFeatures") or []
        features = {str(one.get("name")) if isinstance(one, dict) else str(one) for one in declared}
        return str(found["spec"].get("controllerName", "")), features

    async def standing(self) -> Standing:
        standing = of_gateway(await self.its_gateway())
        for route in (await self._routes.current()).values():
            standing += of_route(route)
        return standing

    async def apply(self, route: Object) -> None:
        known = (await self._routes.current()).get((self.namespace, route["metadata"]["name"]))
        self._routes.put(await apply_ours(self.cluster, route, known))

    async def until(self, look: Callable[[], Awaitable[Standing]], patience: timedelta) -> None:
        """Looks when a watch tells of something, not again and again. Raises AdapterError: refused, or late."""
        ends = asyncio.get_running_loop().time() + patience.total_seconds()
        while True:
            self._moved.clear()
            standing = await look()
            if standing.refused:
                raise AdapterError(f"{self.cluster}: {'; '.join(standing.refused[:3])}")
            if not standing.awaited:
                return
            try:
                async with asyncio.timeout_at(ends):
                    await self._moved.wait()
            except TimeoutError:
                late = "; ".join(standing.awaited[:3])
                raise AdapterError(f"{self.cluster}: after {patience.total_seconds():g} s {late}") from None

    def _tell(self) -> None:
        self._moved.set()
        if not self.changing.locked():  # else it is our own doing
            self._changed(self.environment)

    async def close(self) -> None:
        await asyncio.gather(self._routes.close(), self._gateways.close(), self.behind.close())
