"""Commands: each is accepted as events, or refused with the reason and what to do instead."""

from datetime import datetime
from functools import singledispatch

from headgate.decide import provisioning
from headgate.decide.approving import may_approve, may_reject, may_withdraw
from headgate.decide.gates import rejected
from headgate.decide.going_back import GoingBack, just_back, roll_back
from headgate.decide.horizon import past_horizon
from headgate.decide.migrating import asked_for
from headgate.decide.people import may_break_glass
from headgate.decide.progress import can_serve
from headgate.decide.standstill import may_freeze, may_unfreeze
from headgate.model import commands as c
from headgate.model import events as e
from headgate.model.observations import Seen
from headgate.model.releases import Revision
from headgate.model.rollouts import EnvironmentState, Request, Rollout
from headgate.model.steps import Migrate, Provision, Retire, SetWeight

Answer = list[e.Event] | c.Refused


@singledispatch
def accept(command: c.Command, state: EnvironmentState, seen: Seen, now: datetime) -> Answer:
    raise TypeError(command)


@accept.register
def _(command: c.Deploy, state: EnvironmentState, seen: Seen, now: datetime) -> Answer:
    revision, rollout = command.revision, state.rollout
    if refused := _may_not_deploy(revision, state, seen) or _may_not_break_glass(command, seen):
        return refused
    if rollout and rollout.phase in ("running", "paused") and rollout.revision.id == revision.id:
        return c.Refused(f"{revision.label} is already rolling out here; `headgate watch` shows it")
    if refused := _must_stand_back(command, state, seen):
        return refused
    hurry = (command.hotfix, command.break_glass)
    request = e.ReleaseRequested(revision, command.rollout, "deploy", command.by, command.why, *hurry)
    return [*_superseded(command, state), request, *_held_from_now_on(command, state)]


def _may_not_break_glass(command: c.Deploy, seen: Seen) -> c.Refused | None:
    """By the applied rules alone, and nobody where they name nobody."""
    if not command.break_glass:
        return None
    named = seen.rules.break_glass if seen.rules else ()
    if not named:
        return c.Refused("nobody may break the glass here; `break_glass: [PERSON]` in the applied file says who may")
    if not may_break_glass(command.by, seen.rules):
        return c.Refused(f"{command.by} may not break the glass here; {', '.join(named)} may")
    return None if command.why else c.Refused("breaking the glass says why: --why TEXT")


def _must_stand_back(command: c.Deploy, state: EnvironmentState, seen: Seen) -> c.Refused | None:
    """Who may not ask now: the pipeline where a person pinned, and who would disturb what goes first."""
    waiting, label = state.waiting, command.revision.label
    if command.automatic and state.pin:
        return c.Refused(f"{state.pin.by} pinned a release here: {label} does not come by itself; `headgate unpin`")
    if command.automatic and _is_stable(command.revision, state) and (busy := _busy_with(state)):
        return c.Refused(f"{busy.label} goes first: what is stable is configured anew after it")
    if waiting and waiting.revision.id == command.revision.id and _asks_for_no_more(command, waiting):
        return c.Refused(f"{label} is already waiting here; `headgate why` says for what")
    if waiting and waiting.kind == "rollback":
        return c.Refused("a rollback is waiting here; deploy again when it is through")
    if command.hotfix:
        return None if command.why else c.Refused("a hotfix goes before others: say why, with --why TEXT")
    if waiting and waiting.hotfix:
        return c.Refused(f"the hotfix {waiting.revision.label} goes first; deploy {label} again when it is through")
    if seen.rules and seen.rules.concurrency == "finish" and (busy := _busy_with(state)):
        return c.Refused(f"{busy.label} is finished first, as `concurrency: finish` says; deploy {label} again then")
    return None


def _asks_for_no_more(command: c.Deploy, waiting: Request) -> bool:
    return waiting.hotfix >= command.hotfix and waiting.break_glass >= command.break_glass


def _is_stable(revision: Revision, state: EnvironmentState) -> bool:
    return state.stable is not None and state.stable.release == revision.release


def _busy_with(state: EnvironmentState) -> Revision | None:
    return state.rollout.revision if state.rollout else state.waiting.revision if state.waiting else None


