"""Act: carry out effects. Each is safe to repeat; one that fails becomes an event, with its attempt counted."""

import asyncio
import logging
from collections.abc import Awaitable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from headgate.engine.secrets import learn
from headgate.engine.world import World
from headgate.model.effects import ApplyPlan, Effect, Run, RunJob, RunMigration, SetRoutes, Stop
from headgate.model.events import EffectFailed
from headgate.model.ids import RevisionId
from headgate.model.rollouts import EnvironmentState, Failure
from headgate.model.rules import Environment
from headgate.ports import AdapterError, Away, Migrator, Platform, Unusable

LIMIT = timedelta(seconds=20)  # for one effect; the adapters have shorter limits of their own
LONGEST_PAUSE = timedelta(seconds=30)  # between two attempts

log = logging.getLogger(__name__)


class Attempted(Protocol):
    """The state of a stream as far as attempts go."""

    @property
    def failures(self) -> tuple[Failure, ...]: ...


async def perform(effect: Effect, world: World, rules: Environment) -> None:
    platform, router = world.platforms[rules.platform], world.routers[rules.traffic]
    match effect:
        case Run(revision=revision):
            await platform.run(revision)
        case Stop(environment=environment, revision=revision_id):
            await platform.stop(environment, revision_id)
        case RunMigration(order=order):
            await migrator(platform, rules).migrate(order)
        case SetRoutes(routes=routes):
            await router.set_routes(routes)
        case RunJob(job=job):
            await platform.run_job(job)
        case ApplyPlan():
            raise AdapterError("it is applied beside the wheel")  # see Wheel._act


def migrator(platform: Platform, rules: Environment) -> Migrator:
    """That it can is asked before such a release is; the rules may name another platform since."""
    if not isinstance(platform, Migrator):
        raise AdapterError(f"platform {rules.platform} runs no migrations")
    return platform


async def attempt(effect: Effect, world: World, rules: Environment, state: EnvironmentState) -> EffectFailed | None:
    if not world.leads():
        return None  # another server may be at it; it is planned again, if it is still to be done
    revision = _given(effect)
    world.unread.discard(revision)
    failed = await tried(effect, _carried_out(effect, world, rules, state), state, LIMIT)
    away = revision in world.unread  # whatever the platform made of it
    return replace(failed, why=world.hidden.hide(failed.why), away=failed.away or away) if failed else None


def _given(effect: Effect) -> RevisionId | None:
    """The revision whose secrets it needs."""
    match effect:
        case Run(revision=revision):
            return revision.id
        case RunJob(job=job):
            return job.revision
    return None


async def _carried_out(effect: Effect, world: World, rules: Environment, state: EnvironmentState) -> None:
    """A check may print what its revision was given: a server that came back has to know that, to mask it."""
    rollout = state.rollout
    if isinstance(effect, RunJob) and rollout and rollout.revision.id == effect.job.revision:
        try:
            await learn(world, rules, [rollout.revision])
        except AdapterError:
            world.unread.add(rollout.revision.id)
            raise
    await perform(effect, world, rules)


async def tried(effect: object, doing: Awaitable[None], state: Attempted, limit: timedelta) -> EffectFailed | None:
    """`effect` is named in words by its str()."""
    try:
        async with asyncio.timeout(limit.total_seconds()):
            await doing
    except AdapterError as error:
        return _failed(effect, str(error), state, isinstance(error, Unusable), _is_away(error))
    except TimeoutError:
        return _failed(effect, f"no answer within {limit.total_seconds():.0f} s", state, away=True)
    except Exception as error:  # an adapter's bug is the environment's failure, not the server's end
        log.exception("%s", effect)
        return _failed(
            effect, f"{type(error).__name__}: {error} (a defect of the adapter; see the server's log)", state
        )
    return None


def _failed(
    effect: object, why: str, state: Attempted, hopeless: bool = False, away: bool = False
) -> EffectFailed:
    return EffectFailed(_key(effect), why, _attempts(effect, state) + 1, hopeless, away)


def _is_away(error: BaseException | None) -> bool:
    """Or what it was raised from: adapters add to an error where it happened."""
    return error is not None and (isinstance(error, Away) or _is_away(error.__cause__))


def _key(effect: object) -> str:
    """Endpoints that change do not make it another effect."""
    return str(effect)


def _attempts(effect: object, state: Attempted) -> int:
    return max((failure.attempt for failure in state.failures if failure.effect == _key(effect)), default=0)


def is_due(effect: object, state: Attempted, now: datetime) -> bool:
    """Attempts back off by doubling from half a second, so that a broken world is not hammered."""
    last = next((failure for failure in reversed(state.failures) if failure.effect == _key(effect)), None)
    if last is None:
        return True
    pause = min(timedelta(seconds=0.25) * 2 ** min(last.attempt, 10), LONGEST_PAUSE)
    return not last.at <= now < last.at + pause  # a clock that was set back must not stop attempts
