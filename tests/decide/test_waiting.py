"""A release that waits: for its turn, its gates and its predecessor; and what is dropped instead of started."""

from dataclasses import replace

import pytest
from tests.decide.given import (
    BOTH,
    CANARY,
    NOW,
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
    turn,
)

from headgate.decide.approving import valid_approvers
from headgate.decide.exact_set import exact_set
from headgate.decide.fold import apply
from headgate.decide.gates import closed_gates
from headgate.decide.people import is_author
from headgate.decide.rules import decide
from headgate.model import events as e
from headgate.model.approvals import Approval
from headgate.model.ids import RolloutId
from headgate.model.observations import Seen
from headgate.model.rollouts import EnvironmentState
from headgate.model.rules import ApprovalGate, Gate, SoakGate
from headgate.model.steps import describe

LOOK = seen({"v1": "ready ready"}, routes({"v1": 100}))
STARTED = ["RolloutStarted deploy v2"]
APPROVAL = ApprovalGate(("bob", "cleo"), deadline=seconds(3600))
AUTHOR_TOO = replace(APPROVAL, approvers=("ann", "bob"), author_may_approve=True)
SOAK = SoakGate(seconds(600), deadline=seconds(3600))


def gated(*gates: Gate, after: str | None = None, **more: object) -> Seen:
    return replace(LOOK, rules=replace(CANARY, gates=gates, after=after), **more)


def waits(*approvers: str, asked: float = 10) -> EnvironmentState:
    """Approved exactly what waits, by the rules that count in each case; see `for_rules`."""
    given = tuple(Approval(V2.release, person, ago(5)) for person in approvers)
    return state(waiting=request(V2, asked), approvals=given)


def for_rules(now_state: EnvironmentState, look: Seen) -> EnvironmentState:
    if now_state.waiting is None or look.rules is None:
        return now_state
    shown = exact_set(now_state.waiting, now_state, look.rules)
    return replace(now_state, approvals=tuple(replace(one, set=shown) for one in now_state.approvals))


PASSED = {"after": "staging", "passed": {V2.release: ago(600)}}
CASES = [
    ("no gates", waits(), LOOK, STARTED),
    (
        "a rollout is in flight",
        replace(waits(), rollout=rollout("analyze")),
        seen(BOTH, routes({"v2": 5, "v1": 95})),
        [],
    ),
    (
        "an abort is under way",
        replace(waits(), rollout=rollout("analyze", phase="aborting")),
        seen(BOTH, routes({"v2": 5, "v1": 95})),
        [],
    ),
    ("the rules are gone", waits(), replace(LOOK, rules=None), []),
    ("approval missing", waits(), gated(APPROVAL), []),
    ("approved", waits("bob"), gated(APPROVAL), STARTED),
    ("approved by a stranger", waits("dan"), gated(APPROVAL), []),
    ("approved by the author", waits("ann"), gated(replace(APPROVAL, approvers=())), []),
    ("approved by the author, who may", waits("ann"), gated(AUTHOR_TOO), STARTED),
    ("one of two", waits("bob"), gated(replace(APPROVAL, count=2)), []),
    ("the same twice is one", waits("bob", "bob"), gated(replace(APPROVAL, count=2)), []),
    ("two of two", waits("bob", "cleo"), gated(replace(APPROVAL, count=2)), STARTED),
    (
        "one approval opens one gate, not both",
        waits("bob"),
        gated(APPROVAL, replace(APPROVAL, approvers=("cleo",))),
        [],
    ),
    ("nobody approved in time", waits(asked=3601), gated(APPROVAL), ["ReleaseDropped rel_v2"]),
    ("approved in time, started late", waits("bob", asked=3601), gated(APPROVAL), STARTED),
    ("never stable before", waits(), gated(after="staging"), []),
    ("stable before", waits(), gated(**PASSED), STARTED),
    ("soaked", waits(), gated(SOAK, **PASSED), STARTED),
    ("not soaked", waits(), gated(replace(SOAK, duration=seconds(601)), **PASSED), []),
    (
        "never soaks",
        waits(asked=4202),
        gated(replace(SOAK, duration=seconds(601)), **PASSED),
        ["ReleaseDropped rel_v2"],
    ),
    ("soaked, not approved", waits(), gated(SOAK, APPROVAL, **PASSED), []),
    ("quarantined meanwhile", waits(), replace(LOOK, quarantined={V2.release: "slow"}), ["ReleaseDropped rel_v2"]),
    ("stable meanwhile", replace(waits(), waiting=request(V1)), LOOK, ["ReleaseDropped rel_v1"]),
    (
        "a rollback asks no gate",
        state(waiting=request(V2, kind="rollback")),
        gated(APPROVAL, after="staging"),
        ["RolloutStarted rollback v2"],
    ),
    (
        "aborted here a moment ago, which is not quarantine yet",
        replace(waits(), refused={V2.release: (ago(5), "slow")}),
        LOOK,
        ["ReleaseDropped rel_v2"],
    ),
    (
        "aborted here once, lifted, asked for again",
        replace(waits(), refused={V2.release: (ago(500), "slow")}),
        LOOK,
        STARTED,
    ),
]


