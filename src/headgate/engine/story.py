"""The events of one environment as sentences, for `headgate why` and `headgate history --events`."""

from dataclasses import asdict
from functools import singledispatch
from typing import Any

from headgate.decide.standstill import moment
from headgate.model import events as e
from headgate.model.actor import Actor
from headgate.model.approvals import ApprovalGiven, ApprovalWithdrawn, LinkRefused, ReleaseTurnedDown
from headgate.model.checks import CheckEnded, attempted
from headgate.model.freezes import RolloutsFrozen, RolloutsUnfrozen
from headgate.model.glass import GlassBroken
from headgate.model.infrastructure import InfrastructurePlanned, ProvisioningEnded, ProvisioningStarted
from headgate.model.measurements import Value
from headgate.model.monitors import AlarmEnded, AlarmRaised, MonitoringEnded, MonitoringStarted, StableMeasured
from headgate.model.schema import DataRestored, MigrationEnded, MigrationStarted
from headgate.model.steps import describe

# What of an event is told beside its sentence.
NAMED = ("rollout", "release", "outcome", "verdict", "index", "step", "by", "why", "note", "gates")
OF_CHECKS = ("check", "check_kind", "preview", "job", "attempt", "attempts", "numbers", "artifacts")


@singledispatch
def sentence(event: e.Event) -> str:
    return type(event).__name__


@sentence.register
def _(event: e.ReleaseRequested) -> str:
    what = f"the hotfix {event.revision.label}" if event.hotfix else event.revision.label
    glass = ", to pass closed gates by break-glass" if event.break_glass else ""
    return f"{what} was asked for by {event.by}{glass}{_because(event.why)}"


@sentence.register
def _(event: e.ReleaseSuperseded) -> str:
    return f"{event.release} gave way to {event.by_release}: {event.why}"


@sentence.register
def _(event: e.ReleaseDropped) -> str:
    return f"{event.release} will not start: {event.why}"


@sentence.register
def _(event: ApprovalGiven) -> str:
    return f"{event.by} approved {event.release}{_by_which_way(event.actor)}{_because(event.why)}"


@sentence.register
def _(event: ApprovalWithdrawn) -> str:
    return f"{event.by} withdrew the approval of {event.release}{_because(event.why)}"


@sentence.register
def _(event: ReleaseTurnedDown) -> str:
    return f"{event.by} rejected {event.release}{_by_which_way(event.actor)}{_because(event.why)}"


@sentence.register
def _(event: LinkRefused) -> str:
    return f"the link {event.link} of {event.person} to {event.verb} was used again, from {event.source}: {event.why}"


def _by_which_way(actor: Actor | None) -> str:
    return f" ({actor.authenticated}, {actor.source})" if actor else ""


@sentence.register(e.ReleasePinned)
@sentence.register(e.ReleaseUnpinned)
def _(event: e.ReleasePinned | e.ReleaseUnpinned) -> str:
    return f"{event.release} {'pinned' if isinstance(event, e.ReleasePinned) else 'unpinned'} by {event.by}" + _because(
        event.why
    )


@sentence.register
def _(event: RolloutsFrozen) -> str:
    until = f" until {moment(event.until)}" if event.until else ""
    return f"frozen by {event.by}{until}, no rollout starts{_because(event.why)}"


@sentence.register
def _(event: RolloutsUnfrozen) -> str:
    return f"unfrozen by {event.by}{_because(event.why)}"


@sentence.register
def _(event: GlassBroken) -> str:
    passed = f"passed {len(event.gates)} closed: {'; '.join(event.gates)}" if event.gates else "no gate was closed"
    return f"BREAK-GLASS by {event.by} ({event.why}) for {event.release}; {passed}"


@sentence.register
def _(event: MigrationStarted) -> str:
    again = f", attempt {event.attempt}" if event.attempt > 1 else ""
    one, what = event.migration, f"of {event.service} with {event.revision.label}"
    return f"{one.kind} migration {one.level} {what} started by {event.by}{again}{_because(event.why)}"


@sentence.register
def _(event: MigrationEnded) -> str:
    return f"migration {event.level} of {event.service} {event.outcome}{_because(event.why)}"


@sentence.register
def _(event: InfrastructurePlanned) -> str:
    loud = f"; it DESTROYS OR REPLACES {len(event.plan.harmful)}" if event.plan.harmful else ""
    return f"infrastructure plan {event.plan.digest[:17]}: {event.plan}{loud}"


@sentence.register
def _(event: ProvisioningStarted) -> str:
    return f"infrastructure is applied by {event.by}: {event.plan}{_because(event.why)}"


@sentence.register
def _(event: ProvisioningEnded) -> str:
    return f"apply of infrastructure {event.outcome}{_because(event.why)}"


@sentence.register
def _(event: DataRestored) -> str:
    return f"DATA of {event.service} were restored to level {event.level}, says {event.by}{_because(event.why)}"


@sentence.register
def _(event: e.ReleaseSignedOff) -> str:
    return f"{event.release} was {event.verdict} by {event.by}{_because(event.note)}"


@sentence.register
def _(event: e.RolloutStarted) -> str:
    steps = ", ".join(describe(step) for step in event.steps)
    beside = f" beside {event.baseline.label}" if event.baseline else ""
    opened = f"; open were {'; '.join(event.gates)}" if event.gates else ""
    return f"{event.kind} of {event.revision.label}{beside} started by {event.by}: {steps}{opened}"


@sentence.register
def _(event: e.BaselineDropped) -> str:
    return f"the baseline is given up: {event.why}"


@sentence.register
def _(event: CheckEnded) -> str:
    where = " (preview)" if event.preview else ""
    what = "was lost" if event.outcome == "lost" else event.outcome
    return f"check {event.check}{where} {what}{attempted(event.attempt, event.attempts)}{_because(event.why)}"


