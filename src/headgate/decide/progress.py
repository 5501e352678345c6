"""Has the current step reached its outcome? One interpreter for the steps of every strategy.

A step is done, failed, or still waiting; each carries the sentence that `headgate why` prints.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from headgate.decide import provisioning
from headgate.decide.judging import verdict_now
from headgate.decide.migrating import in_its_way, latest, of_step
from headgate.model.checks import Check, JobSeen, attempted
from headgate.model.ids import JobId, RevisionId
from headgate.model.infrastructure import InfrastructurePlan
from headgate.model.observations import Instance, Seen
from headgate.model.releases import Revision
from headgate.model.rollouts import EnvironmentState, Rollout
from headgate.model.steps import Analyze, AwaitReady, Bake, Migrate, Provision, Retire, RunCheck, SetWeight, Start
from headgate.model.verdicts import Outcome


@dataclass(frozen=True, slots=True)
class Done:
    why: str


@dataclass(frozen=True, slots=True)
class Waiting:
    why: str


@dataclass(frozen=True, slots=True)
class Failed:
    why: str
    blameless: bool = False  # what it came to was lost: that says nothing against the candidate


Progress = Done | Waiting | Failed


def progress(state: EnvironmentState, rollout: Rollout, seen: Seen, now: datetime) -> Progress:
    """A step is never done blindly, nor past readiness without a candidate that can serve; its deadline runs on."""
    outcome = _outcome(state, rollout, seen, now)
    if not isinstance(outcome, Done):
        return outcome
    if seen.instances is None or seen.routes is None:
        return Waiting(f"{outcome.why}, but {_blind(seen)}")
    if not isinstance(rollout.step, Provision | Migrate | Start | Retire) and not can_serve(rollout.revision, seen):
        return Waiting(f"{outcome.why}, but a service of the candidate has no ready instance")
    return outcome


def _outcome(state: EnvironmentState, rollout: Rollout, seen: Seen, now: datetime) -> Progress:
    match rollout.step:
        case Provision() | Migrate() as step:
            return _before(step, state, rollout, seen)
        case Start():
            return _started(rollout.revision, seen)
        case AwaitReady():
            return _all_ready(rollout, seen)
        case RunCheck() as step:
            return _checked(step, rollout, seen)
        case SetWeight(weight=weight):
            return _weighted(state, rollout, weight, seen)
        case Analyze():
            return _analyzed(rollout, now)
        case Bake(duration=duration):
            return _baked(rollout, duration, now)
        case Retire():
            return _retired(state, seen, now)


def job_id(rollout: Rollout) -> JobId:
    return JobId(f"{rollout.id}-{rollout.position}-{rollout.attempt}")


def instances_of(revision: RevisionId, seen: Seen) -> list[Instance]:
    return [instance for instance in seen.instances or () if instance.revision == revision]


def can_serve(revision: Revision, seen: Seen) -> bool:
    """Every service has an instance that is ready."""
    ready = {instance.service for instance in instances_of(revision.id, seen) if instance.state == "ready"}
    return all(service.name in ready for service in revision.services)


def short_of(revision: Revision, seen: Seen, states: tuple[str, ...]) -> list[str]:
    """What is missing, as "web 1 of 2", counting instances in the given states.

    A platform that scales by itself may begin with more than the file's least, where the stable has grown: all of
    those are waited for, since they are what the stable's load needs.
    """
    found = instances_of(revision.id, seen)
    count = Counter(instance.service for instance in found if instance.state in states)
    begun = Counter(instance.service for instance in found if instance.state in ("starting", "ready", "unready"))
    wanted = {service.name: max(service.replicas, begun[service.name]) for service in revision.services}
    return [f"{name} {count[name]} of {least}" for name, least in wanted.items() if count[name] < least]


def _blind(seen: Seen) -> str:
    return "; ".join(seen.unknown) or "platform or router could not be seen"


def _before(step: Provision | Migrate, state: EnvironmentState, rollout: Rollout, seen: Seen) -> Progress:
    """What the candidate is to find when it starts."""
    if isinstance(step, Provision):
        return _provisioned(step.plan, state, rollout)
    return _migrated(step, state, rollout, seen)


def _provisioned(plan: InfrastructurePlan, state: EnvironmentState, rollout: Rollout) -> Progress:
    """One that fails says nothing against the code that would have run on it."""
    run = provisioning.outcome(rollout, state)
    if run is None:
        return Waiting("the infrastructure is changed first")
    if run.state == "failed":
        return Failed(f"the infrastructure could not be changed: {run.why}", blameless=True)
    return Done(f"the infrastructure is as planned: {plan}") if run.state == "passed" else Waiting(f"applying: {plan}")


def _migrated(step: Migrate, state: EnvironmentState, rollout: Rollout, seen: Seen) -> Progress:
    known, what = latest(step.service, step.level, state), f"migration {step.level} of {step.service}"
    if known is not None and known.state == "passed":
        return Done(f"{what} {known.why or 'passed'}")
    if known is not None and known.rollout == rollout.id:
        failed = Failed(f"{what} failed: {known.why}", known.lost)
        return failed if known.state == "failed" else Waiting(f"{what} is running")
    before = in_its_way(of_step(rollout)[1], rollout.revision, state, seen)
    return Waiting(f"{what} begins once nothing is in its way: {before}" if before else f"{what} begins")


def _started(revision: Revision, seen: Seen) -> Progress:
    if seen.instances is None:
        return Waiting(_blind(seen))
    missing = short_of(revision, seen, ("starting", "ready", "unready", "exited"))
    return Waiting(f"instances being started: {', '.join(missing)}") if missing else Done("all instances were started")


def _all_ready(rollout: Rollout, seen: Seen) -> Progress:
    """Candidate and baseline start together, so that both are as old as each other when they are compared."""
    mine = ready(rollout.revision, seen)
    if rollout.baseline is None or not isinstance(mine, Done):
        return mine
    its = ready(rollout.baseline, seen)
    return its if isinstance(its, Done) else Waiting(f"{rollout.baseline.label}: {its.why}")


def ready(revision: Revision, seen: Seen) -> Progress:
    if seen.instances is None:
        return Waiting(_blind(seen))
    missing = short_of(revision, seen, ("ready",))
    if not missing:
        return Done("all instances are ready")
    reasons = sorted({i.detail for i in instances_of(revision.id, seen) if i.state != "ready" and i.detail})
    return Waiting(f"ready: {', '.join(missing)}" + (f" ({reasons[0]})" if reasons else ""))


def _checked(step: RunCheck, rollout: Rollout, seen: Seen) -> Progress:
    """What counts is the attempt on record: see `checking.note_check`."""
    ended, check = rollout.ended, step.check
    if ended is None or ended.attempt < rollout.attempt:
        return Waiting(_attempting(check, rollout, seen))
    told = f"check {check.name} {ended.told}"
    return Done(told) if ended.passed else Failed(told, ended.outcome == "lost")


def _attempting(check: Check, rollout: Rollout, seen: Seen) -> str:
    job = next((job for job in seen.jobs if job.id == job_id(rollout)), None)
    if job is not None and may_run_again(check, job):
        return f"check {check.name} was lost, is started again: {job.detail}"
    earlier = f"; before, it {rollout.ended.told}" if rollout.ended else ""
    return f"check {check.name} is running{attempted(rollout.attempt, check.attempts)}{earlier}"


def may_run_again(check: Check, job: JobSeen) -> bool:
    """A probe that was lost with the server says nothing of the candidate, and changed nothing; a command may have."""
    return job.state == "lost" and check.kind == "smoke"


def _weighted(state: EnvironmentState, rollout: Rollout, weight: int, seen: Seen) -> Progress:
    if seen.routes is None:
        return Waiting("; ".join(seen.unknown) or "the router could not be asked")
    routes = seen.routes.routes
    if routes and routes.names(rollout.revision.id) and routes.weight(rollout.revision.id) == weight:
        return Done(f"the router says {weight} % go to the candidate")
    alone = state.stable is not None and not can_serve(state.stable, seen)
    if routes and alone and routes.weight(rollout.revision.id) == 100:
        # The fix for a broken stable must not be held up by it. `analyze` then asks for a person.
        return Done(f"the stable has no ready instance: the candidate has all traffic instead of {weight} %")
    if not can_serve(rollout.revision, seen):
        return Waiting("the candidate has a service without a ready instance")
    return Waiting(f"the router does not yet say {weight} %")


def _analyzed(rollout: Rollout, now: datetime) -> Progress:
    verdict = verdict_now(rollout, now)
    if verdict.outcome is Outcome.FAIL:
        return Failed(f"analysis failed: {verdict.why}")
    if verdict.outcome is Outcome.PASS:
        return Done(f"analysis passed: {verdict.why}")
    return Waiting(f"{verdict.outcome}: {verdict.why}")


def _baked(rollout: Rollout, duration: timedelta, now: datetime) -> Progress:
    """A bake needs no proof, but it needs sight: it does not end while the metric source is blind."""
    verdict = verdict_now(rollout, now)
    passed = now - rollout.step_started_at
    if verdict.outcome is Outcome.FAIL:
        return Failed(f"analysis failed: {verdict.why}")
    if passed < duration:
        return Waiting(f"baking {seconds(passed)} of {seconds(duration)}: {verdict.why}")
    if verdict.outcome is Outcome.NO_DATA:
        return Waiting(f"bake is over but nothing can be seen: {verdict.why}")
    return Done(f"nothing worse in {seconds(duration)}: {verdict.why}")


def _retired(state: EnvironmentState, seen: Seen, now: datetime) -> Progress:
    previous = state.previous
    if previous is None or (state.stable and previous.id == state.stable.id):
        return Done("there was no earlier revision")
    if state.warm_until is not None and now < state.warm_until:
        return Done(f"{previous.label} stays warm until {state.warm_until:%H:%M:%S} UTC")
    if seen.instances is None:
        return Waiting(_blind(seen))
    left = len(instances_of(previous.id, seen))
    return Waiting(f"{left} instances of {previous.label} are stopping") if left else Done(f"{previous.label} is gone")


def seconds(duration: timedelta) -> str:
    return f"{duration.total_seconds():.0f} s"
