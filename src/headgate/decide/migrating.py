"""Migrations: which are due, when each may begin, and what becomes of it.

An expand migration is a step of the rollout that needs it, before its candidate runs. A contract migration waits until
nobody needs what it takes away: it runs between rollouts, under the stable alone. Each runs once, one at a time.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Literal

from headgate.decide.freezes import UnknownDays, UnknownZone, thaw
from headgate.decide.people import may_break_glass
from headgate.decide.standstill import moment, standstill
from headgate.model import commands as c
from headgate.model import events as e
from headgate.model.ids import JobId, RevisionId
from headgate.model.migrations import Migration
from headgate.model.observations import Seen
from headgate.model.releases import Revision
from headgate.model.rollouts import EnvironmentState, MigrationRun, Rollout
from headgate.model.rules import Frozen, Gate
from headgate.model.schema import DataRestored, MigrationEnded, MigrationOrder, MigrationStarted
from headgate.model.steps import Migrate

ENGINE = "headgate"
ATTEMPTS = 5  # to start one
GRACE = timedelta(seconds=30)  # beyond its own time limit, which the platform enforces

Due = tuple[str, Migration]  # of a service


def steps(revision: Revision, state: EnvironmentState) -> tuple[Migrate, ...]:
    """Of a rollout. Where nothing was ever stable nobody needs the old data, so that contract migrations run too."""
    due = pending(revision, state)
    if state.stable is not None:
        due = [(service, one) for service, one in due if one.kind == "expand"]
    return tuple(Migrate(service, one.level, one.timeout + GRACE) for service, one in due)


def pending(revision: Revision, state: EnvironmentState) -> list[Due]:
    """What has not passed here yet, by level."""
    passed = {(run.service, run.migration.level) for run in state.migrations if run.state == "passed"}
    both = [(service.name, one) for service in revision.services for one in service.migrations]
    return sorted((due for due in both if (due[0], due[1].level) not in passed), key=lambda due: due[1].level)


def latest(service: str, level: int, state: EnvironmentState) -> MigrationRun | None:
    found = (run for run in state.migrations if run.service == service and run.migration.level == level)
    return next(found, None)


def running(state: EnvironmentState) -> MigrationRun | None:
    return next((run for run in state.migrations if run.state == "running"), None)


def order(run: MigrationRun) -> MigrationOrder:
    name = JobId(f"migration-{run.service}-{run.migration.level}-{run.attempt}")
    return MigrationOrder(name, run.revision, run.service, run.migration)


# --- what moves them


def begin_step(state: EnvironmentState, seen: Seen, now: datetime) -> list[e.Event]:
    """The migration that the rollout has come to."""
    rollout = state.rollout
    if rollout is None or rollout.phase != "running" or not isinstance(rollout.step, Migrate):
        return []
    known = latest(rollout.step.service, rollout.step.level, state)
    if known and (known.state == "passed" or known.rollout == rollout.id):
        return []
    due = of_step(rollout)
    if in_its_way(due[1], rollout.revision, state, seen):
        return []
    why = f"{rollout.revision.label} needs it before it runs"
    return [_begun(due, rollout.revision, state, ENGINE, why, rollout)]


def of_step(rollout: Rollout) -> Due:
    step = rollout.step
    assert isinstance(step, Migrate)  # noqa: S101 - the caller has looked
    migrations = rollout.revision.service(step.service).migrations
    return step.service, next(one for one in migrations if one.level == step.level)


def in_its_way(migration: Migration, revision: Revision, state: EnvironmentState, seen: Seen) -> str:
    """What must end before one of a rollout begins; empty: nothing."""
    busy = running(state)
    if busy:
        return f"migration {busy.migration.level} of {busy.service} is running"
    return _others_left(revision.id, seen) if migration.kind == "contract" else ""


def begin_contract(state: EnvironmentState, seen: Seen, now: datetime) -> list[e.Event]:
    due = due_contract(state)
    if due is None or state.stable is None or held(due, state, seen) or hindered(state, seen, now):
        return []
    why = f"bake is over and nothing older than {state.stable.label} runs here any more"
    return [_begun(due, state.stable, state, ENGINE, why)]


def due_contract(state: EnvironmentState) -> Due | None:
    """The next one of the stable."""
    found = pending(state.stable, state) if state.stable else []
    return next((due for due in found if due[1].kind == "contract"), None)


def held(due: Due, state: EnvironmentState, seen: Seen) -> str:
    """Why it begins only when a person says so; empty: it begins by itself."""
    name, known = state.id.partition("/")[2], latest(due[0], due[1].level, state)
    asked = f"`headgate migrate {name}`"
    if known and known.state == "failed":
        return f"it failed, attempt {known.attempt}: {known.why}; {asked} runs it again"
    if known and known.state == "undone":
        return f"the data were restored to before it; {asked} runs it again"
    if state.alarm:
        return f"an alarm stood when monitoring ended ({state.alarm.why}); {asked} runs it all the same"
    if seen.rules and seen.rules.contract == "on-request":
        return f"{asked} runs it, as `contract: on-request` says"
    return ""


def hindered(state: EnvironmentState, seen: Seen, now: datetime) -> str:
    """Why no contract migration may begin now, whoever asks: the first reason; empty: it may."""
    return next(_hindrances(state, seen, now), "")


def _hindrances(state: EnvironmentState, seen: Seen, now: datetime) -> Iterator[str]:
    stable = state.stable
    if seen.rules is None or stable is None:
        yield "this environment is not in the applied specification, or nothing is stable here"
        return
    if state.rollout:
        yield f"the rollout of {state.rollout.revision.label} has to end first, its bake included"
    if busy := running(state):
        yield f"migration {busy.migration.level} of {busy.service} is running"
    if stable.release in seen.quarantined:
        yield f"{stable.label} is quarantined: the way back from it stays open ({seen.quarantined[stable.release]})"
    if state.previous and state.warm_until and now < state.warm_until:
        yield f"{state.previous.label} is kept warm until {moment(state.warm_until)}, to go back to"
    if state.monitoring:
        yield f"{stable.label} is monitored until {moment(state.monitoring.until)}"
    if left := _others_left(stable.id, seen):
        yield left
    yield from standstill(state, seen, now)
    yield from (f"a freeze of `gates` holds, {one.zone}" for one in _freezes(seen.rules.gates) if _holds(one, now))


def _freezes(gates: tuple[Gate, ...]) -> list[Frozen]:
    return [gate for gate in gates if isinstance(gate, Frozen)]


def _holds(gate: Frozen, now: datetime) -> bool:
    try:
        return thaw(gate, now) is not None
    except (UnknownZone, UnknownDays):
        return True


def _others_left(keep: RevisionId, seen: Seen) -> str:
    """Whatever its code needs: an instance that is not known to be gone is there."""
    if seen.instances is None or seen.unknown:
        return f"what runs here cannot be seen: {'; '.join(seen.unknown) or 'the platform does not answer'}"
    others = [instance for instance in seen.instances if instance.revision != keep]
    return f"{len(others)} instances of {others[0].revision} are not gone yet" if others else ""


def _begun(
    due: Due, revision: Revision, state: EnvironmentState, by: str, why: str, rollout: Rollout | None = None
) -> MigrationStarted:
    known = latest(due[0], due[1].level, state)
    attempt = known.attempt + 1 if known else 1
    return MigrationStarted(due[0], due[1], attempt, revision, by, why, rollout.id if rollout else None)


def end_migration(state: EnvironmentState, seen: Seen, now: datetime) -> list[e.Event]:
    run = running(state)
    if run is None:
        return []
    job = next((job for job in seen.jobs if job.id == order(run).id), None)
    if job is None:
        return _never_began(run, state, seen)
    if job.state == "running":
        return []
    detail = f"its result was lost: {job.detail}" if job.state == "lost" else job.detail
    return [_ended(run, job.state == "passed", detail, job.state == "lost")]


def _never_began(run: MigrationRun, state: EnvironmentState, seen: Seen) -> list[e.Event]:
    """While the platform cannot be seen it may have begun all the same."""
    failures = [one for one in state.failures if order(run).id in one.effect and one.attempt >= ATTEMPTS]
    if not failures or seen.instances is None or seen.unknown:
        return []
    return [_ended(run, False, f"it could not be started: {failures[-1].why}", failures[-1].away)]


def _ended(run: MigrationRun, passed: bool, why: str, lost: bool) -> MigrationEnded:
    outcome: Literal["passed", "failed"] = "passed" if passed else "failed"
    return MigrationEnded(run.service, run.migration.level, run.attempt, outcome, why, lost)


# --- what people ask


def asked_for(
    command: c.Migrate, state: EnvironmentState, seen: Seen, now: datetime
) -> list[e.Event] | c.Refused:
    if command.restored:
        return _restored(command.restored, command, state, seen)
    due = due_contract(state)
    if due is None or state.stable is None:
        return c.Refused("no contract migration is due here; `headgate why` shows which there were")
    if why := hindered(state, seen, now):
        return c.Refused(f"contract migration {due[1].level} of {due[0]} may not run yet: {why}")
    return [_begun(due, state.stable, state, command.by, command.why or f"asked for by {command.by}")]


def _restored(
    to: tuple[str, int], command: c.Migrate, state: EnvironmentState, seen: Seen
) -> list[e.Event] | c.Refused:
    """It opens the way back, so it is for whom the applied rules let pass closed gates."""
    (service, level), named = to, seen.rules.break_glass if seen.rules else ()
    if not may_break_glass(command.by, seen.rules):
        may = f"{', '.join(named)} may" if named else "`break_glass: [PERSON]` in the applied file says who may"
        return c.Refused(f"{command.by} may not say that data were restored here; {may}")
    if not command.why:
        return c.Refused("say which backup, and why: --why TEXT")
    if running(state):
        return c.Refused("a migration is running here; `headgate why` shows when it has ended")
    above = [run for run in state.migrations if run.service == service and run.migration.level > level]
    if not any(run.state != "undone" for run in above):
        return c.Refused(f"no migration of {service} above level {level} ran here, so there is nothing to go back to")
    return [DataRestored(service, level, command.by, command.why)]


def waits_for(state: EnvironmentState, seen: Seen, now: datetime) -> list[str]:
    """What runs between rollouts, or what a contract migration waits for."""
    run, due = running(state), due_contract(state)
    if run and (state.rollout is None or run.rollout != state.rollout.id):
        limit = moment(run.started_at + run.migration.timeout)
        return [f"{run.migration.kind} migration {run.migration.level} of {run.service} runs, until {limit} at most"]
    why = due and (held(due, state, seen) or hindered(state, seen, now))
    return [f"contract migration {due[1].level} of {due[0]} waits: {why}"] if due and why else []
