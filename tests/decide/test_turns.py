"""Whose turn it is: what waits, what goes first, what nothing replaces by itself, and what people found."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

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
    rollout,
    routes,
    seen,
    state,
    told,
    turn,
)

from headgate.decide.accept import accept
from headgate.decide.explain import waits_for
from headgate.decide.fold import apply
from headgate.decide.pipeline import ApplicationState, Wanted, advance, quarantine, signed_off
from headgate.decide.rules import decide
from headgate.model import commands as c
from headgate.model import events as e
from headgate.model.ids import EnvironmentId, RevisionId, RolloutId
from headgate.model.observations import Seen
from headgate.model.releases import Revision
from headgate.model.rollouts import EnvironmentState, Pin, SignOff
from headgate.model.rules import Application, ApprovalGate, Environment, SignOffGate

REPLACE, FINISH = (replace(CANARY, concurrency=word) for word in ("replace", "finish"))
GUARDED = replace(REPLACE, gates=(ApprovalGate(("carol",)),))
TRYING = routes({"v2": 5, "v1": 95}, "v2")
HOTFIX = replace(request(V3), hotfix=True)
PIN = Pin(V1.release, "ann", "reproducing a bug", ago(60))
ACCEPTED = SignOff("ann", "accepted", "", ago(5))
REJECTED = SignOff("ann", "rejected", "wrong totals", ago(5))
GIVES_WAY = ["RolloutAborted by headgate"]


def on_trial(waiting: Any, rules: Environment = CANARY, **changes: Any) -> EnvironmentState:
    return state(rollout("analyze", V2, rules, **changes), waiting=waiting)


CASES: list[tuple[str, EnvironmentState, Seen, list[str]]] = [
    ("queue: it waits", on_trial(request(V3)), seen(BOTH, TRYING), []),
    ("finish: it waits", on_trial(request(V3)), seen(BOTH, TRYING, rules=FINISH), []),
    ("replace: it goes first", on_trial(request(V3)), seen(BOTH, TRYING, rules=REPLACE), GIVES_WAY),
    (
        "replace: a pause holds nothing up",
        on_trial(request(V3), phase="paused", paused_at=ago(5)),
        seen(BOTH, TRYING, rules=REPLACE),
        GIVES_WAY,
    ),
    ("replace: its gates come first", on_trial(request(V3)), seen(BOTH, TRYING, rules=GUARDED), []),
    (
        "replace: what is quarantined goes first of nobody",
        on_trial(request(V3)),
        seen(BOTH, TRYING, rules=REPLACE, quarantined={V3.release: "bad"}),
        ["ReleaseDropped rel_v3"],
    ),
    ("replace: a hotfix is let through", on_trial(request(V3), hotfix=True), seen(BOTH, TRYING, rules=REPLACE), []),
    (
        "replace: a rollback is let through",
        state(rollout("await ready", V2, kind="rollback"), waiting=request(V3)),
        seen({"v1": "ready ready", "v2": "starting starting"}, routes({"v1": 100}), rules=REPLACE),
        [],
    ),
    ("a hotfix goes first", on_trial(HOTFIX), seen(BOTH, TRYING), GIVES_WAY),
    ("a hotfix goes before a hotfix", on_trial(HOTFIX, hotfix=True), seen(BOTH, TRYING), GIVES_WAY),
    ("a hotfix passes its gates", on_trial(HOTFIX), seen(BOTH, TRYING, rules=GUARDED), []),
    (
        "a hotfix waits for who is proven",
        state(rollout("retire"), waiting=HOTFIX),
        seen(BOTH, routes({"v2": 100, "v1": 0}, "v2")),
        ["RevisionPromoted rev_v2", "RolloutEnded promoted", "RolloutStarted deploy v3"],
    ),
]


@pytest.mark.parametrize(("name", "now_state", "look", "events"), CASES, ids=[case[0] for case in CASES])
def test_whose_turn(name: str, now_state: EnvironmentState, look: Seen, events: list[str]) -> None:
    assert turn(now_state, look)[0] == events


def test_who_fails_is_not_spared_because_another_waits() -> None:
    """Its crash is held against it."""
    crashing = seen({"v2": "exited/3 exited/3", "v1": "ready ready"}, TRYING, rules=REPLACE)
    aborted = decide(on_trial(request(V3)), crashing, NOW)[0]
    assert isinstance(aborted, e.RolloutAborted)
    assert aborted.gave_way_to is None


def test_who_gives_way_is_not_quarantined_and_the_other_starts_when_traffic_is_home() -> None:
    before = on_trial(request(V3))
    for event in decide(before, seen(BOTH, TRYING, rules=REPLACE), NOW):
        before = apply(event, before, NOW)
    assert turn(before, seen(BOTH, routes({"v1": 100}), rules=REPLACE))[0] == [
        "RolloutEnded aborted",
        "RolloutStarted deploy v3",
    ]
    assert quarantine(ApplicationState(), {"production": before}) == []


@pytest.mark.parametrize(("hotfix", "is_one"), [(True, True), (False, False)])
def test_a_rollout_knows_that_it_is_a_hotfix(hotfix: bool, is_one: bool) -> None:
    waiting = state(waiting=replace(request(V3), hotfix=hotfix))
    look = seen({"v1": "ready ready"}, routes({"v1": 100}))
    started = decide(waiting, look, NOW)[0]
    flight = apply(started, waiting, NOW).rollout
    assert flight is not None
    assert flight.hotfix is is_one


def deploy(wanted: Revision = V3, **more: Any) -> c.Deploy:
    return c.Deploy(wanted, RolloutId("rol_9"), "bob", **more)


PERSON = deploy()
URGENT = deploy(hotfix=True, why="it burns")
PIPELINE = deploy(automatic=True)
ANEW = deploy(replace(V1, id=RevisionId("rev_anew")), automatic=True)  # what is stable, configured otherwise

ASKED: list[tuple[str, EnvironmentState, c.Deploy, Environment, list[str] | str]] = [
    ("finish: idle", state(), PERSON, FINISH, ["ReleaseRequested deploy v3"]),
    ("finish: in flight", on_trial(None), PERSON, FINISH, "v2 is finished first"),
    ("finish: waiting", state(waiting=request(V2)), PERSON, FINISH, "v2 is finished first"),
    ("finish: ending", state(rollout("analyze", phase="aborting")), PIPELINE, FINISH, "v2 is finished first"),
    ("finish: a hotfix", on_trial(None), URGENT, FINISH, ["ReleaseRequested deploy v3"]),
    ("a hotfix without a reason", on_trial(None), deploy(hotfix=True), CANARY, "say why"),
    (
        "a hotfix skips the queue",
        state(waiting=request(V2)),
        URGENT,
        CANARY,
        ["ReleaseSuperseded rel_v2", "ReleaseRequested deploy v3"],
    ),
    ("nobody overtakes a hotfix", state(waiting=HOTFIX), deploy(V2), CANARY, "the hotfix v3 goes first"),
    (
        "what waits becomes a hotfix",
        state(waiting=request(V3)),
        URGENT,
        CANARY,
        ["ReleaseSuperseded rel_v3", "ReleaseRequested deploy v3"],
    ),
    ("a hotfix twice", state(waiting=HOTFIX), URGENT, CANARY, "already waiting here"),
    ("a hotfix that is in flight", on_trial(None), deploy(V2, hotfix=True, why="x"), CANARY, "already rolling out"),
    ("pinned, by itself", state(pin=PIN), PIPELINE, CANARY, "ann pinned a release here"),
    (
        "pinned, by a person",
        state(pin=PIN),
        PERSON,
        CANARY,
        ["ReleaseRequested deploy v3", "ReleaseUnpinned"],
    ),
    ("configured anew", state(), ANEW, CANARY, ["ReleaseRequested deploy v1"]),
    ("configured anew while another waits", state(waiting=request(V2)), ANEW, CANARY, "v2 goes first"),
    ("configured anew while another is on trial", on_trial(None), ANEW, CANARY, "v2 goes first"),
    ("pinning", state(), deploy(pin=True), CANARY, ["ReleaseRequested deploy v3", "ReleasePinned"]),
    ("pinning another", state(pin=PIN), deploy(pin=True), CANARY, ["ReleaseRequested deploy v3", "ReleasePinned"]),
]


@pytest.mark.parametrize(("name", "now_state", "command", "rules", "answer"), ASKED, ids=[case[0] for case in ASKED])
def test_asking(
    name: str, now_state: EnvironmentState, command: c.Deploy, rules: Environment, answer: list[str] | str
) -> None:
    found = accept(command, now_state, seen(BOTH, routes({"v1": 100}), rules=rules), NOW)
    if isinstance(answer, str):
        assert isinstance(found, c.Refused)
        assert answer in found.why
    else:
        assert not isinstance(found, c.Refused)
        assert [told(event) for event in found] == answer


def test_a_refused_hotfix_is_refused_as_others_are() -> None:
    """Its gates hold: it must have passed the environment before, and quarantine is quarantine."""
    for look in (seen(BOTH, rules=replace(CANARY, after="staging")), seen(BOTH, quarantined={V3.release: "bad"})):
        assert isinstance(accept(URGENT, state(), look, NOW), c.Refused)


# --- pins


def pinned(now_state: EnvironmentState, *happened: e.Event) -> EnvironmentState:
    for event in happened:
        now_state = apply(event, now_state, NOW)
    return now_state


ENDED = e.RolloutEnded(RolloutId("rol_2"), "aborted", "")


def test_a_pin_ends_with_the_last_trace_of_its_release() -> None:
    trying = replace(on_trial(None), pin=replace(PIN, release=V2.release))
    assert pinned(trying, e.RolloutAborted(RolloutId("rol_2"), "ann", "")).pin is not None
    assert pinned(trying, ENDED).pin is None
    assert pinned(replace(on_trial(None), pin=PIN), ENDED).pin == PIN


def test_a_pin_is_of_what_is_wanted_here() -> None:
    for now_state, release in ((state(), "rel_v1"), (on_trial(None), "rel_v2"), (on_trial(request(V3)), "rel_v3")):
        assert accept(c.Pin("ann"), now_state, seen(), NOW) == [e.ReleasePinned(release, "ann", "")]  # type: ignore[arg-type]
    assert isinstance(accept(c.Pin("ann"), state(stable=None), seen(), NOW), c.Refused)
    assert isinstance(accept(c.Pin("ann"), state(pin=PIN), seen(), NOW), c.Refused)
    assert isinstance(accept(c.Unpin("ann"), state(), seen(), NOW), c.Refused)
    assert accept(c.Unpin("ann", "done"), state(pin=PIN), seen(), NOW) == [e.ReleaseUnpinned(V1.release, "ann", "done")]


def test_that_nothing_comes_by_itself_is_said_where_it_otherwise_would() -> None:
    held = state(pin=PIN)
    quiet = seen({"v1": "ready ready"}, routes({"v1": 100}))
    said = waits_for(held, replace(quiet, rules=replace(CANARY, deploy="on-build")), NOW)
    assert said == [
        "pinned by ann (reproducing a bug): nothing comes by itself until `headgate unpin production`, or a deployment"
    ]
    assert waits_for(held, quiet, NOW) == []


# --- the pipeline

BUILDS = Environment("qa", "process", deploy="on-build")
APPLICATION = Application("pcw", "source", "headgate.yaml", (BUILDS, replace(CANARY, after="qa", deploy="on-advance")))
KNOWN = ApplicationState(1, APPLICATION, (e.ReleaseAnnounced(V2.release, "v2", "main"),))


def here(**changes: Any) -> EnvironmentState:
    return replace(EnvironmentState(EnvironmentId("pcw/qa")), **changes)


@pytest.mark.parametrize(
    ("qa", "comes"),
    [
        pytest.param(here(), True, id="idle"),
        pytest.param(here(pin=PIN), False, id="pinned"),
        pytest.param(here(waiting=HOTFIX), False, id="a hotfix goes first"),
        pytest.param(here(waiting=request(V1)), True, id="another waits"),
        pytest.param(here(requested=frozenset({V2.release})), False, id="asked for before"),
    ],
)
def test_what_comes_by_itself(qa: EnvironmentState, comes: bool) -> None:
    assert [one.release for one in advance(KNOWN, {"qa": qa})] == ([V2.release] if comes else [])


@pytest.mark.parametrize("busy", [here(waiting=request(V1)), here(rollout=rollout("analyze", V1))])
def test_what_is_to_be_finished_is_not_disturbed(busy: EnvironmentState) -> None:
    finishing = replace(APPLICATION, environments=(replace(BUILDS, concurrency="finish"),))
    assert advance(replace(KNOWN, specification=finishing), {"qa": busy}) == []


@pytest.mark.parametrize(("verdict", "comes"), [(None, True), (ACCEPTED, True), (REJECTED, False)])
def test_what_is_rejected_does_not_advance(verdict: SignOff | None, comes: bool) -> None:
    stable = replace(V2, environment=EnvironmentId("pcw/qa"))
    qa = here(
        stable=stable,
        requested=frozenset({V2.release}),
        signed_off={V2.release: verdict} if verdict else {},
    )
    found = advance(KNOWN, {"qa": qa, "production": state()})
    assert found == ([Wanted("production", V2.release, "v2 is stable in qa")] if comes else [])


def test_a_rejection_counts_in_every_environment_behind() -> None:
    chain = tuple(
        Environment(name, "process", after=after)
        for name, after in (("devint", None), ("qa", "devint"), ("staging", "qa"), ("production", "staging"))
    )
    states = {one.name: here(signed_off={V1.release: ACCEPTED}) for one in chain}
    application = Application("pcw", "source", "headgate.yaml", chain)
    known = {one.name: set(signed_off(application, one, states)) for one in chain}
    assert known == {
        "devint": set(),
        "qa": {"devint"},
        "staging": {"qa", "devint"},
        "production": {"staging", "qa", "devint"},
    }
    aside = replace(chain[0], gates=(SignOffGate("production"),))
    assert set(signed_off(application, aside, states)) == {"production"}


# --- sign-offs

SIGNED = replace(CANARY, gates=(SignOffGate("qa", timedelta(minutes=5)),))


@pytest.mark.parametrize(
    ("verdict", "asked", "events"),
    [
        pytest.param(None, 10, [], id="nobody has said anything"),
        pytest.param(None, 301, ["ReleaseDropped rel_v2"], id="nobody has in time"),
        pytest.param(ACCEPTED, 10, ["RolloutStarted deploy v2"], id="accepted"),
        pytest.param(REJECTED, 10, ["ReleaseDropped rel_v2"], id="rejected"),
    ],
)
def test_a_sign_off_opens_the_gate(verdict: SignOff | None, asked: float, events: list[str]) -> None:
    known = {"qa": {V2.release: verdict} if verdict else {}}
    look = seen({"v1": "ready ready"}, routes({"v1": 100}), rules=SIGNED, signed_off=known)
    assert turn(state(waiting=request(V2, asked)), look)[0] == events
    assert bool(waits_for(state(waiting=request(V2, asked)), look, NOW)) is (verdict is not ACCEPTED)


def test_what_was_rejected_before_is_refused_with_where_by_whom_and_why() -> None:
    refused = accept(deploy(), state(), seen(signed_off={"qa": {V3.release: REJECTED}}), NOW)
    assert isinstance(refused, c.Refused)
    assert refused.why.startswith("v3 was rejected in qa by ann: wrong totals; ")


@pytest.mark.parametrize(
    ("command", "found"),
    [
        pytest.param(c.SignOff("ann", "accepted"), e.ReleaseSignedOff(V1.release, "ann", "accepted", ""), id="stable"),
        pytest.param(
            c.SignOff("ann", "rejected", "slow", V2.release),
            e.ReleaseSignedOff(V2.release, "ann", "rejected", "slow"),
            id="stable once",
        ),
        pytest.param(c.SignOff("ann", "accepted", "", V3.release), "rel_v3 was never stable here; v1 is", id="never"),
        pytest.param(c.SignOff("ann", "rejected"), "a rejection says why", id="no reason"),
    ],
)
def test_signing_off(command: c.SignOff, found: e.Event | str) -> None:
    known = state(promoted={V1.release: ago(10), V2.release: ago(20)})
    answer = accept(command, known, seen(), NOW)
    if isinstance(found, str):
        assert isinstance(answer, c.Refused)
        assert found in answer.why
    else:
        assert answer == [found]
        assert apply(found, known, NOW).signed_off[found.release].verdict == command.verdict  # type: ignore[union-attr]
