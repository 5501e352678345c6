"""A provisioner in memory: a test says what is wanted, and what became of it."""

import hashlib
from collections.abc import Mapping

from headgate.model.ids import EnvironmentId
from headgate.model.infrastructure import Action, Infrastructure, InfrastructurePlan, Output, Resource, ResourceChange
from headgate.ports import AdapterError, Unusable

TYPE = "fake_value"


class FakeProvisioner:
    """Every output is a resource of the same name, whatever the environment."""

    def __init__(self, wanted: Mapping[str, str] | None = None) -> None:
        self.wanted: dict[str, str] = dict(wanted or {})
        self.made: dict[str, str] = {}
        self.applied: dict[str, str] = {}  # as it was left by the last apply
        self.sensitive: set[str] = set()
        self.replaced: set[str] = set()  # names whose change replaces them
        self.refuses = ""  # why an apply fails
        self.unplannable = ""  # why no plan can be made
        self.away = ""  # why nothing answers
        self.applies = 0

    async def plan(self, environment: EnvironmentId, made_from: Infrastructure) -> InfrastructurePlan:
        self._answer(made_from)
        if self.unplannable:
            raise Unusable(self.unplannable)
        changes = tuple(_change(name, self._action(name)) for name in self._differing())
        content = repr([(name, self.made.get(name), self.wanted.get(name)) for name in self._differing()])
        digest = f"plan_{hashlib.sha256(content.encode()).hexdigest()[:12]}"
        return InfrastructurePlan(digest, changes, tuple(self._differing()))

    async def apply(self, environment: EnvironmentId, made_from: Infrastructure, digest: str) -> None:
        now = await self.plan(environment, made_from)
        if now.empty:
            return
        if now.digest != digest:
            raise Unusable("the plan is another than the one that was shown, nothing was done")
        self.applies += 1
        if self.refuses:
            raise Unusable(self.refuses)
        self.made, self.applied = dict(self.wanted), dict(self.wanted)

    async def outputs(self, environment: EnvironmentId, made_from: Infrastructure) -> dict[str, Output]:
        self._answer(made_from)
        return {name: Output(value, name in self.sensitive) for name, value in self.applied.items()}

    async def resources(self, environment: EnvironmentId, made_from: Infrastructure) -> tuple[Resource, ...]:
        self._answer(made_from)
        return tuple(Resource(f"{TYPE}.{name}", TYPE) for name in sorted(self.applied))

    async def drift(self, environment: EnvironmentId, made_from: Infrastructure) -> tuple[ResourceChange, ...]:
        self._answer(made_from)
        names = sorted(name for name in self.applied if self.made.get(name) != self.applied[name])
        return tuple(_change(name, "update" if name in self.made else "destroy") for name in names)

    def _differing(self) -> list[str]:
        return sorted(name for name in {**self.made, **self.wanted} if self.made.get(name) != self.wanted.get(name))

    def _action(self, name: str) -> Action:
        if name not in self.made:
            return "create"
        if name not in self.wanted:
            return "destroy"
        return "replace" if name in self.replaced else "update"

    def _answer(self, made_from: Infrastructure) -> None:
        if not made_from.folder:
            raise Unusable("it is made from nothing")
        if self.away:
            raise AdapterError(self.away)


def _change(name: str, action: Action) -> ResourceChange:
    return ResourceChange(f"{TYPE}.{name}", TYPE, action, ("input",) if action in ("update", "replace") else ())
