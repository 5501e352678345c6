"""What an environment stands on: its outputs as values of variables, its plan, its resources and its drift.

An output becomes part of the configuration snapshot, so one that changes is another configuration. A sensitive one
never does: a snapshot is no place for secrets.
"""

import logging
import traceback
from collections.abc import Awaitable, Mapping
from typing import TypeVar

from headgate.engine.secrets import LONGEST_VARIABLE
from headgate.engine.world import World
from headgate.model.ids import EnvironmentId
from headgate.model.infrastructure import Infrastructure, InfrastructurePlan, Output, Resource, ResourceChange
from headgate.model.releases import Release, Revision
from headgate.model.rules import Environment
from headgate.model.services import Value
from headgate.ports import AdapterError, Away, Provisioner, Unusable
from headgate.spec.compose import outputs_of, with_outputs

Answer = TypeVar("Answer")

log = logging.getLogger(__name__)


class Ground:
    """One environment's infrastructure. All verbs raise AdapterError, with the place in the file."""

    def __init__(self, world: World, environment: EnvironmentId, rules: Environment) -> None:
        self._world = world
        self._environment = environment
        self._rules = rules

    async def plan(self) -> InfrastructurePlan:
        provisioner, made_from = self._asked()
        return await self._answered(made_from, provisioner.plan(self._environment, made_from))

    async def apply(self, digest: str) -> None:
        provisioner, made_from = self._asked()
        await self._answered(made_from, provisioner.apply(self._environment, made_from, digest))

    async def outputs(self) -> dict[str, Output]:
        """What is sensitive in them is hidden from then on, whoever prints it."""
        provisioner, made_from = self._asked()
        found = await self._answered(made_from, provisioner.outputs(self._environment, made_from))
        for one in found.values():
            if one.sensitive:
                self._world.hidden.learn(one.value)
        return found

    async def resources(self) -> tuple[Resource, ...]:
        provisioner, made_from = self._asked()
        return await self._answered(made_from, provisioner.resources(self._environment, made_from))

    async def drift(self) -> tuple[ResourceChange, ...]:
        provisioner, made_from = self._asked()
        return await self._answered(made_from, provisioner.drift(self._environment, made_from))

    def _asked(self) -> tuple[Provisioner, Infrastructure]:
        made_from, name = self._rules.infrastructure, self._rules.name
        if made_from is None:
            where = f"`environments.{name}.terraform`"
            raise Unusable(f"{name} has no infrastructure of Headgate's: add {where} to the file and apply it")
        if made_from.kind not in self._world.provisioners:
            raise Unusable(f"{made_from.origin}: nothing here makes infrastructure of kind {made_from.kind}")
        return self._world.provisioners[made_from.kind], made_from

    async def _answered(self, made_from: Infrastructure, asked: Awaitable[Answer]) -> Answer:
        """Provisioners have limits of their own, which the file may set."""
        place = made_from.origin or f"infrastructure of {self._rules.name}"
        try:
            return await asked
        except Unusable as error:
            raise Unusable(f"{place}: {self._world.hidden.hide(str(error))}") from None
        except AdapterError as error:
            raise Away(f"{place}: {self._world.hidden.hide(str(error))}") from None
        except Exception as error:  # noqa: BLE001 - whatever a library raises; its words may hold a value
            at = traceback.extract_tb(error.__traceback__)[-1]
            log.error("%s: %s at %s:%s", place, type(error).__name__, at.filename, at.lineno)
            defect = f"{type(error).__name__} (a defect of the adapter; see the server's log)"
            raise AdapterError(f"{place}: {defect}") from None


def asks_for_outputs(rules: Environment, release: Release) -> bool:
    """Whether any variable here may be one."""
    layers = [rules.env, *rules.service_env.values(), *(service.env for service in release.services)]
    return any(value.kind == "terraform" for env in layers for value in env.values())


async def with_current_outputs(world: World, rules: Environment, revision: Revision) -> Revision:
    """Each value that is an output, as it is now. Raises AdapterError where one cannot be told."""
    wanted = outputs_of(revision)
    if not wanted:
        return revision
    if rules.infrastructure is None:
        raise Unusable(f"{_place(wanted[0])}: {rules.name} has no `terraform` in the applied file")
    found = await Ground(world, revision.environment, rules).outputs()
    return with_outputs(revision, {one.text: _text(one, found, rules) for one in wanted})


def _text(wanted: Value, found: Mapping[str, Output], rules: Environment) -> str:
    output, place = found.get(wanted.text), _place(wanted)
    if output is None:
        known = ", ".join(sorted(found)) or "none"
        make = f"add it there; `headgate infra plan {rules.name}` shows whether an apply would make it"
        raise Unusable(f"{place} is not in the state of {rules.name}; its outputs: {known}; {make}")
    if output.sensitive:
        remedy = "keep it in a secret store and write `{secret: REFERENCE}`"
        raise Unusable(f"{place} is sensitive, and a configuration is no place for secrets: {remedy}")
    if "\0" in output.value or len(output.value.encode()) > LONGEST_VARIABLE:
        raise Unusable(f"{place}: no variable can hold it, by its length or a zero byte in it")
    return output.value


def _place(value: Value) -> str:
    return f"output {value.text}{f' of {value.origin}' if value.origin else ''}"
