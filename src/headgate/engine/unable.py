"""What only a look at the world can tell of rules: that the router in place lacks what they ask for."""

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from headgate.engine.refusals import Rejected
from headgate.model.ids import EnvironmentId, environment_id
from headgate.model.rules import Application as Rules
from headgate.model.rules import Environment
from headgate.ports import AdapterError, TrafficRouter


@runtime_checkable
class Particular(Protocol):
    """A router in front of somebody else's proxy, which can more or less."""

    async def unable(self, environment: EnvironmentId, rules: Environment) -> Sequence[str]:
        """One sentence for each thing that it lacks. Raises AdapterError where it cannot be asked now."""
        ...


async def check_able(routers: Mapping[str, TrafficRouter], rules: Rules) -> None:
    """Raises Rejected. A router that cannot be asked refuses nothing: it is asked again when routes are set."""
    lacking: list[str] = []
    for one in rules.environments:
        router: object = routers.get(one.traffic)
        if isinstance(router, Particular):
            try:
                found = await router.unable(environment_id(rules.name, one.name), one)
            except AdapterError:
                continue
            lacking += [f"{one.name}: {why}" for why in found]
    if lacking:
        raise Rejected("; ".join(lacking))
