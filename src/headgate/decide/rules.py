"""Everything that moves an environment by itself, as ordered rules; the first that has something to say is heard."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from headgate.decide import sentinel
from headgate.decide.away import is_awaited, is_new, was_away
from headgate.decide.checking import note_check
from headgate.decide.fold import apply
from headgate.decide.gates import breaks_glass, broken_gates, closed_gates
from headgate.decide.horizon import past_horizon
from headgate.decide.judging import verdict_now, weight_at
from headgate.decide.measuring import is_reading
from headgate.decide.migrating import begin_contract, begin_step, end_migration
from headgate.decide.passing import open_gates
from headgate.decide.progress import Done, Failed, can_serve, instances_of, progress, ready, seconds
from headgate.decide.provisioning import begin_provisioning, end_provisioning, note_plan, stands_already
from headgate.decide.sentinel import monitoring_begins
from headgate.decide.starting import monitoring_ends, start
from headgate.model import events as e
from headgate.model.effects import Run
from headgate.model.glass import GlassBroken
from headgate.model.observations import Seen
from headgate.model.releases import Revision
from headgate.model.rollouts import EnvironmentState, Request, Rollout
from headgate.model.rules import Environment
from headgate.model.steps import Analyze, AwaitReady, Bake, Provision, Retire, describe
from headgate.model.verdicts import Outcome

ENGINE = "headgate"  # the `by` of what was decided without a person
CRASHES = 3  # deaths of one instance in a row that are a crash loop
ATTEMPTS = 5  # of one effect within one step
EXPIRED = "gate stayed closed: "  # how the reason begins why what waited too long is dropped

Rule = Callable[[EnvironmentState, Seen, datetime], list[e.Event]]


def decide(state: EnvironmentState, seen: Seen, now: datetime) -> list[e.Event]:
    """All that follows from one look; every event is a fact once it is in the log."""
    decided: list[e.Event] = []
    while news := _first_to_speak(state, seen, now):
        for event in news:
            state = apply(event, state, now)
        decided += news
    return decided


def _first_to_speak(state: EnvironmentState, seen: Seen, now: datetime) -> list[e.Event]:
    for rule in RULES:
        if news := rule(state, seen, now):
            return news
    return []


def drop_what_may_not_start(state: EnvironmentState, seen: Seen, now: datetime) -> list[e.Event]:
    request = state.waiting
    if request is None or seen.rules is None:
        return []
    release = request.revision.release
    if refused := _refused(request, state, seen):
        return [e.ReleaseDropped(release, refused)]
    if state.rollout is None and (already := stands_already(request, state)):
        return [e.ReleaseDropped(release, already)]
    expired = [gate for gate in closed_gates(seen.rules, request, state, seen, now) if gate.expired]
    return [e.ReleaseDropped(release, f"{EXPIRED}{expired[0].why}")] if expired else []


def _refused(request: Request, state: EnvironmentState, seen: Seen) -> str:
    """Quarantined as far as is known, or aborted here after it was asked for again: that may be known here alone."""
    release = request.revision.release
    if request.kind == "rollback":
        return ""
    at, why = state.refused.get(release, (None, ""))
    found = why if at is not None and at >= request.at else seen.quarantined.get(release, "")
    return f"quarantined: {found}" if found else past_horizon(request.revision, state)


def start_what_waits(state: EnvironmentState, seen: Seen, now: datetime) -> list[e.Event]:
    request = state.waiting
    if request is None or seen.rules is None or state.rollout is not None:
        return []
    if closed_gates(seen.rules, request, state, seen, now):
        return []
    opened = replace(start(state, seen.rules, request), gates=open_gates(seen.rules, request, state, seen))
    if not breaks_glass(request, seen.rules):
        return [opened]
    passed = broken_gates(seen.rules, request, state, seen, now)
    return [opened, GlassBroken(request.rollout, request.revision.release, request.by, request.why, passed)]


def take_measurement(state: EnvironmentState, seen: Seen, now: datetime) -> list[e.Event]:
    rollout = state.rollout
    if rollout is None or seen.measurement is None or seen.measurement.tick != rollout.ticks + 1:
        return []
    return [e.MeasurementTaken(rollout.id, seen.measurement)]


def finish_abort(state: EnvironmentState, seen: Seen, now: datetime) -> list[e.Event]:
    rollout = state.rollout
    if rollout is None or rollout.phase != "aborting" or seen.routes is None:
        return []
    routes = seen.routes.routes
    if state.stable is not None:
        back = routes is not None and routes.weight(state.stable.id) == 100
    else:
        back = routes is None or routes.weight(rollout.revision.id) == 0
    where = f"all traffic is on {state.stable.label}" if state.stable else "there is no earlier revision to serve"
    return [e.RolloutEnded(rollout.id, "aborted", f"{where}; {rollout.why}")] if back else []


def abort_on_failing_effect(state: EnvironmentState, seen: Seen, now: datetime) -> list[e.Event]:
    rollout = _on_trial(state)
    if rollout is None:
        return []
    # What concerns the candidate: a stray that will not stop is no fault of a release on trial.
    concerns = [f for f in state.failures if rollout.revision.id in f.effect or rollout.id in f.effect]
    own = [f for f in concerns if not is_reading(rollout, f.effect)]
    failure = next((f for f in reversed(own) if f.attempt >= ATTEMPTS and not is_awaited(f)), None)
    if failure is None:
        return []
    why = f"{failure.effect} failed {failure.attempt} times: {failure.why}"
    return [_abort(rollout, why, (failure.away and is_new(rollout, state)) or _is_blind(seen))]


def abort_on_crash_loop(state: EnvironmentState, seen: Seen, now: datetime) -> list[e.Event]:
    rollout = _on_trial(state)
    if rollout is None:
        return []
    crashing = _crashing(rollout.revision, seen)
    return [_abort(rollout, crashing)] if crashing else []


def _crashing(revision: Revision, seen: Seen) -> str:
    one = next((i for i in instances_of(revision.id, seen) if i.restarts >= CRASHES), None)
    return f"{one.service} crashes in a loop ({one.restarts} times): {one.detail}" if one else ""


def drop_failing_baseline(state: EnvironmentState, seen: Seen, now: datetime) -> list[e.Event]:
    """It says nothing against the candidate, nor is anybody served worse: its share goes back to the stable."""
    rollout = _on_trial(state)
    if rollout is None or rollout.baseline is None or weight_at(rollout) == 100:
        return []
    if why := _trouble(rollout, rollout.baseline, state, seen, now):
        return [e.BaselineDropped(rollout.id, f"{why}; from here the candidate is compared with the stable itself")]
    return []


def _trouble(rollout: Rollout, fresh: Revision, state: EnvironmentState, seen: Seen, now: datetime) -> str:
    failed = [f for f in state.failures if f.effect == str(Run(fresh)) and f.attempt >= ATTEMPTS]
    if failed:
        return f"{failed[-1].effect} failed {failed[-1].attempt} times: {failed[-1].why}"
    if seen.instances is None:
        return ""
    if crashing := _crashing(fresh, seen):
        return crashing
    if weight_at(rollout) > 0 and not can_serve(fresh, seen):
        return "a service of the baseline has no ready instance left"
    if not isinstance(rollout.step, AwaitReady) or rollout.phase == "paused" or not _is_overdue(rollout, now):
        return ""
    mine, its = ready(rollout.revision, seen), ready(fresh, seen)
    late = isinstance(mine, Done) and not isinstance(its, Done)
    return f"not ready within {seconds(rollout.step.deadline)}: {its.why}" if late else ""


def abort_on_candidate_gone(state: EnvironmentState, seen: Seen, now: datetime) -> list[e.Event]:
    """Users would see nothing but errors. Without a stable there is nothing better to go back to."""
    rollout = _on_trial(state)
    if rollout is None or rollout.replaces is None or seen.instances is None:
        return []
    if weight_at(rollout) == 0 or can_serve(rollout.revision, seen):
        return []
    details = sorted({i.detail for i in instances_of(rollout.revision.id, seen) if i.detail})
    return [_abort(rollout, f"a service of the candidate has no ready instance left{_because(details)}")]


def abort_on_failed_step(state: EnvironmentState, seen: Seen, now: datetime) -> list[e.Event]:
    """A failed check, a failed analysis: whatever the step itself calls failed."""
    rollout = _on_trial(state)
    if rollout is None:
        return []
    outcome = progress(state, rollout, seen, now)
    if not isinstance(outcome, Failed):
        return []
    return [*_verdict(rollout, now), _abort(rollout, outcome.why, outcome.blameless)]


def end_unproven_analysis(state: EnvironmentState, seen: Seen, now: datetime) -> list[e.Event]:
    """At its deadline an analysis that has proven nothing does what the rules say; but blindness never promotes."""
    rollout = _on_trial(state)
    if rollout is None or rollout.phase != "running" or not isinstance(rollout.step, Analyze):
        return []
    outcome = progress(state, rollout, seen, now)
    if isinstance(outcome, Done) or not _is_overdue(rollout, now):
        return []
    verdict, unproven = verdict_now(rollout, now), rollout.analysis.unproven
    why = f"not proven within {seconds(rollout.step.deadline)}: {outcome.why}"
    if unproven == "rollback":
        return [*_verdict(rollout, now), _abort(rollout, why, verdict.outcome is Outcome.NO_DATA)]
    if unproven == "promote" and verdict.outcome is Outcome.INCONCLUSIVE and can_serve(rollout.revision, seen):
        told = f"{why}; goes on, as `unproven: promote` says"
        return [*_verdict(rollout, now), e.StepCompleted(rollout.id, rollout.position, told)]
    held = f"{why}; held for a person: `headgate promote`, `headgate abort`, or `headgate resume` to look longer"
    return [*_verdict(rollout, now), e.RolloutPaused(rollout.id, ENGINE, held)]


def abort_on_overdue_step(state: EnvironmentState, seen: Seen, now: datetime) -> list[e.Event]:
    rollout = _on_trial(state)
    if rollout is None:
        return []
    if rollout.paused_at is not None:
        overdue = now - rollout.paused_at > rollout.deadlines.pause
        why = f"paused for more than {rollout.deadlines.pause}"
        return [_abort(rollout, why)] if overdue else []
    step = rollout.step
    outcome = progress(state, rollout, seen, now)
    if isinstance(outcome, Done) or not _is_overdue(rollout, now):
        return []
    away = was_away(state, rollout, now)
    why = f"{describe(step)} took longer than {seconds(step.deadline)}: {away or outcome.why}"
    excused = _is_blind(seen) or isinstance(step, Provision)  # what it would stand on says nothing against it
    return [*_verdict(rollout, now), _abort(rollout, why, excused or (bool(away) and is_new(rollout, state)))]


def _is_overdue(rollout: Rollout, now: datetime) -> bool:
    return now - rollout.step_started_at > rollout.step.deadline


def promote_before_retiring(state: EnvironmentState, seen: Seen, now: datetime) -> list[e.Event]:
    rollout = _on_trial(state)
    if rollout is None or rollout.phase != "running" or not isinstance(rollout.step, Retire):
        return []
    monitored = monitoring_begins(state, rollout, seen, now)
    warm = now + _kept_warm(seen.rules, bool(monitored))
    ended = monitoring_ends(state, "replaced", f"{rollout.revision.label} is promoted")
    return [*ended, e.RevisionPromoted(rollout.id, rollout.revision.id, warm, rollout.why), *monitored]


def _kept_warm(rules: Environment | None, monitored: bool) -> timedelta:
    """Rules that vanished meanwhile keep nothing warm."""
    if rules is None:
        return timedelta()
    return max(rules.keep_warm, rules.monitor.warm) if rules.monitor and monitored else rules.keep_warm


def complete_step(state: EnvironmentState, seen: Seen, now: datetime) -> list[e.Event]:
    rollout = _on_trial(state)
    if rollout is None or rollout.phase != "running" or isinstance(rollout.step, Retire):
        return []
    outcome = progress(state, rollout, seen, now)
    if not isinstance(outcome, Done):
        return []
    return [*_verdict(rollout, now), e.StepCompleted(rollout.id, rollout.position, outcome.why)]


def abort_for_another(state: EnvironmentState, seen: Seen, now: datetime) -> list[e.Event]:
    """`concurrency: replace`, or a hotfix: what may start now does not wait. What is rolled back is not held up."""
    rollout, request = _on_trial(state), state.waiting
    if rollout is None or request is None or seen.rules is None or rollout.kind == "rollback":
        return []
    if isinstance(rollout.step, Retire) or not _goes_first(request, rollout, seen.rules):
        return []
    if _refused(request, state, seen) or closed_gates(seen.rules, request, state, seen, now):
        return []
    what = f"the hotfix {request.revision.label}" if request.hotfix else f"{request.revision.label}, which is newer"
    why = f"gives way to {what}; nothing is held against {rollout.revision.label}"
    return [e.RolloutAborted(rollout.id, ENGINE, why, request.revision.release)]


def _goes_first(request: Request, rollout: Rollout, rules: Environment) -> bool:
    return request.hotfix or (rules.concurrency == "replace" and not rollout.hotfix)


def note_new_verdict(state: EnvironmentState, seen: Seen, now: datetime) -> list[e.Event]:
    """A change of mind is worth a line in the log; the same verdict again is not."""
    rollout = _on_trial(state)
    if rollout is None or not isinstance(rollout.step, Analyze | Bake):
        return []
    known = rollout.verdict.outcome if rollout.verdict else Outcome.NO_DATA
    return _verdict(rollout, now) if verdict_now(rollout, now).outcome is not known else []


def finish_rollout(state: EnvironmentState, seen: Seen, now: datetime) -> list[e.Event]:
    rollout = state.rollout
    if rollout is None or rollout.phase != "retiring":
        return []
    outcome = progress(state, rollout, seen, now)
    overdue = now - rollout.step_started_at > rollout.step.deadline
    if isinstance(outcome, Done) or overdue:
        return [e.RolloutEnded(rollout.id, "promoted", outcome.why)]
    return []


RULES: tuple[Rule, ...] = (
    take_measurement,
    end_migration,
    end_provisioning,
    note_check,
    finish_abort,
    abort_on_failing_effect,
    abort_on_crash_loop,
    drop_failing_baseline,
    abort_on_candidate_gone,
    abort_on_failed_step,
    end_unproven_analysis,
    abort_on_overdue_step,
    abort_for_another,
    note_new_verdict,
    begin_provisioning,
    begin_step,
    complete_step,
    promote_before_retiring,
    finish_rollout,
    *sentinel.RULES,
    note_plan,
    drop_what_may_not_start,
    start_what_waits,
    begin_contract,
)


def _on_trial(state: EnvironmentState) -> Rollout | None:
    """The rollout while its candidate may still be aborted."""
    rollout = state.rollout
    return rollout if rollout and rollout.phase in ("running", "paused") else None


def _abort(rollout: Rollout, why: str, blameless: bool = False) -> e.RolloutAborted:
    told = f"{why}; nothing is held against {rollout.revision.label}" if blameless else why
    return e.RolloutAborted(rollout.id, ENGINE, told, blameless=blameless)


def _is_blind(seen: Seen) -> bool:
    """The platform or the router does not answer at all: that is no fault of the release on trial."""
    return seen.instances is None or seen.routes is None


def _verdict(rollout: Rollout, now: datetime) -> list[e.Event]:
    """The verdict that a decision rests on, unless it is on record already."""
    verdict = verdict_now(rollout, now)
    if not isinstance(rollout.step, Analyze | Bake) or verdict == rollout.verdict:
        return []
    return [e.VerdictReached(rollout.id, rollout.position, verdict)]


def _because(details: list[str]) -> str:
    return f": {details[0]}" if details else ""
