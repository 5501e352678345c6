"""Infrastructure beside the wheel: what a start that waits would do to it, and applies that are under way.

Both take minutes and hold up no decision but their own. A crash forgets them: they are asked for again.
"""

import asyncio
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from headgate.engine.infrastructure import Ground
from headgate.engine.world import World
from headgate.model.ids import RolloutId
from headgate.model.infrastructure import PlanSeen, ProvisioningSeen
from headgate.model.rollouts import EnvironmentState, ProvisioningRun
from headgate.model.rules import Environment
from headgate.ports import AdapterError, Unusable

GRACE = timedelta(seconds=0.2)  # a quick plan is in the same look
EVERY = timedelta(minutes=5)  # the world may change while a start waits; an apply compares once more
AGAIN = timedelta(seconds=30)  # what could not be told
PAUSE = timedelta(seconds=5)  # until an apply whose provisioner is away is tried again
ENDING = timedelta(minutes=10)  # beyond the limit of an apply: the plan before it, the order after it

log = logging.getLogger(__name__)


@dataclass
class Planning:
    world: World
    _seen: PlanSeen | None = None
    _under_way: asyncio.Task[PlanSeen] | None = None
    _of: RolloutId | None = None  # that it is for

    async def take(self, state: EnvironmentState, rules: Environment, now: datetime) -> PlanSeen | None:
        """The latest that is known of what waits; it is looked at anew when that is due."""
        request = state.waiting
        if request is None or rules.infrastructure is None or request.kind == "rollback":
            self.close()
            return None
        if self._of != request.rollout:
            self.close()
            self._of = request.rollout
        if self._under_way is None and self._is_due(now):
            doing = self._plan(Ground(self.world, state.id, rules), request.rollout, now)
            self._under_way = asyncio.create_task(doing, name=f"plan of {state.id}")
            await asyncio.wait([self._under_way], timeout=GRACE.total_seconds())
        if self._under_way and self._under_way.done():
            self._seen, self._under_way = self._under_way.result(), None
        return self._seen

    def close(self) -> None:
        if self._under_way:
            self._under_way.cancel()
        self._seen, self._under_way, self._of = None, None, None

    def _is_due(self, now: datetime) -> bool:
        if self._seen is None:
            return True
        return not self._seen.at <= now < self._seen.at + (EVERY if self._seen.plan else AGAIN)

    async def _plan(self, ground: Ground, rollout: RolloutId, now: datetime) -> PlanSeen:
        try:
            return PlanSeen(rollout, now, await ground.plan())
        except AdapterError as error:
            return PlanSeen(rollout, now, None, str(error))


@dataclass
class Applying:
    """Of one environment. What ended is told until another begins."""

    world: World
    _run: tuple[str, RolloutId | None] | None = None  # its plan, and the rollout that it comes with
    _under_way: asyncio.Task[str] | None = None

    def begin(self, state: EnvironmentState, rules: Environment) -> None:
        """Once: one that is under way, or has ended, is left alone."""
        run = state.provisioning
        if run is None or (self._run == _of(run) and self._under_way):
            return
        self.close()
        limit = (rules.infrastructure.timeout if rules.infrastructure else timedelta()) + ENDING
        doing = self._apply(Ground(self.world, state.id, rules), run.plan.digest, limit)
        self._run, self._under_way = _of(run), asyncio.create_task(doing, name=f"apply of {state.id}")

    def seen(self, state: EnvironmentState) -> ProvisioningSeen | None:
        run = state.provisioning
        if run is None or run.state != "running" or self._under_way is None or self._run != _of(run):
            return None
        if not self._under_way.done():
            return ProvisioningSeen(run.plan.digest, "running", rollout=run.rollout)
        why = self._under_way.result()
        return ProvisioningSeen(run.plan.digest, "failed" if why else "passed", why, run.rollout)

    def forget(self, state: EnvironmentState) -> None:
        """An end that is on record: the same plan may be asked for again."""
        if self._under_way and self._under_way.done() and not _runs(state):
            self._run, self._under_way = None, None

    def close(self) -> None:
        if self._under_way:
            self._under_way.cancel()

    async def _apply(self, ground: Ground, digest: str, limit: timedelta) -> str:
        """Why it failed; empty: it is done. Who is away, or works on the same state, is awaited."""
        try:
            async with asyncio.timeout(limit.total_seconds()):
                return await self._tried(ground, digest)
        except TimeoutError:
            return f"it was not done within {limit.total_seconds() / 60:.0f} minutes, and was interrupted"

    async def _tried(self, ground: Ground, digest: str) -> str:
        while True:
            try:
                await ground.apply(digest)
                return ""
            except Unusable as error:
                return str(error)
            except AdapterError as error:
                log.warning("infrastructure: %s; it is tried again in %s", error, PAUSE)
            await asyncio.sleep(PAUSE.total_seconds())


def _of(run: ProvisioningRun) -> tuple[str, RolloutId | None]:
    return run.plan.digest, run.rollout


def _runs(state: EnvironmentState) -> bool:
    return state.provisioning is not None and state.provisioning.state == "running"
