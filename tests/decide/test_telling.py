"""What somebody is told of which event: state and event in, notices out."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.decide.given import CANARY, NOW, V1, V2, V3, request, rollout, state

from headgate.decide.exact_set import exact_set
from headgate.decide.telling import LONGEST, notices
from headgate.decide.told import Around
from headgate.model import events as e
from headgate.model.approvals import Approval
from headgate.model.builds import Build
from headgate.model.freezes import RolloutsFrozen, RolloutsUnfrozen
from headgate.model.glass import GlassBroken
from headgate.model.ids import BuildId, RolloutId
from headgate.model.monitors import AlarmEnded, AlarmRaised
from headgate.model.notices import Notice
from headgate.model.releases import Release
from headgate.model.rollouts import EnvironmentState, Past, Request, SignOff
from headgate.model.rules import ApprovalGate, SignOffGate, SoakGate

ROL = RolloutId("rol_2")
BUILD = Build(BuildId("bld_1"), "pcw", "b" * 40, "main", "Ann <ann@example.org>", "Break it", None, NOW)
RELEASES = {
    one.release: Release(one.release, "pcw", one.commit, "main", one.author, "Do it", NOW, one.services, {}, one.label)
    for one in (V1, V2, V3)
}
TRIAL = state(rollout("weight 5"))
ASKED = e.ReleaseRequested(V2, RolloutId("rol_9"), "deploy", "bob", "it is time")
WAITING = state(waiting=request(V2))
TWO = ApprovalGate(("alice", "bob", "ann"), count=2)


def recorded(event: Any, version: int = 7, stream: str = "environment:pcw/production") -> e.Recorded:
    return e.Recorded(stream, version, 40 + version, NOW, event)


def told(event: Any, version: int = 7, **around: Any) -> tuple[Notice, ...]:
    given = {"state": TRIAL, "rules": CANARY, "releases": RELEASES, "environment": "production", **around}
    return notices(recorded(event, version), Around("pcw", **given))


def started(**more: Any) -> e.RolloutStarted:
    flight = rollout("weight 5")
    bound = (flight.strategy, flight.analysis, flight.deadlines)
    given = {"kind": "deploy", "replaces": V1.id, **more}
    return e.RolloutStarted(ROL, given["kind"], V2, given["replaces"], flight.steps, *bound, "bob", "asked for")


def past(kind: Any = "deploy", outcome: Any = "promoted") -> Past:
    return Past(ROL, kind, V2, outcome, NOW, NOW, "done")


CASES: list[tuple[Any, dict[str, Any], str, str, str]] = [
    (started(), {}, "started", "info", "deploy of v2 started in production by bob"),
    (e.RevisionPromoted(ROL, V2.id, NOW, "all steps passed"), {}, "promoted", "info", "v2 is stable in production"),
    (
        e.RevisionPromoted(ROL, V2.id, NOW, "worse"),
        {"state": state(past=(past("rollback"),))},
        "rolled-back",
        "trouble",
        "production is back on v2",
    ),
    (
        e.RolloutAborted(ROL, "headgate", "errors rose"),
        {},
        "aborted",
        "trouble",
        "v2 was aborted in production; traffic goes back to stable",
    ),
    (
        e.RolloutAborted(ROL, "headgate", "a hotfix goes first", V3.release),
        {},
        "aborted",
        "info",
        "v2 gave way in production; traffic goes back to stable",
    ),
    (
        e.RolloutPaused(ROL, "headgate", "nothing is proven"),
        {"state": state(rollout("weight 5", phase="paused"))},
        "held",
        "attention",
        "v2 is held in production until someone decides",
    ),
    (e.ReleaseDropped(V2.release, "late"), {}, "dropped", "info", "v2 will not start in production"),
    (
        e.ReleaseSuperseded(V2.release, V3.release, "newer"),
        {},
        "dropped",
        "info",
        "v2 gave way to v3 in production before it started",
    ),
    (
        GlassBroken(ROL, V2.release, "dan", "it burns", ("0 of 1 approvals", "freeze")),
        {},
        "break-glass",
        "trouble",
        "BREAK-GLASS in production: dan passed 2 closed gates with v2",
    ),
    (
        RolloutsFrozen("ann", "the sale", NOW + timedelta(hours=2)),
        {},
        "frozen",
        "attention",
        "production is frozen until 2026-03-02 14:00 UTC by ann: no rollout starts",
    ),
    (
        RolloutsFrozen("ann", "the sale"),
        {"environment": "", "state": None},
        "frozen",
        "attention",
        "every environment is frozen by ann: no rollout starts",
    ),
    (RolloutsUnfrozen("ann"), {}, "unfrozen", "info", "production is no longer frozen: ann ended it"),
    (
        AlarmRaised(ROL, V2.release, "breach", "the budget burns 14 times too fast"),
        {},
        "alarm",
        "attention",
        "v2 in production does worse than it should",
    ),
    (AlarmEnded(ROL, V2.release, "well again"), {}, "alarm-ended", "info", "the alarm about v2 in production is over"),
    (
        e.ReleaseQuarantined(V2.release, "staging", "it was aborted"),
        {"environment": "", "state": None},
        "quarantined",
        "trouble",
        "v2 is quarantined: no environment takes it",
    ),
    (
        e.ReleaseRefused(V2.release, "staging", "its signature is wrong"),
        {"environment": "", "state": None},
        "held",
        "trouble",
        "v2 may not come to staging",
    ),
    (
        e.BuildEnded("failed", "test failed: 3 of 9 tests"),
        {"environment": "", "state": None, "build": BUILD},
        "build-failed",
        "trouble",
        "the build of bbbbbbb (main) failed: Break it",
    ),
    (
        e.CommitSeen("refs/heads/main", "c" * 40, "failed", "its file is refused"),
        {"environment": "", "state": None},
        "build-failed",
        "trouble",
        "commit ccccccc of refs/heads/main becomes no release",
    ),
]


IDS = [f"{kind} {number}" for number, (_, _, kind, _, _) in enumerate(CASES)]


@pytest.mark.parametrize(("event", "around", "kind", "severity", "what"), CASES, ids=IDS)
def test_what_is_told(event: Any, around: dict[str, Any], kind: str, severity: str, what: str) -> None:
    (notice,) = told(event, **around)
    assert (notice.kind, notice.severity, notice.what) == (kind, severity, what)
    assert notice.why or kind == "unfrozen"
    assert notice.application == "pcw"
    if isinstance(event, e.ReleaseQuarantined | e.ReleaseRefused):
        assert notice.environment == "staging"


NOTHING = [
    e.StepCompleted(ROL, 1, "done"),
    e.RolloutResumed(ROL, "bob", ""),
    e.RolloutEnded(ROL, "promoted", "done"),
    e.ApprovalGiven(V2.release, "alice", ""),
    e.BuildEnded("passed", "all passed"),
    e.BuildEnded("cancelled", "by ann"),
    e.CommitSeen("refs/heads/main", "c" * 40, "released", "made"),
    e.EffectFailed("run rev_v2", "no disk", 3),  # with a rollout in flight: it aborts
    e.RolloutPaused(ROL, "bob", "look"),  # it went on since
]


@pytest.mark.parametrize("event", NOTHING, ids=lambda event: type(event).__name__)
def test_nobody_is_told_of_it(event: Any) -> None:
    assert told(event) == ()


# --- who must act


def waits(*gates: Any, now: Any = WAITING, version: int = 7, **more: Any) -> Notice | None:
    rules = replace(CANARY, gates=gates)
    return next((one for one in told(ASKED, version, state=now, rules=rules, **more) if one.kind == "waiting"), None)


def test_who_must_approve_is_named_and_the_author_is_not() -> None:
    notice = waits(TWO, SoakGate(timedelta(hours=1)))
    assert notice
    assert notice.what == "v2 waits in production: 2 approvals of alice, bob"  # ann wrote it
    assert notice.people == ("alice", "bob")
    assert notice.act == "`headgate approve production`"
    assert notice.severity == "attention"
    assert notice.standing
    assert notice.commit == V2.commit
    (first, *_) = told(ASKED, state=WAITING, rules=CANARY)
    assert (first.kind, first.why) == ("requested", "it is time")


def test_what_was_approved_before_is_not_asked_for_again() -> None:
    def given(gate: ApprovalGate) -> EnvironmentState:
        shown = exact_set(asked, WAITING, replace(CANARY, gates=(gate,)))
        return replace(WAITING, approvals=(Approval(V2.release, "bob", NOW, shown),))

    asked = Request(ASKED.revision, ASKED.rollout, ASKED.kind, ASKED.by, ASKED.why, NOW)
    notice = waits(TWO, now=given(TWO))
    assert notice
    assert notice.what == "v2 waits in production: 1 approval of alice"
    assert waits(ApprovalGate(("bob",)), now=given(ApprovalGate(("bob",)))) is None


def test_anyone_and_sign_offs() -> None:
    notice = waits(ApprovalGate(()), SignOffGate("qa"))
    assert notice
    assert notice.people == ()
    assert notice.what == "v2 waits in production: 1 approval of anyone; a sign-off in qa"
    assert "`headgate sign-off qa v2 --verdict accepted`" in notice.act
    accepted = {"qa": {V2.release: SignOff("carol", "accepted", "", NOW)}}
    assert waits(SignOffGate("qa"), signed_off=accepted) is None


def test_what_no_longer_waits_is_nobodys_business() -> None:
    assert waits(TWO, now=TRIAL) is None
    assert waits(TWO, now=replace(TRIAL, version=6)), "the state is from before the event: it does not know yet"


@pytest.mark.parametrize("asked", [replace(ASKED, kind="rollback"), replace(ASKED, break_glass=True)])
def test_what_passes_gates_waits_for_nobody(asked: e.ReleaseRequested) -> None:
    rules = replace(CANARY, gates=(TWO,))
    assert [one.kind for one in told(asked, state=WAITING, rules=rules)] == ["requested"]


# --- no flood


def test_what_goes_on_failing_is_told_once() -> None:
    fails = [e.EffectFailed("set routes", "refused", attempt) for attempt in range(1, 30)]
    found = [one for event in fails for one in told(event, state=state())]
    assert [one.kind for one in found] == ["drift"]
    assert "set routes fails" in found[0].what
    hopeless = [e.EffectFailed("run", "wrong", attempt, hopeless=True) for attempt in range(1, 5)]
    assert len([one for event in hopeless for one in told(event, state=state())]) == 1


def test_an_event_has_the_same_id_each_time_and_no_other_has_it() -> None:
    one, again, later = told(started()), told(started()), told(started(), version=8)
    assert one == again
    assert one[0].id != later[0].id


# --- hostile words


def test_words_of_others_are_one_line_and_not_long() -> None:
    nasty = "\x1b[31mred\x07\n@everyone \u202e" + "x" * 5000
    (notice,) = told(RolloutsFrozen(nasty, nasty))
    for text in (notice.what, notice.why):
        assert text.isprintable()
        assert len(text) <= LONGEST
    (failed,) = told(e.BuildEnded("failed", nasty), build=replace(BUILD, subject=nasty, branch=nasty))
    assert failed.what.isprintable()
