"""A traffic router in memory: what is set is what it says, at once and exactly."""

import re
from collections.abc import Mapping

from headgate.model.ids import EnvironmentId, RevisionId
from headgate.model.routes import Address, Routes, RoutesSeen
from headgate.ports import AdapterError

FIRST_PORT = 20_000


class FakeRouter:
    def __init__(self) -> None:
        self.routes: dict[EnvironmentId, Routes] = {}
        self.active: dict[RevisionId, int] = {}  # requests in flight, as a test wants them to be seen
        self.unreachable = ""  # a reason makes every verb raise
        self._addresses: dict[tuple[EnvironmentId, str], Address] = {}

    async def addresses(self, environment: EnvironmentId, services: Mapping[str, int | None]) -> dict[str, Address]:
        self._reach()
        refuse_names(environment, *services)
        return {service: self._address(environment, service, port) for service, port in services.items()}

    async def set_routes(self, routes: Routes) -> None:
        self._reach()
        refuse_nonsense(routes)
        self.routes[routes.environment] = routes

    async def observe(self, environment: EnvironmentId) -> RoutesSeen:
        self._reach()
        refuse_names(environment)
        return RoutesSeen(self.routes.get(environment), {r: n for r, n in self.active.items() if n})

    def _reach(self) -> None:
        if self.unreachable:
            raise AdapterError(self.unreachable)

    def _address(self, environment: EnvironmentId, service: str, port: int | None) -> Address:
        known = self._addresses.get((environment, service))
        if known is None:
            free = FIRST_PORT + 3 * len(self._addresses)
            self._refuse_taken(environment, port)
            ports = (port or free, free + 1, free + 2)
            known = Address(*(f"http://127.0.0.1:{number}" for number in ports))
            self._addresses[environment, service] = known
        return known

    def _refuse_taken(self, environment: EnvironmentId, port: int | None) -> None:
        if any(known.public.endswith(f":{port}") for known in self._addresses.values()):
            raise AdapterError(f"{environment}: port {port} is taken already; name another one")


def refuse_names(environment: str, *services: str) -> None:
    if not re.fullmatch(r"[a-z0-9-]{1,63}/[a-z0-9-]{1,63}", environment):
        raise AdapterError(f"{environment!r} is no environment: write APPLICATION/ENVIRONMENT in a-z, 0-9 and -")
    for service in services:
        if not re.fullmatch(r"[a-z0-9-]{1,63}", service):
            raise AdapterError(f"{environment}: {service!r} is no service: write a-z, 0-9 and -, at most 63 of them")


def refuse_nonsense(routes: Routes) -> None:
    """A router that is asked for nonsense says so and changes nothing."""
    names = [backend.revision for backend in routes.backends]
    total = sum(backend.weight for backend in routes.backends)
    if len(set(names)) < len(names):
        raise AdapterError(f"{routes.environment}: a revision is named twice: {', '.join(names)}")
    if total not in (0, 100) or any(not 0 <= backend.weight <= 100 for backend in routes.backends):
        raise AdapterError(f"{routes.environment}: the weights add up to {total}, not to 100 (or 0: nobody serves)")
    if routes.preview is not None and routes.preview not in names:
        raise AdapterError(f"{routes.environment}: the preview shows {routes.preview}, which has no backend")
