"""The pipeline: what moves on by itself, what is refused everywhere, and how long a release has soaked."""

from dataclasses import replace

import pytest
from tests.decide.given import ALL_AT_ONCE, CANARY, NOW, V1, V2, V3, ago, rollout, seconds, state, told

from headgate.decide.fold import apply
from headgate.decide.pipeline import (
    ApplicationState,
    Wanted,
    advance,
    fold_application,
    passed,
    quarantine,
    release_called,
)
from headgate.model import events as e
from headgate.model.ids import ReleaseId, RolloutId
from headgate.model.releases import Release, Revision
from headgate.model.rollouts import EnvironmentState
from headgate.model.rules import Application

STAGING = replace(CANARY, name="staging", deploy="on-build", branches=("main", "release/*"))
PRODUCTION = replace(CANARY, after="staging", deploy="on-advance")
ON_REQUEST = replace(PRODUCTION, deploy="on-request")


def announced(*releases: str) -> tuple[e.ReleaseAnnounced, ...]:
    """ "v1", or "v1@branch"."""
    pairs = [release.partition("@") for release in releases]
    return tuple(e.ReleaseAnnounced(ReleaseId(f"rel_{label}"), label, branch or "main") for label, _, branch in pairs)


def around(*releases: str, rules: tuple[object, ...] = (STAGING, PRODUCTION), **more: object) -> ApplicationState:
    application = Application("pcw", "/source", "headgate.yaml", rules)  # type: ignore[arg-type]
    return ApplicationState(1, application, announced(*releases), **more)  # type: ignore[arg-type]


def served(stable: Revision, *asked: Revision) -> EnvironmentState:
    return state(stable=stable, requested=frozenset(one.release for one in (stable, *asked)))


NOBODY: dict[str, EnvironmentState] = {}
CASES = [
    ("nothing was released", around(), NOBODY, []),
    ("no specification", replace(around("v1"), specification=None), NOBODY, []),
    ("built", around("v1"), NOBODY, ["staging v1"]),
    ("the newest alone", around("v1", "v2"), NOBODY, ["staging v2"]),
    ("of a branch that is named", around("v1@release/7"), NOBODY, ["staging v1"]),
    ("of another branch", around("v1", "v2@feature/x"), NOBODY, ["staging v1"]),
    ("asked for already", around("v1"), {"staging": state(stable=None, requested=frozenset({V1.release}))}, []),
    ("quarantined, and nothing older instead", around("v1", "v2", quarantined={V2.release: "slow"}), NOBODY, []),
    ("stable before", around("v1"), {"staging": served(V1)}, ["production v1"]),
    ("stable before, asked for here already", around("v1"), {"staging": served(V1), "production": served(V1)}, []),
    (
        "on trial before",
        around("v1"),
        {"staging": replace(served(V1, V2), rollout=rollout("analyze"))},
        ["production v1"],
    ),
    ("stable before, here on request", around("v1", rules=(STAGING, ON_REQUEST)), {"staging": served(V1)}, []),
    ("stable before, quarantined", around("v1", quarantined={V1.release: "slow"}), {"staging": served(V1)}, []),
]


@pytest.mark.parametrize(
    ("application", "environments", "wanted"), [one[1:] for one in CASES], ids=[one[0] for one in CASES]
)
def test_advance(application: ApplicationState, environments: dict[str, EnvironmentState], wanted: list[str]) -> None:
    found = advance(application, environments)
    assert [f"{one.environment} {one.release.removeprefix('rel_')}" for one in found] == wanted


def test_advance_says_why() -> None:
    assert advance(around("v1"), {"staging": served(V1)}) == [
        Wanted("production", V1.release, "v1 is stable in staging")
    ]


REFUSED = {"staging": state(refused={V2.release: (ago(50), "slow")})}


@pytest.mark.parametrize(
    ("application", "refused"),
    [
        (around(), ["ReleaseQuarantined"]),
        (around(quarantined={V2.release: "slow"}), []),
        (around(lifted={V2.release: ago(49)}), []),
        (around(lifted={V2.release: ago(51)}), ["ReleaseQuarantined"]),
    ],
    ids=["refused", "known", "lifted since", "refused again since it was lifted"],
)
def test_quarantine(application: ApplicationState, refused: list[str]) -> None:
    assert [told(event) for event in quarantine(application, REFUSED)] == refused


def test_a_release_refused_in_two_environments_is_quarantined_once() -> None:
    assert len(quarantine(around(), {**REFUSED, "production": REFUSED["staging"]})) == 1


def test_lifting_opens_and_is_remembered() -> None:
    events: list[e.Event] = [
        e.ReleaseQuarantined(V2.release, "staging", "slow"),
        e.QuarantineLifted(V2.release, "bob", "was the database"),
    ]
    after = [e.Recorded("application:pcw", n, n, ago(10 - n), event) for n, event in enumerate(events, start=1)]
    folded = fold_application(ApplicationState(), after)
    assert (folded.quarantined, folded.lifted, folded.version) == ({}, {V2.release: ago(8)}, 2)
    assert quarantine(folded, REFUSED) == []


def promoted(here: EnvironmentState, revision: Revision, at: float) -> EnvironmentState:
    here = replace(here, rollout=rollout("retire", candidate=revision, rules=ALL_AT_ONCE))
    return apply(e.RevisionPromoted(RolloutId("rol_2"), revision.id, ago(at), "well"), here, ago(at))


class TestSoak:
    """How long ago `passed` says a release became stable is how long it has been so."""

    def test_the_stable_soaks(self) -> None:
        assert passed(promoted(state(stable=None), V1, 100), NOW) == {V1.release: ago(100)}

    def test_for_what_was_replaced_time_stands_still(self) -> None:
        here = promoted(promoted(state(stable=None), V1, 100), V2, 90)
        assert passed(here, NOW) == {V1.release: ago(10), V2.release: ago(90)}
        assert passed(here, NOW + seconds(1000))[V1.release] == NOW + seconds(990)

    def test_what_comes_back_goes_on_soaking(self) -> None:
        here = promoted(promoted(promoted(state(stable=None), V1, 100), V2, 90), V1, 30)
        assert passed(here, NOW)[V1.release] == ago(40)

    def test_new_configuration_of_the_same_release_does_not_begin_again(self) -> None:
        here = promoted(promoted(state(stable=None), V1, 100), V1, 30)
        assert passed(here, NOW) == {V1.release: ago(100)}

    def test_a_clock_that_was_set_back_takes_nothing_away(self) -> None:
        here = promoted(promoted(state(stable=None), V1, 90), V2, 100)
        assert passed(here, NOW)[V1.release] == NOW

    def test_nothing_was_ever_stable(self) -> None:
        assert passed(state(stable=None), NOW) == {}


def named(label: str, version: str | None = None) -> Release:
    return Release(ReleaseId(f"rel_{label}"), "pcw", f"{label}00abc", "main", "ann", "Change", NOW, (), version=version)


RELEASES = {release.id: release for release in (named("a1", "v1"), named("a2", "v2"), named("b1"))}


@pytest.mark.parametrize(
    ("name", "found"),
    [("v1", ["a1"]), ("rel_b1", ["b1"]), ("a100", ["a1"]), ("a10", []), ("v3", []), ("", [])],
)
def test_release_called(name: str, found: list[str]) -> None:
    assert [release.id for release in release_called(name, RELEASES)] == [f"rel_{label}" for label in found]


def test_what_waits_behind_has_been_asked_for() -> None:
    assert V3.release in served(V1, V3).requested
