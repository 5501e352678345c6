"""Commands: accepted as events, or refused with a reason a person can act on."""

from dataclasses import replace
from typing import Any

import pytest
from tests.decide.given import (
    BOTH,
    CANARY,
    NOW,
    V0,
    V1,
    V2,
    V3,
    ago,
    request,
    revision,
    rollout,
    routes,
    seconds,
    seen,
    state,
    steps_of,
    told,
    turn,
)

from headgate.decide.accept import accept
from headgate.decide.exact_set import exact_set
from headgate.decide.fold import apply
from headgate.model import commands as c
from headgate.model.approvals import Approval
from headgate.model.ids import RolloutId
from headgate.model.observations import Seen
from headgate.model.rollouts import EnvironmentState, Past
from headgate.model.rules import ApprovalGate, SoakGate

ROL = RolloutId("rol_9")
LOOK = seen(BOTH, routes({"v1": 100}))
AFTER = replace(CANARY, after="staging")
ON_TRIAL = state(rollout("analyze"))
PAUSED = state(rollout("analyze", phase="paused", paused_at=ago(5)))
ABORTING = state(rollout("analyze", phase="aborting"))
RETIRING = state(rollout("retire", phase="retiring"), stable=V2, previous=V1)
BACK = state(rollout("weight 100", candidate=V0, kind="rollback"))
WAITING = state(waiting=request(V2))
BOTH_AT_ONCE = replace(ON_TRIAL, waiting=request(V3))


def past(*labels: str) -> tuple[Past, ...]:
    return tuple(
        Past(RolloutId(f"rol_{label}"), "deploy", revision(label), "promoted", ago(900), ago(800), "")
        for label in labels
    )


SERVED = state(stable=V2, previous=V1, past=past("v0", "v1", "v2"))


def answer(command: c.Command, now_state: EnvironmentState, look: Seen = LOOK) -> list[str] | str:
    """Events in words, or the reason for the refusal."""
    given = accept(command, now_state, look, NOW)
    return given.why if isinstance(given, c.Refused) else [told(event) for event in given]


def deploy(wanted: Any = V2) -> c.Deploy:
    return c.Deploy(wanted, ROL, "bob")


ACCEPTED = [
    ("deploy: asked for", deploy(), state(), LOOK, ["ReleaseRequested deploy v2"]),
    ("deploy: the first ever", deploy(V1), state(stable=None), LOOK, ["ReleaseRequested deploy v1"]),
    ("deploy: waits behind a rollout", deploy(V3), ON_TRIAL, LOOK, ["ReleaseRequested deploy v3"]),
    ("deploy: waits behind an abort", deploy(V3), ABORTING, LOOK, ["ReleaseRequested deploy v3"]),
    (
        "deploy: supersedes by name what waits",
        deploy(V3),
        WAITING,
        LOOK,
        ["ReleaseSuperseded rel_v2", "ReleaseRequested deploy v3"],
    ),
    (
        "deploy: the stable again with other configuration",
        deploy(revision("v1", "-b")),
        state(),
        LOOK,
        ["ReleaseRequested deploy v1"],
    ),
    (
        "deploy: passed before",
        deploy(),
        state(),
        replace(LOOK, rules=AFTER, passed={V2.release: ago(1)}),
        ["ReleaseRequested deploy v2"],
    ),
    ("pause", c.Pause("bob"), ON_TRIAL, LOOK, ["RolloutPaused"]),
    ("resume", c.Resume("bob"), PAUSED, LOOK, ["RolloutResumed"]),
    ("promote: to the last weight", c.Promote("bob"), ON_TRIAL, LOOK, ["StepsSkipped to 8"]),
    ("promote: resumes first", c.Promote("bob"), PAUSED, LOOK, ["RolloutResumed", "StepsSkipped to 8"]),
    ("abort", c.Abort("bob"), ON_TRIAL, LOOK, ["RolloutAborted by bob"]),
    ("abort: paused", c.Abort("bob"), PAUSED, LOOK, ["RolloutAborted by bob"]),
    ("abort: a rollback", c.Abort("bob"), BACK, LOOK, ["RolloutAborted by bob"]),
    (
        "rollback: of a rollout in flight is its abort",
        c.Rollback(ROL, "bob"),
        ON_TRIAL,
        LOOK,
        ["RolloutAborted by bob"],
    ),
    (
        "rollback: to the one before",
        c.Rollback(ROL, "bob"),
        SERVED,
        LOOK,
        ["ReleaseRequested rollback v1", "RolloutStarted rollback v1"],
    ),
    (
        "rollback: by version",
        c.Rollback(ROL, "bob", "v0"),
        SERVED,
        LOOK,
        ["ReleaseRequested rollback v0", "RolloutStarted rollback v0"],
    ),
    (
        "rollback: by commit",
        c.Rollback(ROL, "bob", "v000"),
        SERVED,
        LOOK,
        ["ReleaseRequested rollback v0", "RolloutStarted rollback v0"],
    ),
    (
        "rollback: while the old one is being retired ends that rollout as promoted",
        c.Rollback(ROL, "bob"),
        RETIRING,
        LOOK,
        ["RolloutEnded promoted", "ReleaseRequested rollback v1", "RolloutStarted rollback v1"],
    ),
    (
        "rollback: goes before what waits",
        c.Rollback(ROL, "bob"),
        replace(SERVED, waiting=request(V3)),
        LOOK,
        ["ReleaseSuperseded rel_v3", "ReleaseRequested rollback v1", "RolloutStarted rollback v1"],
    ),
    (
        "rollback: past a quarantined release",
        c.Rollback(ROL, "bob"),
        SERVED,
        replace(LOOK, quarantined={V1.release: "slow"}),
        ["ReleaseRequested rollback v0", "RolloutStarted rollback v0"],
    ),
]

