"""Plans and applies beside the plain wheels, without tasks: each look takes an apply under way one step further."""

from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from headgate.model.ids import EnvironmentId
from headgate.model.infrastructure import PlanSeen, ProvisioningSeen
from headgate.model.rollouts import EnvironmentState
from headgate.model.rules import Environment
from headgate.ports import AdapterError, Provisioner, Unusable

EVERY = timedelta(seconds=5)  # a start that waits is planned anew


@dataclass
class UnderWay:
    rules: Environment
    step: Coroutine[Any, Any, None]
    seen: ProvisioningSeen


@dataclass
class Applies:
    provisioner: Provisioner
    _plans: dict[EnvironmentId, PlanSeen] = field(default_factory=dict)
    _under_way: dict[EnvironmentId, UnderWay] = field(default_factory=dict)

    async def planned(self, state: EnvironmentState, rules: Environment | None, now: datetime) -> PlanSeen | None:
        request = state.waiting
        if request is None or rules is None or rules.infrastructure is None or request.kind == "rollback":
            return None
        known = self._plans.get(state.id)
        if known and known.rollout == request.rollout and known.at <= now < known.at + EVERY:
            return known
        try:
            found = PlanSeen(request.rollout, now, await self.provisioner.plan(state.id, rules.infrastructure))
        except AdapterError as error:
            found = PlanSeen(request.rollout, now, None, str(error))
        self._plans[state.id] = found
        return found

    def begin(self, state: EnvironmentState, rules: Environment | None) -> None:
        """Asked for again, it goes on."""
        run = state.provisioning
        if run is None or rules is None or self._of(state):
            return
        self._drop(state.id)
        running = ProvisioningSeen(run.plan.digest, "running", rollout=run.rollout)
        self._under_way[state.id] = UnderWay(rules, self._apply(state.id, rules, running.digest), running)

    def seen(self, state: EnvironmentState) -> ProvisioningSeen | None:
        """An end that is on record is forgotten: the same plan may be asked for again."""
        known = self._of(state)
        if known is None:
            self._drop(state.id)
            return None
        if known.seen.state == "running":
            known.seen = self._go_on(state.id, known)
        return known.seen

    def _of(self, state: EnvironmentState) -> UnderWay | None:
        run, known = state.provisioning, self._under_way.get(state.id)
        same = run and known and (known.seen.digest, known.seen.rollout) == (run.plan.digest, run.rollout)
        return known if same and run and run.state == "running" else None

    def close(self) -> None:
        for environment in list(self._under_way):
            self._drop(environment)

    def _drop(self, environment: EnvironmentId) -> None:
        if known := self._under_way.pop(environment, None):
            known.step.close()

    def _go_on(self, environment: EnvironmentId, known: UnderWay) -> ProvisioningSeen:
        try:
            known.step.send(None)
        except StopIteration:
            return replace(known.seen, state="passed")
        except Unusable as error:
            return replace(known.seen, state="failed", why=str(error))
        except AdapterError:  # who is away, or works on the same state, is awaited
            known.step = self._apply(environment, known.rules, known.seen.digest)
        return known.seen

    async def _apply(self, environment: EnvironmentId, rules: Environment, digest: str) -> None:
        if rules.infrastructure is None:
            raise Unusable("it has no infrastructure of Headgate's any more")
        await self.provisioner.apply(environment, rules.infrastructure, digest)
