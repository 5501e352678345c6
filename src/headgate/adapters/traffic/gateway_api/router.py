"""Traffic through a Gateway that others run: the HTTPRoutes are ours, its controller says when they are so."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial

from headgate.adapters.kubernetes.behind import Endpoints
from headgate.adapters.kubernetes.cluster import Clusters
from headgate.adapters.kubernetes.login import Access
from headgate.adapters.kubernetes.names import namespace_of, preview_name, stable_name
from headgate.adapters.kubernetes.shifting import (
    PREVIEW,
    STABLE,
    check,
    check_asked,
    late,
    leading,
    without_endpoints,
)
from headgate.adapters.traffic.gateway_api.able import listener, unable
from headgate.adapters.traffic.gateway_api.place import Place
from headgate.adapters.traffic.gateway_api.readback import routes_of
from headgate.adapters.traffic.gateway_api.rendering import preview_route, public_route
from headgate.adapters.traffic.gateway_api.standing import Standing
from headgate.model.entrances import Entrance
from headgate.model.ids import EnvironmentId, RevisionId
from headgate.model.routes import Address, Routes, RoutesSeen
from headgate.model.rules import Environment
from headgate.ports import AdapterError

PATIENCE = timedelta(seconds=9)  # until Services lead where they should, and again until the controller has answered


class GatewayRouter:
    def __init__(
        self,
        rules: Callable[[EnvironmentId], Environment | None],
        changed: Callable[[str], None],
        patience: timedelta = PATIENCE,
    ) -> None:
        self._rules, self._changed, self._patience = rules, changed, patience
        self._clusters = Clusters()
        self._places: dict[tuple[EnvironmentId, Access, str, str], Place] = {}

    async def addresses(self, environment: EnvironmentId, services: dict[str, int | None]) -> dict[str, Address]:
        """At the Gateway's listener where the file has a hostname; else at our Services, within the cluster alone."""
        check_asked(services)
        entrance, place = self._at(environment)
        scheme, port = listener(await place.its_gateway(), entrance.section)
        found: dict[str, Address] = {}
        for service in services:
            inside, preview = await self._inside(place, stable_name(service)), entrance.previews.get(service)
            public = next((f"{scheme}://{name}{port}" for name in entrance.hostnames.get(service, ())), inside)
            within = await self._inside(place, preview_name(service))
            found[service] = Address(public, inside, f"{scheme}://{preview}{port}" if preview else within)
        return found

    async def unable(self, environment: EnvironmentId, rules: Environment) -> Sequence[str]:
        """What the rules ask for and the implementation lacks. Raises AdapterError where that is not known."""
        entrance, place = self._of(environment, rules)
        listener(await place.its_gateway(), entrance.section)
        return list(unable(rules.strategy.sticky, *await place.controller()))

    async def set_routes(self, routes: Routes) -> None:
        check(routes)
        entrance, place = self._at(routes.environment)
        for why in unable(routes.sticky, *await place.controller()):
            raise AdapterError(f"{place.cluster}: {why}")

        async def behind() -> Standing:
            return Standing(tuple(late(routes, await place.behind.endpoints())))

        async with place.changing:
            await place.until(behind, self._patience)
            await self._write(place, entrance, routes)
            await place.until(partial(self._standing, place, routes), self._patience)

    async def observe(self, environment: EnvironmentId) -> RoutesSeen:
        """Requests in flight are the Gateway's to know. What it does not do yet is shown without endpoints."""
        _, place = self._at(environment)
        held = await place.public_routes()
        if not held:
            return RoutesSeen(None)
        endpoints = await place.behind.endpoints()
        services = {service for one in endpoints.values() for service in one}
        previews = [(await place.behind.led_to(preview_name(one)))[0] for one in sorted(services)]
        routes = routes_of(environment, held, endpoints, next((one for one in previews if one), None))
        led = [(one, leading(routes, one)) for one in services]
        astray = [one for one, to in led if to and await place.behind.astray(one, to)]
        is_set = not astray and (await place.standing()).is_set
        return RoutesSeen(routes if is_set else without_endpoints(routes))

    async def close(self, stop: bool = False) -> None:
        """The routes stay: the Gateway goes on without us."""
        await asyncio.gather(*(place.close() for place in self._places.values()))
        self._places.clear()
        await self._clusters.close()

    async def _write(self, place: Place, entrance: Entrance, routes: Routes) -> None:
        """Services first: before a route names one, it leads somewhere."""
        endpoints = await place.behind.endpoints()
        having = [(one, rev) for rev, services in endpoints.items() if routes.names(rev) for one in services]
        ports = {(service, rev): await place.behind.port(service, rev) for service, rev in having}
        for service, name, role, to in _leads(routes, endpoints):
            await place.behind.lead(service, name, role, to)
        written = [preview_route(routes, entrance, place.namespace, one, ports) for one in entrance.previews]
        written += [public_route(routes, entrance, place.namespace, one, ports) for one in entrance.hostnames]
        for route in written:
            await place.apply(route)

    async def _standing(self, place: Place, routes: Routes) -> Standing:
        """Neither the Gateway nor other services shall meet who answered before."""
        standing = await place.standing()
        for service, name, _, to in _leads(routes, await place.behind.endpoints()):
            if not await place.behind.has_followed(service, name, to):
                standing += Standing((f"the Service {name} does not lead to {to or 'nobody'} yet",))
        return standing

    async def _inside(self, place: Place, name: str) -> str:
        _, port = await place.behind.led_to(name)
        return f"http://{name}.{place.namespace}.svc" + (f":{port}" if port not in (0, 80) else "")

    def _at(self, environment: EnvironmentId) -> tuple[Entrance, Place]:
        rules = self._rules(environment)
        if rules is None:
            raise AdapterError(f"{environment} is in no applied file: its Gateway is not known")
        return self._of(environment, rules)

    def _of(self, environment: EnvironmentId, rules: Environment) -> tuple[Entrance, Place]:
        entrance = rules.entrance
        if entrance is None or not entrance.gateway:
            raise AdapterError(f"{environment} names no Gateway: write `gateway` below `traffic: gateway_api:`")
        access = Access(rules.cluster.kubeconfig, rules.cluster.context)
        namespace = rules.cluster.namespace or namespace_of(environment)
        where = (environment, access, namespace, entrance.gateway)
        if where not in self._places:
            cluster = self._clusters.of(access)
            self._places[where] = Place(cluster, environment, namespace, entrance.gateway, self._changed)
        return entrance, self._places[where]


def _leads(routes: Routes, endpoints: Endpoints) -> Iterator[tuple[str, str, str, RevisionId | None]]:
    """Our own Services: of which service, name, role, and the revision that it is to lead to."""
    for service in sorted({one for services in endpoints.values() for one in services}):
        shown = routes.preview if routes.preview and service in endpoints.get(routes.preview, {}) else None
        yield service, stable_name(service), STABLE, leading(routes, service)
        yield service, preview_name(service), PREVIEW, shown
