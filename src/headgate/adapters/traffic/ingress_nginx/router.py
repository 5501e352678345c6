"""Traffic by canary annotations, for clusters without Gateway API. What the API holds is all that can be read back."""

import asyncio
from collections.abc import Callable, Sequence

from headgate.adapters.kubernetes.behind import Behind
from headgate.adapters.kubernetes.cluster import Cluster, Clusters
from headgate.adapters.kubernetes.kinds import INGRESS, INGRESS_CLASS
from headgate.adapters.kubernetes.login import Access
from headgate.adapters.kubernetes.names import (
    environment_labels,
    namespace_of,
    preview_name,
    selector,
    stable_name,
    workload_name,
)
from headgate.adapters.kubernetes.ours import apply_ours
from headgate.adapters.kubernetes.shifting import (
    CANDIDATE,
    PREVIEW,
    STABLE,
    check,
    check_asked,
    late,
    leading,
    without_endpoints,
)
from headgate.adapters.kubernetes.watching import Mirror, Selection
from headgate.adapters.traffic.ingress_nginx.able import CONTROLLER, unable
from headgate.adapters.traffic.ingress_nginx.readback import routes_of
from headgate.adapters.traffic.ingress_nginx.rendering import canary_annotations, ingress, order, sides
from headgate.model.entrances import Entrance
from headgate.model.ids import EnvironmentId
from headgate.model.routes import Address, Routes, RoutesSeen
from headgate.model.rules import Environment
from headgate.ports import AdapterError


class Place:
    def __init__(self, cluster: Cluster, environment: EnvironmentId, namespace: str, changed: Callable[[str], None]):
        def tell() -> None:
            if not self.changing.locked():  # else it is our own doing
                changed(environment)

        self.cluster, self.namespace, self.changing = cluster, namespace, asyncio.Lock()
        self.behind = Behind(cluster, environment, namespace, tell)
        ours = Selection(INGRESS, namespace, selector(environment_labels(environment)))
        self.ingresses = Mirror(cluster, ours, lambda change, object: tell(), sight=tell)

    async def close(self) -> None:
        await asyncio.gather(self.ingresses.close(), self.behind.close())