@pytest.mark.parametrize(("now_state", "look", "events"), [one[1:] for one in CASES], ids=[one[0] for one in CASES])
def test_what_waits(now_state: EnvironmentState, look: Seen, events: list[str]) -> None:
    assert turn(for_rules(now_state, look), look)[0] == events


def test_the_release_that_is_aborted_does_not_start_again_with_other_configuration() -> None:
    """In one look the abort ends and what waits could start: the same release must not."""
    again = replace(request(revision("v2", "-b")), at=ago(20))
    flight = rollout("await ready", step_started_at=ago(121))
    assert turn(state(flight, waiting=again), LOOK)[0] == [
        "RolloutAborted by headgate",
        "RolloutEnded aborted",
        "ReleaseDropped rel_v2",
    ]


def test_another_release_starts_in_the_look_in_which_the_abort_ends() -> None:
    flight = rollout("await ready", step_started_at=ago(121))
    assert turn(state(flight, waiting=request(V3)), LOOK)[0] == [
        "RolloutAborted by headgate",
        "RolloutEnded aborted",
        "RolloutStarted deploy v3",
    ]


def test_redeploying_the_stable_ends_when_it_is_aborted() -> None:
    """Candidate and stable are one: it has all traffic and no share of its own to give back."""
    flight = rollout("check smoke", candidate=V1, phase="aborting")
    assert turn(state(flight), LOOK)[0] == ["RolloutEnded aborted"]


def test_an_abort_is_not_over_while_the_router_knows_no_routes() -> None:
    look = seen(BOTH, None)
    assert turn(state(rollout("analyze", phase="aborting")), look) == ([], ["set routes (rev_v1 100)", "stop rev_v2"])


def test_approvals_are_for_one_request() -> None:
    asked = e.ReleaseRequested(revision("v2", "-b"), RolloutId("rol_9"), "deploy", "bob", "")
    after = apply(asked, waits("bob", "cleo"), NOW)
    assert after.approvals == ()
    assert turn(after, gated(APPROVAL))[0] == []


def test_approvals_of_another_release_are_left_alone() -> None:
    asked = e.ReleaseRequested(V3, RolloutId("rol_9"), "deploy", "bob", "")
    assert len(apply(asked, waits("bob"), NOW).approvals) == 1


@pytest.mark.parametrize("person", ["ann", "Ann Author", "ANN@example.org", "ann@example.org", "ann author"])
def test_the_author_by_any_name(person: str) -> None:
    assert is_author(person, "Ann Author <ann@example.org>")


@pytest.mark.parametrize("person", ["anna", "bob", "example.org", "an"])
def test_someone_else(person: str) -> None:
    assert not is_author(person, "Ann Author <ann@example.org>")


def test_nobody_is_not_the_author_of_nothing() -> None:
    waiting = request(replace(V2, author=""))
    approved = for_rules(state(waiting=waiting, approvals=(Approval(V2.release, "bob", NOW),)), LOOK)
    assert valid_approvers(ApprovalGate(()), waiting, approved, CANARY) == {"bob"}


def test_every_closed_gate_says_why_in_the_order_of_the_file() -> None:
    look = gated(APPROVAL, SOAK, after="staging")
    assert look.rules
    said = [closed.why for closed in closed_gates(look.rules, request(V2), waits(), look, NOW)]
    assert said == [
        "v2 was not promoted in staging",
        "0 of 1 approvals (from bob, cleo)",
        "soak: stable before for no time of 0:10:00",
    ]


def test_rules_are_bound_when_a_rollout_starts() -> None:
    strict = replace(CANARY, bake=seconds(99))
    started = decide(waits(), replace(LOOK, rules=strict), NOW)[0]
    assert isinstance(started, e.RolloutStarted)
    assert started.analysis == strict.analysis
    assert "bake" in [describe(step) for step in started.steps]
    assert started.replaces == V1.id