REFUSED = [
    ("deploy: no rules", deploy(), state(), replace(LOOK, rules=None), "headgate apply"),
    (
        "deploy: quarantined",
        deploy(),
        state(),
        replace(LOOK, quarantined={V2.release: "slow"}),
        "v2 is quarantined: slow",
    ),
    ("deploy: not passed before", deploy(), state(), replace(LOOK, rules=AFTER), "v2 was not promoted in staging"),
    ("deploy: in flight", deploy(), ON_TRIAL, LOOK, "already rolling out"),
    ("deploy: waiting", deploy(), WAITING, LOOK, "already waiting"),
    ("deploy: stable", deploy(V1), state(), LOOK, "already stable"),
    (
        "deploy: behind a waiting rollback",
        deploy(V3),
        state(waiting=request(V0, kind="rollback")),
        LOOK,
        "a rollback is waiting",
    ),
    ("pause: nothing in flight", c.Pause("bob"), state(), LOOK, "no rollout is in flight"),
    ("pause: paused", c.Pause("bob"), PAUSED, LOOK, "already paused"),
    ("pause: aborting", c.Pause("bob"), ABORTING, LOOK, "already being aborted"),
    ("pause: retiring", c.Pause("bob"), RETIRING, LOOK, "already stable"),
    ("resume: not paused", c.Resume("bob"), ON_TRIAL, LOOK, "not paused"),
    ("promote: nothing in flight", c.Promote("bob"), state(), LOOK, "no rollout is in flight"),
    ("promote: not ready", c.Promote("bob"), ON_TRIAL, seen({"v1": "ready ready"}, None), "not ready"),
    ("promote: nobody knows", c.Promote("bob"), ON_TRIAL, seen(None, None), "not ready"),
    ("promote: aborting", c.Promote("bob"), ABORTING, LOOK, "already being aborted"),
    ("abort: nothing in flight", c.Abort("bob"), state(), LOOK, "no rollout is in flight"),
    ("abort: aborting", c.Abort("bob"), ABORTING, LOOK, "already being aborted"),
    ("abort: retiring", c.Abort("bob"), RETIRING, LOOK, "headgate rollback"),
    ("rollback: nothing before", c.Rollback(ROL, "bob"), state(), LOOK, "no earlier revision"),
    (
        "rollback: all before are quarantined",
        c.Rollback(ROL, "bob"),
        state(previous=V0),
        replace(LOOK, quarantined={V0.release: "bad"}),
        "no earlier revision",
    ),
    ("rollback: to a stranger", c.Rollback(ROL, "bob", "v7"), SERVED, LOOK, "v7 was never stable here; known: v1, v0"),
    ("rollback: to what is stable", c.Rollback(ROL, "bob", "v2"), SERVED, LOOK, "v2 is stable here already"),
    (
        "rollback: to a release while another is in flight",
        c.Rollback(ROL, "bob", "v0"),
        ON_TRIAL,
        LOOK,
        "abort it first",
    ),
    ("rollback: while rolling back", c.Rollback(ROL, "bob"), BACK, LOOK, "already under way"),
    ("rollback: while aborting", c.Rollback(ROL, "bob"), ABORTING, LOOK, "an abort is under way"),
    ("rollback: no rules", c.Rollback(ROL, "bob"), SERVED, replace(LOOK, rules=None), "headgate apply"),
    ("approve: nothing waits", c.Approve(V2.release, "bob"), state(), LOOK, "not waiting"),
    ("approve: another waits", c.Approve(V3.release, "bob"), WAITING, LOOK, "not waiting"),
    ("approve: nobody asks", c.Approve(V2.release, "bob"), WAITING, LOOK, "no gate here"),
]


