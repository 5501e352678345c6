"""What happened makes what is: the state of an environment from its events."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import singledispatch

from headgate.decide import migrated, monitoring, provisioning
from headgate.decide.baseline import fewest_instances
from headgate.decide.judging import counted, learnt, weight_at
from headgate.model import events as e
from headgate.model.approvals import Approval, ApprovalGiven, ApprovalWithdrawn, LinkRefused, ReleaseTurnedDown
from headgate.model.checks import CheckEnded, CheckResult
from headgate.model.freezes import Freeze, RolloutsFrozen, RolloutsUnfrozen
from headgate.model.glass import Glass, GlassBroken
from headgate.model.ids import EnvironmentId, ReleaseId
from headgate.model.infrastructure import ProvisioningEvent
from headgate.model.monitors import Alarm, AlarmEnded, AlarmRaised, MonitoringEnded, MonitoringStarted, StableMeasured
from headgate.model.releases import Revision
from headgate.model.rollouts import EnvironmentState, Failure, Past, Pin, Request, Rollout, SignOff
from headgate.model.schema import DataRestored, MigrationEnded, MigrationStarted

KEPT_FAILURES = 20
KEPT_PAST = 200
KEPT_CHECKED = 200  # releases whose checks are remembered here
KEPT_ATTEMPTS = 200  # at checks of one release


def fold(state: EnvironmentState, recorded: Iterable[e.Recorded]) -> EnvironmentState:
    version = state.version
    for one in recorded:
        state, version = apply(one.event, state, one.at), one.version
    return state if version == state.version else replace(state, version=version)


def empty(environment: EnvironmentId) -> EnvironmentState:
    return EnvironmentState(environment)


@singledispatch
def apply(event: e.Event, state: EnvironmentState, at: datetime) -> EnvironmentState:
    """One event onto the state. Events of other streams change nothing here."""
    return state


@apply.register
def _(event: e.ReleaseRequested, state: EnvironmentState, at: datetime) -> EnvironmentState:
    """Approvals are for one request: who approved an earlier one, or another configuration, is asked again."""
    release = event.revision.release
    asked = (event.revision, event.rollout, event.kind, event.by, event.why, at)
    request = Request(*asked, hotfix=event.hotfix, break_glass=event.break_glass)
    approvals = tuple(approval for approval in state.approvals if approval.release != release)
    return replace(state, waiting=request, approvals=approvals, requested=state.requested | {release})


@apply.register
def _(event: e.ReleaseSuperseded, state: EnvironmentState, at: datetime) -> EnvironmentState:
    return _without_waiting(state, event.release)


@apply.register
def _(event: e.ReleaseDropped, state: EnvironmentState, at: datetime) -> EnvironmentState:
    """Of what is stable, configured otherwise: it would be asked for again at once, and for ever."""
    waiting, stable, configurations = state.waiting, state.stable, state.refused_configurations
    if waiting and stable and waiting.revision.release == event.release == stable.release:
        configurations = _refused_configuration(state, waiting.revision, stable, at, event.why)
    return replace(_without_waiting(state, event.release), refused_configurations=configurations)


def _without_waiting(state: EnvironmentState, release: str) -> EnvironmentState:
    keep = state.waiting if state.waiting and state.waiting.revision.release != release else None
    return _without_empty_pin(replace(state, waiting=keep))


def _without_empty_pin(state: EnvironmentState) -> EnvironmentState:
    """A pin ends with the last trace of its release: aborted, given way, rolled back from."""
    places = (state.stable, state.rollout and state.rollout.revision, state.waiting and state.waiting.revision)
    if state.pin is None or state.pin.release in [revision.release for revision in places if revision]:
        return state
    return replace(state, pin=None)


@apply.register
def _(event: e.ReleasePinned, state: EnvironmentState, at: datetime) -> EnvironmentState:
    return replace(state, pin=Pin(event.release, event.by, event.why, at))


@apply.register
def _(event: e.ReleaseUnpinned, state: EnvironmentState, at: datetime) -> EnvironmentState:
    return replace(state, pin=None)


@apply.register
def _(event: RolloutsFrozen, state: EnvironmentState, at: datetime) -> EnvironmentState:
    return replace(state, freeze=Freeze(event.by, event.why, at, event.until))


@apply.register
def _(event: RolloutsUnfrozen, state: EnvironmentState, at: datetime) -> EnvironmentState:
    return replace(state, freeze=None)


@apply.register
def _(event: e.ReleaseSignedOff, state: EnvironmentState, at: datetime) -> EnvironmentState:
    found = SignOff(event.by, event.verdict, event.note, at)
    return replace(state, signed_off={**state.signed_off, event.release: found})


@apply.register
def _(event: ApprovalGiven, state: EnvironmentState, at: datetime) -> EnvironmentState:
    proven = event.actor is not None and event.actor.proven
    given = Approval(event.release, event.by, at, event.set, proven, event.why)
    return _used(event.link, replace(state, approvals=(*state.approvals, given)))


@apply.register
def _(event: ApprovalWithdrawn, state: EnvironmentState, at: datetime) -> EnvironmentState:
    ended = [one for one in state.approvals if one.release == event.release and one.by in event.accounts]
    return replace(state, approvals=tuple(one for one in state.approvals if one not in ended))


@apply.register
def _(event: ReleaseTurnedDown, state: EnvironmentState, at: datetime) -> EnvironmentState:
    return _used(event.link, state)


@apply.register
def _(event: LinkRefused, state: EnvironmentState, at: datetime) -> EnvironmentState:
    return replace(state, replayed=state.replayed | {event.link})


def _used(link: str, state: EnvironmentState) -> EnvironmentState:
    return replace(state, links=state.links | {link}) if link else state


@apply.register
def _(event: e.RolloutStarted, state: EnvironmentState, at: datetime) -> EnvironmentState:
    asked = state.waiting if state.waiting and state.waiting.rollout == event.rollout else None
    waiting = None if asked else state.waiting
    rollout = Rollout(
        id=event.rollout,
        kind=event.kind,
        revision=event.revision,
        replaces=event.replaces,
        steps=event.steps,
        strategy=event.strategy,
        analysis=event.analysis,
        deadlines=event.deadlines,
        by=event.by,
        started_at=at,
        step_started_at=at,
        why=event.why,
        last_tick_at=at,
        baseline=event.baseline,
        instances=fewest_instances(event.revision, event.baseline or state.stable),
        hotfix=asked is not None and asked.hotfix,
    )
    refused, configurations = state.refused, state.refused_configurations
    if event.kind == "rollback" and state.stable and state.stable.release != event.revision.release:
        refused = {**refused, state.stable.release: (at, event.why)}
    elif event.kind == "rollback" and state.stable:
        configurations = _refused_configuration(state, state.stable, event.revision, at, event.why)
    return replace(
        state,
        rollout=rollout,
        waiting=waiting,
        strategy=event.strategy,
        failures=(),
        draining_since=at,
        refused=refused,
        refused_configurations=configurations,
        warm_until=None,  # two run at most: what was warm is stopped now, and an abort does not start it again
    )


@apply.register
def _(event: GlassBroken, state: EnvironmentState, at: datetime) -> EnvironmentState:
    return _with(state, glass=Glass(event.by, event.why, at, event.gates))


def _with(state: EnvironmentState, **changes: object) -> EnvironmentState:
    if state.rollout is None:
        return state
    return replace(state, rollout=replace(state.rollout, **changes))  # type: ignore[arg-type]


@apply.register
def _(event: e.StepCompleted, state: EnvironmentState, at: datetime) -> EnvironmentState:
    return replace(_walked(state, event.index + 1, at, event.why), failures=())


@apply.register
def _(event: CheckEnded, state: EnvironmentState, at: datetime) -> EnvironmentState:
    """What did not pass is tried again, while attempts are left."""
    what = (event.check, event.check_kind, event.preview, event.outcome, event.why, event.attempt, event.attempts)
    result = CheckResult(*what, event.rollout, event.job, at, event.numbers, event.artifacts)
    known = {release: results for release, results in state.checks.items() if release != event.release}
    known[event.release] = (*state.checks.get(event.release, ()), result)[-KEPT_ATTEMPTS:]
    checks = dict(list(known.items())[-KEPT_CHECKED:])
    return replace(_with(state, attempt=_next_attempt(event), ended=result), checks=checks)


def _next_attempt(event: CheckEnded) -> int:
    return event.attempt if event.outcome == "passed" else min(event.attempt + 1, event.attempts)


@apply.register
def _(event: e.StepsSkipped, state: EnvironmentState, at: datetime) -> EnvironmentState:
    return _walked(state, event.to, at, event.why)


def _walked(state: EnvironmentState, to: int, at: datetime, why: str) -> EnvironmentState:
    """At full weight a baseline is no longer wanted: from then on it drains."""
    moved = _with(state, position=to, step_started_at=at, why=why, verdict=None, attempt=1, ended=None)
    before, after = state.rollout, moved.rollout
    leaves = before and after and before.baseline and weight_at(before) < 100 <= weight_at(after)
    return replace(moved, draining_since=at) if leaves else moved


@apply.register
def _(event: e.BaselineDropped, state: EnvironmentState, at: datetime) -> EnvironmentState:
    rollout = state.rollout
    if rollout is None:
        return state
    alone = _with(state, baseline=None, instances=fewest_instances(rollout.revision, state.stable))
    return replace(alone, draining_since=at)


@apply.register
def _(event: e.MeasurementTaken, state: EnvironmentState, at: datetime) -> EnvironmentState:
    """The evidence follows from the measurements alone: a crash or a replay gives the identical verdict."""
    rollout, taken = state.rollout, event.measurement
    if rollout is None:
        return state
    evidence = learnt(rollout, state.stable, taken)
    counts = counted(rollout, taken)
    state = replace(state, records=monitoring.recorded(state, taken, rollout.ticks))
    return _with(state, ticks=taken.tick, last_tick_at=taken.window.end, evidence=evidence, counts=counts)


@apply.register
def _(event: e.VerdictReached, state: EnvironmentState, at: datetime) -> EnvironmentState:
    return _with(state, verdict=event.verdict, why=event.verdict.why)


@apply.register
def _(event: e.RolloutPaused, state: EnvironmentState, at: datetime) -> EnvironmentState:
    return _with(state, phase="paused", paused_at=at, why=event.why)


@apply.register
def _(event: e.RolloutResumed, state: EnvironmentState, at: datetime) -> EnvironmentState:
    """The pause uses up no deadline; what was held because its time was up gets all of it again."""
    rollout = state.rollout
    if rollout is None or rollout.paused_at is None:
        return state
    held = rollout.paused_at - rollout.step_started_at > rollout.step.deadline
    started = at if held else rollout.step_started_at + (at - rollout.paused_at)
    return _with(state, phase="running", paused_at=None, step_started_at=started, why=event.why)


@apply.register
def _(event: e.RevisionPromoted, state: EnvironmentState, at: datetime) -> EnvironmentState:
    rollout = state.rollout
    if rollout is None:
        return state
    promoted = {**state.promoted, rollout.revision.release: at}
    both = [one.id for one in (rollout.revision, state.stable) if one]
    moved = _with(state, phase="retiring", why=event.why)
    return replace(
        moved,
        stable=rollout.revision,
        stable_since=at,
        previous=state.stable,
        warm_until=event.warm_until,
        promoted=promoted,
        refused_configurations=_without(state.refused_configurations, rollout.revision.configuration),
        soaked=_soaked(state, at),
        draining_since=at,
        alarm=None,
        records={one: state.records[one] for one in both if one in state.records},
    )


def _without(refused: dict[str, tuple[datetime, str]], configuration: str) -> dict[str, tuple[datetime, str]]:
    return {digest: known for digest, known in refused.items() if digest != configuration}


def _soaked(state: EnvironmentState, at: datetime) -> dict[ReleaseId, timedelta]:
    if state.stable is None or state.stable_since is None:
        return state.soaked
    release, more = state.stable.release, max(at - state.stable_since, timedelta())
    return {**state.soaked, release: state.soaked.get(release, timedelta()) + more}


@apply.register
def _(event: e.RolloutAborted, state: EnvironmentState, at: datetime) -> EnvironmentState:
    gave_way = event.gave_way_to is not None
    moved = _with(state, phase="aborting", step_started_at=at, paused_at=None, why=event.why, gave_way=gave_way)
    refused, configurations = _refused_after_abort(event, state, at), state.refused_configurations
    rollout, stable = state.rollout, state.stable
    blamed = refused is state.refused and not gave_way and not event.blameless
    if rollout and stable and rollout.kind == "deploy" and blamed:
        configurations = _refused_configuration(state, rollout.revision, stable, at, event.why)
    return replace(
        moved, failures=(), draining_since=at, refused=refused, refused_configurations=configurations
    )


def _refused_configuration(
    state: EnvironmentState, left: Revision, kept: Revision, at: datetime, why: str
) -> dict[str, tuple[datetime, str]]:
    """The release is the same before and after: what is put back is how it was configured. Old logs hold no digest."""
    if not left.configuration or left.configuration == kept.configuration:
        return state.refused_configurations
    return {**state.refused_configurations, left.configuration: (at, why)}


def _refused_after_abort(
    event: e.RolloutAborted, state: EnvironmentState, at: datetime
) -> dict[ReleaseId, tuple[datetime, str]]:
    """A rollback that fails says nothing against the release it went to; nor does new configuration against the old."""
    rollout = state.rollout
    if rollout is None or rollout.kind == "rollback" or event.gave_way_to or event.blameless:
        return state.refused
    if state.stable is not None and state.stable.release == rollout.revision.release:
        return state.refused
    return {**state.refused, rollout.revision.release: (at, event.why)}


@apply.register
def _(event: e.RolloutEnded, state: EnvironmentState, at: datetime) -> EnvironmentState:
    rollout = state.rollout
    if rollout is None:
        return state
    flown = (rollout.id, rollout.kind, rollout.revision, event.outcome, rollout.started_at, at, rollout.why)
    past = Past(*flown, glass=rollout.glass, gave_way=rollout.gave_way, by=rollout.by)
    watched = monitoring.resumed(state.monitoring, at) if event.outcome == "aborted" else state.monitoring
    ended = replace(state, rollout=None, past=(*state.past, past)[-KEPT_PAST:], failures=(), monitoring=watched)
    return _without_empty_pin(ended)


@apply.register
def _(event: MigrationStarted, state: EnvironmentState, at: datetime) -> EnvironmentState:
    return migrated.started(event, state, at)


@apply.register
def _(event: MigrationEnded, state: EnvironmentState, at: datetime) -> EnvironmentState:
    return migrated.ended(event, state, at)


@apply.register
def _(event: ProvisioningEvent, state: EnvironmentState, at: datetime) -> EnvironmentState:
    return provisioning.folded(event, state, at)


@apply.register
def _(event: DataRestored, state: EnvironmentState, at: datetime) -> EnvironmentState:
    return migrated.restored(event, state)


@apply.register
def _(event: e.EffectFailed, state: EnvironmentState, at: datetime) -> EnvironmentState:
    failure = Failure(event.effect, event.why, event.attempt, at, event.hopeless, event.away)
    return replace(state, failures=(*state.failures, failure)[-KEPT_FAILURES:])


@apply.register
def _(event: MonitoringStarted, state: EnvironmentState, at: datetime) -> EnvironmentState:
    return replace(state, monitoring=monitoring.begun(event, state, at))


@apply.register
def _(event: StableMeasured, state: EnvironmentState, at: datetime) -> EnvironmentState:
    """The same evidence after a crash or a replay, as in a rollout."""
    known, taken = state.monitoring, event.measurement
    if known is None:
        return state
    records = monitoring.recorded(state, taken, known.ticks)
    return replace(state, monitoring=monitoring.learnt(known, taken), records=records)


@apply.register
def _(event: AlarmRaised, state: EnvironmentState, at: datetime) -> EnvironmentState:
    return replace(state, alarm=Alarm(event.kind, event.why, at))


@apply.register
def _(event: AlarmEnded, state: EnvironmentState, at: datetime) -> EnvironmentState:
    return replace(state, alarm=None)


@apply.register
def _(event: MonitoringEnded, state: EnvironmentState, at: datetime) -> EnvironmentState:
    return replace(state, monitoring=None)