def _superseded(command: c.Deploy, state: EnvironmentState) -> list[e.Event]:
    if state.waiting is None:
        return []
    older, label = state.waiting.revision, command.revision.label
    why = f"{label} is newer than {older.label}, which had not started"
    why = f"{label} was asked for again, to break the glass" if command.break_glass and older.label == label else why
    why = f"the hotfix {label} goes first" if command.hotfix else why
    return [e.ReleaseSuperseded(older.release, command.revision.release, why)]


def _held_from_now_on(command: c.Deploy, state: EnvironmentState) -> list[e.Event]:
    """A person's next deployment ends a pin, or replaces it."""
    if command.pin:
        return [e.ReleasePinned(command.revision.release, command.by, command.why)]
    if state.pin is None or command.automatic:
        return []
    return [e.ReleaseUnpinned(state.pin.release, command.by, f"{command.by} deploys {command.revision.label}")]


def _may_not_deploy(revision: Revision, state: EnvironmentState, seen: Seen) -> c.Refused | None:
    if seen.rules is None:
        return c.Refused("this environment is not in the applied specification; `headgate apply` it first")
    if revision.release in seen.quarantined:
        why = seen.quarantined[revision.release]
        lift = f"lift it with `headgate lift {revision.label} --why ...`"
        return c.Refused(f"{revision.label} is quarantined: {why}; {lift}")
    if why := past_horizon(revision, state):
        return c.Refused(why)
    if why := rejected(revision.release, revision.label, seen):
        return c.Refused(f"{why}; who finds otherwise says so there: `headgate sign-off`")
    if seen.rules.after and revision.release not in seen.passed:
        after = seen.rules.after
        first = f"deploy it there first: `headgate deploy {after} {revision.label}`"
        return c.Refused(f"{revision.label} was not promoted in {after}; {first}")
    if state.rollout is None and state.waiting is None and state.stable and state.stable.id == revision.id:
        ground = seen.rules.infrastructure is not None
        more = "; what it stands on alone: `headgate infra plan`, `infra apply`" if ground else ""
        return c.Refused(f"{revision.label} with this configuration is already stable here{more}")
    return None


@accept.register
def _(command: c.Pause, state: EnvironmentState, seen: Seen, now: datetime) -> Answer:
    rollout = _trial(state)
    if isinstance(rollout, c.Refused):
        return rollout
    if rollout.phase == "paused":
        return c.Refused("the rollout is already paused; `headgate resume` lets it go on")
    return [e.RolloutPaused(rollout.id, command.by, command.why or f"paused by {command.by}")]


@accept.register
def _(command: c.Resume, state: EnvironmentState, seen: Seen, now: datetime) -> Answer:
    rollout = _trial(state)
    if isinstance(rollout, c.Refused):
        return rollout
    if rollout.phase != "paused":
        return c.Refused("the rollout is not paused")
    return [_resumed(rollout, command.by, command.why)]


@accept.register
def _(command: c.Promote, state: EnvironmentState, seen: Seen, now: datetime) -> Answer:
    rollout = _trial(state)
    if isinstance(rollout, c.Refused):
        return rollout
    if isinstance(rollout.step, Provision | Migrate):
        what = "a migration" if isinstance(rollout.step, Migrate) else "the infrastructure"
        return c.Refused(f"{what} comes before the candidate; `headgate why` shows how far it is")
    if not can_serve(rollout.revision, seen):
        return c.Refused("the candidate is not ready to serve; `headgate why` says what is missing")
    to = _promotion_step(rollout)
    resumed = [_resumed(rollout, command.by, command.why)] if rollout.phase == "paused" else []
    why = command.why or f"promoted by {command.by}, the remaining steps skipped"
    return [*resumed, e.StepsSkipped(rollout.id, to, command.by, why)]


def _promotion_step(rollout: Rollout) -> int:
    """The last weight step, which is to 100; past it (checks, bake), the retire step."""
    full = max(i for i, step in enumerate(rollout.steps) if isinstance(step, SetWeight))
    retire = next(i for i, step in enumerate(rollout.steps) if isinstance(step, Retire))
    return full if rollout.position < full else retire if rollout.position > full else full


def _resumed(rollout: Rollout, by: str, why: str) -> e.RolloutResumed:
    return e.RolloutResumed(rollout.id, by, why or f"resumed by {by}")


@accept.register
def _(command: c.Abort, state: EnvironmentState, seen: Seen, now: datetime) -> Answer:
    rollout = _trial(state)
    if isinstance(rollout, c.Refused):
        return rollout
    return [e.RolloutAborted(rollout.id, command.by, command.why or f"aborted by {command.by}")]