@sentence.register
def _(event: e.StepCompleted) -> str:
    return f"step {event.index + 1} done: {event.why}"


@sentence.register
def _(event: e.StepsSkipped) -> str:
    return f"{event.by} skipped to step {event.to + 1}{_because(event.why)}"


@sentence.register
def _(event: e.VerdictReached) -> str:
    return f"verdict {event.verdict.outcome}: {event.verdict.why}"


@sentence.register
def _(event: e.MeasurementTaken) -> str:
    taken = event.measurement
    sides = (("candidate", taken.candidate), ("stable", taken.stable), ("baseline", taken.baseline))
    counts = ", ".join(
        f"{side} {service} {sample.requests} requests {sample.errors} errors"
        for side, samples in sides
        for service, sample in samples.items()
    )
    values = "".join(f"; metric {name} {_read(value)}" for name, value in taken.values.items())
    missing = f"; missing: {'; '.join(taken.missing)}" if taken.missing else ""
    return f"measured: {counts or 'nothing'}{values}{missing}"


def _read(value: Value) -> str:
    if value.candidate is None:
        return f"could not be read: {value.missing}"
    return f"{value.candidate:.6g}" + (f" against the stable's {value.stable:.6g}" if value.stable is not None else "")


@sentence.register
def _(event: StableMeasured) -> str:
    return sentence(e.MeasurementTaken(event.rollout, event.measurement))


@sentence.register
def _(event: MonitoringStarted) -> str:
    return f"monitored until {moment(event.until)}: {event.why}"


@sentence.register
def _(event: AlarmRaised) -> str:
    return f"ALARM: {event.why}"


@sentence.register
def _(event: AlarmEnded) -> str:
    return f"the alarm ended: {event.why}"


@sentence.register
def _(event: MonitoringEnded) -> str:
    return f"monitoring ended, {event.outcome}: {event.why}"


@sentence.register(e.RolloutPaused)
@sentence.register(e.RolloutResumed)
def _(event: e.RolloutPaused | e.RolloutResumed) -> str:
    return f"{'paused' if isinstance(event, e.RolloutPaused) else 'resumed'} by {event.by}{_because(event.why)}"


@sentence.register
def _(event: e.RevisionPromoted) -> str:
    return f"promoted: {event.revision} is stable{_because(event.why)}"


@sentence.register
def _(event: e.RolloutAborted) -> str:
    return f"aborted by {event.by}: {event.why}"


@sentence.register
def _(event: e.RolloutEnded) -> str:
    return f"ended, {event.outcome}: {event.why}"


@sentence.register
def _(event: e.BuildRequested) -> str:
    build = event.build
    return f"{build.label} of {build.branch or 'no branch'} was asked for by {event.by}: {build.subject}"


@sentence.register
def _(event: e.CiStepStarted) -> str:
    return f"{event.step} started{_because(event.why)}"


@sentence.register
def _(event: e.CiStepEnded) -> str:
    counts = f", {event.tests.total} tests" if event.tests and event.outcome == "passed" else ""
    was = "was " if event.outcome in ("cancelled", "lost") else ""
    return f"{event.step} {was}{event.outcome} after {event.seconds:.1f} s{counts}{_because(event.why)}"


@sentence.register
def _(event: e.ImageProvided) -> str:
    return f"the image of {event.service} {provided(event)}: {event.reference}"


@sentence.register
def _(event: e.ReleaseRefused) -> str:
    return f"{event.release} may not come to {event.environment}: {event.why}"


def provided(event: e.ImageProvided) -> str:
    """How it came to be there."""
    if event.made:
        return f"was made in {event.seconds:.1f} s"
    return f"was there already, from {event.built_from[:7]}" if event.built_from else "is someone else's"


@sentence.register
def _(event: e.BuildCancelled) -> str:
    return f"cancelled by {event.by}{_because(event.why)}"


@sentence.register
def _(event: e.BuildEnded) -> str:
    became = f"; it is release {event.release}" if event.release else ""
    return f"ended, {event.outcome}{became}{_because(event.why)}"


@sentence.register
def _(event: e.EffectFailed) -> str:
    return f"{event.effect} failed (attempt {event.attempt}): {event.why}"


def told(recorded: e.Recorded) -> dict[str, Any]:
    """`rollout`, `release` and the like are there for events that have them: scripts follow a rollout by them."""
    event = recorded.event
    named = {name: getattr(event, name) for name in NAMED if hasattr(event, name)}
    if isinstance(event, e.VerdictReached):
        del named["verdict"]  # it is in the sentence, with its numbers
    if isinstance(event, CheckEnded):
        named |= {name: getattr(event, name) for name in OF_CHECKS}
    if isinstance(event, e.ReleaseRequested | e.RolloutStarted):
        named["release"] = event.revision.release
    if isinstance(event, e.RolloutStarted):
        named["steps"] = [describe(step) for step in event.steps]
    if isinstance(event, e.CiStepEnded):
        named["tests"] = asdict(event.tests) if event.tests else None
        named["findings"] = asdict(event.findings) if event.findings else None
    kind = type(event).__name__
    return {"at": recorded.at.isoformat(), "version": recorded.version, "kind": kind, "text": sentence(event), **named}


def decisions(recorded: list[e.Recorded]) -> list[dict[str, Any]]:
    """What was decided since a release was last asked for; what was measured is in the verdicts."""
    asked = (i for i, one in enumerate(recorded) if isinstance(one.event, e.ReleaseRequested))
    latest = recorded[max(asked, default=0) :]
    return [told(one) for one in latest if not isinstance(one.event, e.MeasurementTaken | StableMeasured)]


def _because(why: str) -> str:
    return f": {why}" if why else ""
