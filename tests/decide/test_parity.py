"""Parity: each rule finds its difference and no other, what is accepted has its reason, and unknown is no replica."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.decide.given import CANARY, NOW, V1, V2, V3, request, routes, seconds, seen, state, turn

from headgate.decide.explain import waits_for
from headgate.decide.parity import Difference, differences
from headgate.model.observations import Place, Seen
from headgate.model.parity import Accepted, Parity, ParityGate
from headgate.model.rules import ContainerHost, Environment
from headgate.model.secrets import SecretRules
from headgate.model.services import Container, Service, Value

STAGING = replace(CANARY, name="staging")
SECRET, PLAIN = Value("secret", "shop/db"), Value("plain", "info")
WEB = replace(V1.services[0], image="web@sha256:1", env={"LOG_LEVEL": PLAIN, "DB": SECRET}, replicas=2)


def place(rules: Environment = CANARY, web: Service = WEB, version: str | None = "", **more: Any) -> Place:
    return Place(rules, replace(V1, services=(web,), **more), version)


def found(left: Place, right: Place = place()) -> list[str]:  # noqa: B008 - a value
    return [one.sentence for one in differences(left, right)]


def there(**changes: Any) -> Place:
    return place(STAGING, replace(WEB, **changes))


CASES: dict[str, tuple[Place, list[str]]] = {
    "nothing": (there(), []),
    "values alone": (there(env={"LOG_LEVEL": Value("plain", "debug"), "DB": Value("secret", "staging/db")}), []),
    "the platform": (
        place(replace(STAGING, platform="docker")),
        ["platform: docker in staging, process in production"],
    ),
    "the router": (place(replace(STAGING, traffic="alb")), ["traffic: alb in staging, envoy in production"]),
    "the metrics": (place(replace(STAGING, metrics="web")), ["metrics: web in staging, envoy in production"]),
    "hosts": (
        place(replace(STAGING, hosts=(ContainerHost("ssh://a", "a"), ContainerHost("ssh://b", "b")))),
        ["hosts: 2 in staging, 1 in production"],
    ),
    "stores": (
        place(replace(STAGING, secrets={"one": SecretRules("age")})),
        ["stores: age in staging, none in production"],
    ),
    "a version that nobody knows": (
        place(STAGING, version=None),
        ["platform version: that of staging cannot be told"],
    ),
    "the release": (
        place(STAGING, release=V2.release, label="v2"),
        ["release: v2 in staging, v1 in production"],
    ),
    "a service": (
        Place(STAGING, replace(V1, services=(WEB, replace(WEB, name="db")))),
        ["service db: only in staging"],
    ),
    "the image": (there(image="web@sha256:2"), ["image web: web@sha256:2 in staging, web@sha256:1 in production"]),
    "the program": (
        there(command=("x",), container=Container(cpus=1.0)),
        ["definition web: command, container not the same"],
    ),
    "replicas": (there(replicas=1), ["replicas web: 1 in staging, 2 in production"]),
    "a variable that is not there": (there(env={"DB": SECRET}), ["variable web.LOG_LEVEL: only in production"]),
    "one more secret": (there(env={**WEB.env, "KEY": SECRET}), ["secret web.KEY: only in staging"]),
    "a secret in the open": (
        there(env={"LOG_LEVEL": PLAIN, "DB": PLAIN}),
        ["secret web.DB: plain in staging, secret in production"],
    ),
    "a secret in a file": (
        there(env={"LOG_LEVEL": PLAIN, "DB": replace(SECRET, as_file=True)}),
        ["secret web.DB: secret as a file in staging, secret in production"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_differs(case: str) -> None:
    left, expected = CASES[case]
    assert found(left) == expected
    assert len(found(place(), left)) == len(expected)  # the other way round as well


def test_versions_are_compared_of_the_same_platform_alone() -> None:
    left, right = place(STAGING, version="Docker 27"), place(version="Docker 28")
    assert found(left, right) == ["platform-version: Docker 27 in staging, Docker 28 in production"]
    other = replace(left, rules=replace(STAGING, platform="docker"))
    assert [one.what for one in differences(other, right)] == ["platform"]


@pytest.mark.parametrize(
    ("share", "staging", "production", "fits"),
    [
        (0.1, 1, 4, True),  # at least one
        (0.1, 2, 20, True),
        (0.1, 3, 21, True),  # rounded up
        (0.1, 2, 21, False),
        (0.1, 4, 20, False),
        (1.0, 2, 2, True),
        (1.0, 2, 3, False),
        (0.5, 2, 3, True),
    ],
)
def test_replicas_for_the_traffic(share: float, staging: int, production: int, fits: bool) -> None:
    rules = replace(CANARY, parity={"staging": Parity(share)})
    left, right = there(replicas=staging), place(rules, replace(WEB, replicas=production))
    assert found(left, right) == [] if fits else len(found(left, right)) == 1
    assert bool(found(right, left)) != fits


@pytest.mark.parametrize("what", ["replicas web", "replicas *", "*"])
@pytest.mark.parametrize("says", ["production", "staging"])
def test_what_is_accepted_and_why(what: str, says: str) -> None:
    accept = Parity(accept=(Accepted("image *", "no"), Accepted(what, "to save money")))
    left, right = there(replicas=1), place()
    if says == "production":
        right = replace(right, rules=replace(CANARY, parity={"staging": accept}))
    else:
        left = replace(left, rules=replace(STAGING, parity={"production": accept}))
    expected = [Difference("replicas web", "replicas web: 1 in staging, 2 in production", "to save money")]
    assert differences(left, right) == expected
    assert [one.accepted for one in differences(right, left)] == ["to save money"]


def test_what_is_accepted_towards_another_environment_is_not_here() -> None:
    rules = replace(CANARY, parity={"qa": Parity(accept=(Accepted("*", "it is a toy"),))})
    assert [one.accepted for one in differences(there(replicas=1), place(rules))] == [""]


# --- the gate

GATE = ParityGate("staging", seconds(3600))
WAITING = state(waiting=request(replace(V2, services=(WEB,))))
SAME = Place(STAGING, replace(V2, services=(WEB,)))
STARTED = ["RolloutStarted deploy v2"]


def look(beside: Place | None, version: str | None = "", *accept: Accepted) -> Seen:
    rules = replace(CANARY, gates=(GATE,), parity={"staging": Parity(accept=accept)})
    base = seen({"v1": "ready ready"}, routes({"v1": 100}))
    return replace(base, rules=rules, beside={"staging": beside} if beside else {}, version=version)


SMALLER = replace(SAME, revision=replace(V2, services=(replace(WEB, replicas=1, env={}),)))
NO_REPLICA, ASK = "staging is no replica of production: ", "`headgate parity staging production`"
NOT_TOLD = "whether staging is a replica cannot be told: "


@pytest.mark.parametrize(
    ("at", "why"),
    [
        (look(SAME), ""),
        (look(None), NOT_TOLD + "it is not in the applied specification"),
        (look(replace(SAME, revision=None)), NOT_TOLD + "nothing is stable there"),
        (
            look(replace(SAME, version=None)),
            f"{NO_REPLICA}platform version: that of staging cannot be told: {ASK}",
        ),
        (
            look(SMALLER, "", Accepted("replicas web", "to save money")),
            f"{NO_REPLICA}variable web.LOG_LEVEL: only in production; secret web.DB: only in production: {ASK}",
        ),
        (look(SMALLER, "", Accepted("*", "a toy")), ""),
    ],
)
def test_the_gate(at: Seen, why: str) -> None:
    assert turn(WAITING, at)[0] == ([] if why else STARTED)
    if why:
        assert waits_for(WAITING, at, NOW) == [f"v2 waits for a gate: {why}"]


def test_a_long_list_is_cut() -> None:
    other = Place(replace(STAGING, platform="docker", traffic="alb", metrics="web"), V1)
    (told,) = waits_for(WAITING, look(other), NOW)
    assert "metrics: web in staging, envoy in production; and 4 more: `headgate" in told


def test_in_the_end_it_is_dropped() -> None:
    late = state(waiting=request(replace(V2, services=(WEB,)), asked=3601))
    assert turn(late, look(None))[0] == ["ReleaseDropped rel_v2"]
    assert turn(late, look(SAME))[0] == STARTED


@given(st.sets(st.sampled_from([name for name, (_, told) in CASES.items() if told])), st.booleans())
def test_it_opens_only_where_every_difference_is_accepted(cases: set[str], accepted: bool) -> None:
    """One at a time: whatever differs, and is not accepted, keeps it closed."""
    candidate = replace(V3, services=(WEB,))
    for case in cases:
        left = CASES[case][0]
        whats = [one.what for one in differences(left, Place(CANARY, candidate))]
        accept = tuple(Accepted(what, "so be it") for what in (whats if accepted else whats[1:]))
        started = turn(state(waiting=request(candidate)), look(left, "", *accept))[0] == ["RolloutStarted deploy v3"]
        assert started == accepted
