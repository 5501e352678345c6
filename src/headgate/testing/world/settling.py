"""When faults and commands have stopped, a world comes to rest: what must hold then, of the world itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.model import events as e
from headgate.model.ids import EnvironmentId, RevisionId, environment_stream
from headgate.testing.world.story import Violation

if TYPE_CHECKING:
    from headgate.testing.world.simulation import World


def at_rest(world: World, environment: EnvironmentId) -> bool:
    state = world.wheels.state(environment)
    cold = state.warm_until is None or state.warm_until <= world.clock.now()
    return state.rollout is None and state.waiting is None and cold and not unsettled(world, environment)


def unsettled(world: World, environment: EnvironmentId) -> str:
    """What is not yet as it must be in the end; empty when all is."""
    ledger = world.watch.ledgers[environment]
    stable = ledger.stable
    if ledger.trial is not None:
        return f"{ledger.trial.started.rollout} is still in flight at step {ledger.trial.position}"
    if ledger.waiting is not None:
        return f"{ledger.waiting.revision.id} still waits"
    routes = world.router.routes.get(environment)
    shares = {b.revision: b.weight for b in routes.backends if b.weight} if routes else {}
    if shares != ({stable.id: 100} if stable else {}):
        return f"traffic is {shares}, stable is {stable.id if stable else None}"
    if world.watch.grounds[environment].running:
        return "an apply of infrastructure never ends"
    if left := _unmigrated(world, environment):
        return left
    strays = {copy.revision for copy in world.platform.copies.get(environment, ())} - {stable.id if stable else None}
    if strays:
        return f"instances of {sorted(str(stray) for stray in strays)} are left"
    return ""


def _unmigrated(world: World, environment: EnvironmentId) -> str:
    """Contract migrations run in the end, unless people have to say so."""
    books, stable = world.watch.books[environment], world.watch.ledgers[environment].stable
    rules = world.rules[environment.partition("/")[2]]
    if books.running:
        return f"migration {books.running.migration.level} never ends"
    asked = rules.contract != "by-itself" or world.vigils.kept[environment].alarm
    if stable is None or asked or stable.release in world.wheels.quarantined():
        return ""
    due = books.due(stable)
    return f"contract migrations {due} never run" if due else ""


def demand_settled(world: World) -> None:
    for environment in world.environments:
        reason = unsettled(world, environment)
        if reason:
            world.story.tell(world.clock.now(), "VIOLATION of settled: %s: %s", environment, reason)
            raise Violation("settled", f"{environment} does not come to rest: {reason}")


def demand_sense(world: World) -> None:
    """Without faults what is good is promoted, and what is bad is not, unless people will have it otherwise."""
    for environment in world.environments:
        started: e.RolloutStarted | None = None
        by_hand = False
        for recorded in world.log.told(environment_stream(environment)):
            match recorded.event:
                case e.RolloutStarted() as begun:
                    started = begun
                    by_hand = begun.kind == "rollback" or not _good(world, begun.replaces)
                case e.StepsSkipped() | e.RolloutPaused():
                    by_hand = True
                case e.RolloutAborted(by="headgate", why=why, gave_way_to=None) if started and not by_hand:
                    by_chance = "analysis failed" in why or "inconclusive: " in why  # the judge may err, rarely
                    stands = "the infrastructure could not be changed" not in why
                    fine = by_chance or not stands or not _good(world, started.revision.id)
                    _demand(world, fine, f"{started.revision.id} is good and was aborted: {why}")
                case e.RevisionPromoted(revision=revision) if started and not by_hand:
                    tried = started.strategy.kind == "canary" and started.replaces is not None
                    fine = not tried or world.users.qualities[revision].name != "errors"
                    _demand(world, fine, f"{revision} answers with errors and was promoted")


def _good(world: World, revision: RevisionId | None) -> bool:
    return revision is None or world.users.qualities[revision].name == "good"


def _demand(world: World, fine: bool, text: str) -> None:
    if not fine:
        world.story.tell(world.clock.now(), "VIOLATION of sense: %s", text)
        raise Violation("sense", text)
