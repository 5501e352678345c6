"""Going back to what was stable before: whether that may be, to which revision, and how it begins.

A person's `headgate rollback` and the sentinel after a promotion both ask `roll_back`: no other rule lets either go.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from headgate.decide.horizon import earlier, past_horizon
from headgate.decide.starting import monitoring_ends, start
from headgate.model import commands as c
from headgate.model import events as e
from headgate.model.ids import ReleaseId, RevisionId, RolloutId
from headgate.model.observations import Seen
from headgate.model.releases import Revision
from headgate.model.rollouts import EnvironmentState, Past, Request

ENGINE = "headgate"  # the `by` of what was decided without a person
JUST = timedelta(minutes=5)  # in which a person may not know it yet


@dataclass(frozen=True, slots=True)
class GoingBack:
    """Who asks, and why. `only`: the one revision that will do, for who judged that one; empty: any that was good."""

    rollout: RolloutId
    by: str
    why: str
    to: str | None = None  # release id, version or commit; None: what was stable before
    only: RevisionId | None = None


def roll_back(asked: GoingBack, state: EnvironmentState, seen: Seen, now: datetime) -> list[e.Event] | c.Refused:
    """With nothing on trial. Waits for no gate and no freeze."""
    if seen.rules is None:
        return c.Refused("this environment is not in the applied specification; `headgate apply` it first")
    target = way_back(asked, state, seen)
    if isinstance(target, c.Refused):
        return target
    ended: list[e.Event] = []
    if state.rollout:
        ended = [e.RolloutEnded(state.rollout.id, "promoted", "a rollback came before the old was retired")]
    request = Request(target, asked.rollout, "rollback", asked.by, asked.why, now)
    wanted = e.ReleaseRequested(target, asked.rollout, "rollback", asked.by, asked.why)
    ended += monitoring_ends(state, "rolled-back", f"the rollback of {target.label} begins")
    return [*ended, *_gave_way(state, target), wanted, start(state, seen.rules, request)]


def just_back(state: EnvironmentState, now: datetime) -> str:
    """A person and the sentinel at one moment mean the same: to go further back has to be said. Empty: say nothing."""
    last = state.rollout or (state.past[-1] if state.past else None)
    if last is None or last.kind != "rollback" or last.by != ENGINE or now - last.started_at >= JUST:
        return ""
    if isinstance(last, Past) and last.outcome == "aborted":
        return ""
    left = state.previous.release if state.previous else ReleaseId("")
    why = state.refused[left][1] if left in state.refused else last.why
    when = f"{(now - last.started_at).total_seconds():.0f} s ago"
    return f"headgate went back to {last.revision.label} by itself {when}: {why}; to go further, name it with --to"


def way_back(asked: GoingBack, state: EnvironmentState, seen: Seen) -> Revision | c.Refused:
    """The revision to go back to, or why none will do."""
    target = _target(asked.to, state, seen)
    if isinstance(target, Revision) and asked.only is not None and target.id != asked.only:
        return c.Refused(f"what was stable before is quarantined, and {target.label} is not what was compared with")
    return target


def _gave_way(state: EnvironmentState, target: Revision) -> list[e.Event]:
    if state.waiting is None:
        return []
    return [e.ReleaseSuperseded(state.waiting.revision.release, target.release, "a rollback goes first")]


def _target(to: str | None, state: EnvironmentState, seen: Seen) -> Revision | c.Refused:
    known = earlier(state)
    if to is None:
        return _nearest(known, state, seen)
    if state.stable and _is_called(state.stable, to):
        return c.Refused(f"{state.stable.label} is stable here already")
    named = [revision for revision in known if _is_called(revision, to)]
    if not named:
        labels = ", ".join(dict.fromkeys(revision.label for revision in known)) or "none"
        return c.Refused(f"{to} was never stable here; known: {labels}")
    refused = _may_not_return(named[0], state, seen)
    return c.Refused(refused) if refused else named[0]


def _nearest(known: list[Revision], state: EnvironmentState, seen: Seen) -> Revision | c.Refused:
    """The latest that may be gone back to; where none may, why not, for the latest that is not quarantined."""
    good = [revision for revision in known if revision.release not in seen.quarantined]
    able = [revision for revision in good if not past_horizon(revision, state)]
    none = "no earlier revision was stable here and is not quarantined"
    return able[0] if able else c.Refused(past_horizon(good[0], state) if good else none)


def _may_not_return(revision: Revision, state: EnvironmentState, seen: Seen) -> str:
    if why := seen.quarantined.get(revision.release):
        return f"{revision.label} is quarantined ({why}); lift it with a reason first: `headgate lift {revision.label}`"
    return past_horizon(revision, state)


def _is_called(revision: Revision, name: str) -> bool:
    by_commit = len(name) >= 4 and revision.commit.startswith(name)
    return by_commit or name in (revision.release, revision.id, revision.label)