@pytest.mark.parametrize(
    ("command", "now_state", "look", "events"), [one[1:] for one in ACCEPTED], ids=[one[0] for one in ACCEPTED]
)
def test_accepted(command: c.Command, now_state: EnvironmentState, look: Seen, events: list[str]) -> None:
    assert answer(command, now_state, look) == events


@pytest.mark.parametrize(
    ("command", "now_state", "look", "why"), [one[1:] for one in REFUSED], ids=[one[0] for one in REFUSED]
)
def test_refused(command: c.Command, now_state: EnvironmentState, look: Seen, why: str) -> None:
    said = answer(command, now_state, look)
    assert isinstance(said, str), said
    assert why in said


TO_100 = steps_of(CANARY).index("weight 100")
RETIRE = steps_of(CANARY).index("retire")


@pytest.mark.parametrize("at", [step for step in steps_of(CANARY) if step != "retire"])
class TestAtEachStep:
    def test_promote_goes_to_full_weight_and_from_there_to_the_end(self, at: str) -> None:
        to = TO_100 if steps_of(CANARY).index(at) <= TO_100 else RETIRE
        assert answer(c.Promote("bob"), state(rollout(at))) == [f"StepsSkipped to {to}"]

    def test_promote_past_full_weight_makes_it_stable_at_once(self, at: str) -> None:
        now_state, look = state(rollout(at)), seen(BOTH, routes({"v2": 100, "v1": 0}, "v2"))
        for event in accept(c.Promote("bob"), now_state, look, NOW):  # type: ignore[union-attr]
            now_state = apply(event, now_state, NOW)
        promoted = "RevisionPromoted rev_v2" in turn(now_state, look)[0]
        assert promoted is (steps_of(CANARY).index(at) > TO_100)

    def test_abort_brings_all_traffic_home(self, at: str) -> None:
        now_state = apply(accept(c.Abort("bob"), state(rollout(at)), LOOK, NOW)[0], state(rollout(at)), NOW)  # type: ignore[index]
        events, effects = turn(now_state, seen(BOTH, routes({"v2": 25, "v1": 75}, "v2")))
        assert (events, effects) == ([], ["set routes (rev_v1 100, rev_v2 0)"])
        assert turn(now_state, LOOK) == (["RolloutEnded aborted"], ["stop rev_v2"])

    def test_pause_and_resume_move_the_deadline(self, at: str) -> None:
        before = state(rollout(at))
        paused = apply(accept(c.Pause("bob"), before, LOOK, NOW)[0], before, NOW)  # type: ignore[index]
        later = NOW + seconds(5000)
        resumed = apply(accept(c.Resume("bob"), paused, LOOK, later)[0], paused, later)  # type: ignore[index]
        assert before.rollout
        assert resumed.rollout
        assert resumed.rollout.step_started_at == before.rollout.step_started_at + seconds(5000)


TWO = ApprovalGate(("bob", "cleo", "ann"), count=2)
GATED = replace(LOOK, rules=replace(CANARY, gates=(TWO, SoakGate(seconds(1)))))


@pytest.mark.parametrize(
    ("by", "already", "said"),
    [
        ("bob", (), ["ApprovalGiven"]),
        ("cleo", ("bob",), ["ApprovalGiven"]),
        ("bob", ("bob",), "bob has approved v2 already"),
        ("dan", (), "dan may not approve here; ann, bob, cleo may"),
        ("ann", (), "ann wrote v2; someone else has to approve it"),
    ],
)
def test_approve(by: str, already: tuple[str, ...], said: list[str] | str) -> None:
    shown = exact_set(request(V2), WAITING, GATED.rules)  # type: ignore[arg-type]
    approvals = tuple(Approval(V2.release, person, ago(5), shown) for person in already)
    assert answer(c.Approve(V2.release, by), replace(WAITING, approvals=approvals), GATED) == said


def test_a_rollback_makes_the_release_it_leaves_refused_and_names_what_it_replaces() -> None:
    now_state = SERVED
    for event in accept(c.Rollback(ROL, "bob", why="slow"), now_state, LOOK, NOW):  # type: ignore[union-attr]
        now_state = apply(event, now_state, NOW)
    assert now_state.refused == {V2.release: (NOW, "slow")}
    assert now_state.rollout
    assert now_state.rollout.replaces == V2.id
    assert now_state.waiting is None


def test_what_waits_is_not_lost_when_a_rollout_is_superseded_in_its_turn() -> None:
    said = answer(deploy(revision("v3", "-b")), BOTH_AT_ONCE)
    assert said == ["ReleaseSuperseded rel_v3", "ReleaseRequested deploy v3"]