@accept.register
def _(command: c.Rollback, state: EnvironmentState, seen: Seen, now: datetime) -> Answer:
    """With a candidate on trial and no target named, going back is aborting it. Going back waits for nothing."""
    rollout = state.rollout
    why = command.why or f"rolled back by {command.by}"
    if rollout and rollout.phase in ("running", "paused"):
        if rollout.kind == "rollback":
            return c.Refused(f"a rollback to {rollout.revision.label} is already under way")
        if command.to is None:
            return [e.RolloutAborted(rollout.id, command.by, why)]
        return c.Refused("a rollout is in flight; abort it first: `headgate abort`")
    if rollout and rollout.phase == "aborting":
        return c.Refused("an abort is under way: traffic is already going back")
    if command.to is None and (done := just_back(state, now)):
        return c.Refused(done)
    return roll_back(GoingBack(command.rollout, command.by, why, command.to), state, seen, now)


@accept.register
def _(command: c.Approve, state: EnvironmentState, seen: Seen, now: datetime) -> Answer:
    return may_approve(command, state, seen, now)


@accept.register
def _(command: c.Withdraw, state: EnvironmentState, seen: Seen, now: datetime) -> Answer:
    return may_withdraw(command, state, seen)


@accept.register
def _(command: c.Reject, state: EnvironmentState, seen: Seen, now: datetime) -> Answer:
    return may_reject(command, state, seen)


@accept.register
def _(command: c.Pin, state: EnvironmentState, seen: Seen, now: datetime) -> Answer:
    """What is wanted here now: a release on trial or waiting would replace the stable."""
    wanted = state.waiting.revision if state.waiting else state.rollout.revision if state.rollout else state.stable
    if wanted is None:
        return c.Refused("there is no release here to pin; `headgate deploy` one")
    if state.pin and state.pin.release == wanted.release:
        return c.Refused(f"{wanted.label} is pinned here already, by {state.pin.by}")
    return [e.ReleasePinned(wanted.release, command.by, command.why)]


@accept.register
def _(command: c.Unpin, state: EnvironmentState, seen: Seen, now: datetime) -> Answer:
    if state.pin is None:
        return c.Refused("nothing is pinned here")
    return [e.ReleaseUnpinned(state.pin.release, command.by, command.why)]


@accept.register
def _(command: c.Freeze, state: EnvironmentState, seen: Seen, now: datetime) -> Answer:
    return may_freeze(command, state.freeze, now, state.id.partition("/")[2])


@accept.register
def _(command: c.Unfreeze, state: EnvironmentState, seen: Seen, now: datetime) -> Answer:
    answer = may_unfreeze(command, state.freeze, now)
    if isinstance(answer, c.Refused) and seen.frozen and seen.frozen.holds(now):
        return c.Refused(f"{seen.frozen.by} froze every environment; `headgate unfreeze --all` ends that")
    return answer


@accept.register
def _(command: c.Migrate, state: EnvironmentState, seen: Seen, now: datetime) -> Answer:
    return asked_for(command, state, seen, now)


@accept.register
def _(command: c.Provision, state: EnvironmentState, seen: Seen, now: datetime) -> Answer:
    return provisioning.asked_for(command, state, seen, now)


@accept.register
def _(command: c.SignOff, state: EnvironmentState, seen: Seen, now: datetime) -> Answer:
    """Only of what users of this environment had in their hands: a release that is, or was, stable here."""
    if state.stable is None:
        return c.Refused("no release is stable here, so there is nothing to sign off")
    release = command.release or state.stable.release
    if release not in state.promoted:
        return c.Refused(f"{release} was never stable here; {state.stable.label} is")
    if command.verdict == "rejected" and not command.note:
        return c.Refused("a rejection says why: --note TEXT")
    return [e.ReleaseSignedOff(release, command.by, command.verdict, command.note)]


def _trial(state: EnvironmentState) -> Rollout | c.Refused:
    rollout = state.rollout
    if rollout is None:
        return c.Refused("no rollout is in flight here; `headgate history` shows past ones")
    if rollout.phase == "aborting":
        return c.Refused("the rollout is already being aborted")
    if rollout.phase == "retiring":
        return c.Refused("the candidate is already stable; `headgate rollback` goes back")
    return rollout