class IngressRouter:
    def __init__(
        self, rules: Callable[[EnvironmentId], Environment | None], changed: Callable[[str], None]
    ) -> None:
        self._rules, self._changed = rules, changed
        self._clusters = Clusters()
        self._places: dict[tuple[EnvironmentId, Access, str], Place] = {}

    async def addresses(self, environment: EnvironmentId, services: dict[str, int | None]) -> dict[str, Address]:
        """By plain HTTP: whether the controller has a certificate for a hostname is not ours to know."""
        check_asked(services)
        entrance, place = self._at(environment)
        found: dict[str, Address] = {}
        for service in services:
            inside, within = [await self._inside(place, one(service)) for one in (stable_name, preview_name)]
            names, preview = entrance.hostnames.get(service), entrance.previews.get(service)
            public = f"http://{names[0]}" if names else inside
            found[service] = Address(public, inside, f"http://{preview}" if preview else within)
        return found

    async def unable(self, environment: EnvironmentId, rules: Environment) -> Sequence[str]:
        """Raises AdapterError where it is not known."""
        entrance, place = self._of(environment, rules)
        found = await place.cluster.get(INGRESS_CLASS, None, entrance.ingress_class)
        if found is None:
            return [f"{place.cluster} has no IngressClass {entrance.ingress_class}: name one that is there"]
        controller = str((found.get("spec") or {}).get("controller", ""))
        if controller != CONTROLLER:
            return [f"IngressClass {entrance.ingress_class} is {controller}'s; canary annotations are {CONTROLLER}'s"]
        return []

    async def set_routes(self, routes: Routes) -> None:
        """Services first, then where the users' own Ingress leads, then the canary's share: no step shifts too much."""
        check(routes)
        entrance, place = self._at(routes.environment)
        for why in unable(routes):
            raise AdapterError(f"{routes.environment}: {why}")
        endpoints = await place.behind.endpoints()
        for why in late(routes, endpoints):
            raise AdapterError(f"{place.cluster}: {why}")
        async with place.changing:
            services = sorted({service for one in endpoints.values() for service in one})
            for service in services:
                await self._lead(place, routes, service)
            for service in services:
                await self._write(place, entrance, routes, service)

    async def observe(self, environment: EnvironmentId) -> RoutesSeen:
        _, place = self._at(environment)
        held = list((await place.ingresses.current()).values())
        if not held:
            return RoutesSeen(None)
        endpoints = await place.behind.endpoints()
        services = sorted({service for one in endpoints.values() for service in one})
        previews = [(await place.behind.led_to(preview_name(one)))[0] for one in services]
        routes = routes_of(environment, held, endpoints, next((one for one in previews if one), None))
        led = [(one, leading(routes, one)) for one in services]
        astray = [one for one, to in led if to and await place.behind.astray(one, to)]
        return RoutesSeen(without_endpoints(routes) if astray else routes)

    async def close(self, stop: bool = False) -> None:
        """The Ingresses stay: the controller goes on without us."""
        await asyncio.gather(*(place.close() for place in self._places.values()))
        self._places.clear()
        await self._clusters.close()

    async def _lead(self, place: Place, routes: Routes, service: str) -> None:
        for role, to in ((STABLE, leading(routes, service)), (PREVIEW, routes.preview)):
            name = stable_name(service) if role == STABLE else preview_name(service)
            await place.behind.lead(service, name, role, to)

    async def _write(self, place: Place, entrance: Entrance, routes: Routes, service: str) -> None:
        endpoints = await place.behind.endpoints()
        having = [one.revision for one in routes.backends if service in endpoints.get(one.revision, {})]
        home, tried = sides(routes, having)
        nobody = (stable_name(service), (await place.behind.led_to(stable_name(service)))[1])
        to = {
            one: (workload_name(service, one), await place.behind.port(service, one)) if one else nobody
            for one in (home, tried)
        }
        written = []
        if service in entrance.hostnames:
            weight = routes.weight(tried) if tried and tried != home else 0
            notes = canary_annotations(weight, routes.audience)
            written = [(STABLE, to[home], order(routes)), (CANDIDATE, to[tried] if tried else to[home], notes)]
        if service in entrance.previews:
            preview = preview_name(service)
            written.append((PREVIEW, (preview, (await place.behind.led_to(preview))[1]), {}))
        for role, backend, notes in written:
            one = ingress(routes.environment, entrance, place.namespace, service, role, backend, notes)
            known = (await place.ingresses.current()).get((place.namespace, one["metadata"]["name"]))
            place.ingresses.put(await apply_ours(place.cluster, one, known))

    async def _inside(self, place: Place, name: str) -> str:
        _, port = await place.behind.led_to(name)
        return f"http://{name}.{place.namespace}.svc" + (f":{port}" if port not in (0, 80) else "")

    def _at(self, environment: EnvironmentId) -> tuple[Entrance, Place]:
        rules = self._rules(environment)
        if rules is None:
            raise AdapterError(f"{environment} is in no applied file: where its users come in is not known")
        return self._of(environment, rules)

    def _of(self, environment: EnvironmentId, rules: Environment) -> tuple[Entrance, Place]:
        entrance = rules.entrance
        if entrance is None or not entrance.ingress_class:
            raise AdapterError(f"{environment} names no hostnames: write them below `traffic: ingress_nginx:`")
        access = Access(rules.cluster.kubeconfig, rules.cluster.context)
        namespace = rules.cluster.namespace or namespace_of(environment)
        where = (environment, access, namespace)
        if where not in self._places:
            self._places[where] = Place(self._clusters.of(access), environment, namespace, self._changed)
        return entrance, self._places[where]
