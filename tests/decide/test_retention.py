"""Which images stay: what runs, what waits, what may be gone back to, and the newest releases."""

from dataclasses import replace
from typing import Any

import pytest
from tests.decide.given import NOW, PRODUCTION, V0, V1, V2, V3, rollout

from headgate.decide.retention import judged, needed
from headgate.model.ids import ReleaseId, RolloutId
from headgate.model.releases import Release, Revision
from headgate.model.rollouts import EnvironmentState, Past, Request


def digest(label: str) -> str:
    return f"sha256:{label[-1] * 64}"


def with_image(revision: Revision) -> Revision:
    services = tuple(
        replace(service, image=f"r.example.org/shop/{service.name}@{digest(revision.label)}")
        for service in revision.services
    )
    return replace(revision, services=services)


R0, R1, R2, R3 = (with_image(one) for one in (V0, V1, V2, V3))


def release(revision: Revision) -> Release:
    images = {service.name: digest(revision.label) for service in revision.services}
    who = (revision.commit, "main", "Ada", "x", NOW, revision.services, images, revision.label)
    return Release(revision.release, "shop", *who)


ALL = [release(one) for one in (R0, R1, R2, R3)]


def past(revision: Revision, outcome: Any = "promoted") -> Past:
    return Past(RolloutId(f"rol_{revision.label}"), "deploy", revision, outcome, NOW, NOW, "")


def stays(state: EnvironmentState, keep: int = 1, quarantined: tuple[str, ...] = ()) -> dict[str, str]:
    """Label -> why, of releases that are not simply the newest."""
    found = needed({"production": state}, ALL[:1], [ReleaseId(one) for one in quarantined], keep)
    return {f"v{key[1][-1]}": why for key, why in found.items() if "newest" not in why}


EMPTY = EnvironmentState(PRODUCTION)
WAITING = Request(R3, RolloutId("rol_3"), "deploy", "ann", "", NOW)
CASES: dict[str, tuple[EnvironmentState, dict[str, str]]] = {
    "nothing": (EMPTY, {}),
    "stable": (replace(EMPTY, stable=R1), {"v1": "stable in production"}),
    "candidate": (
        replace(EMPTY, stable=R1, rollout=rollout("analyze", R2)),
        {"v1": "stable in production", "v2": "rolling out in production"},
    ),
    "baseline": (
        replace(EMPTY, stable=R1, rollout=replace(rollout("analyze", R2), baseline=R3)),
        {"v1": "stable in production", "v2": "rolling out in production", "v3": "baseline in production"},
    ),
    "waiting": (
        replace(EMPTY, stable=R1, waiting=WAITING),
        {"v1": "stable in production", "v3": "waits in production"},
    ),
    "previous": (
        replace(EMPTY, stable=R2, previous=R1),
        {"v2": "stable in production", "v1": "the way back in production"},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_there_stays(case: str) -> None:
    state, expected = CASES[case]
    assert stays(state) == expected


class TestWaysBack:
    STATE = replace(EMPTY, stable=R3, past=(past(R0), past(R1), past(R2), past(R3)))

    def test_as_many_as_are_kept(self) -> None:
        assert set(stays(self.STATE, keep=1)) == {"v3", "v2"}
        assert set(stays(self.STATE, keep=2)) == {"v3", "v2", "v1"}
        assert set(stays(self.STATE, keep=9)) == {"v3", "v2", "v1", "v0"}

    def test_a_quarantined_one_does_not_take_the_place_of_a_good_one(self) -> None:
        assert set(stays(self.STATE, keep=1, quarantined=(R2.release, R1.release))) == {"v3", "v2", "v0"}

    def test_what_was_never_promoted_is_no_way_back(self) -> None:
        assert set(stays(replace(self.STATE, past=(past(R0), past(R1, "aborted"), past(R3))), keep=3)) == {"v3", "v0"}

    def test_configurations_of_one_release_count_once(self) -> None:
        other = replace(R3, id=R1.id)
        assert set(stays(replace(self.STATE, past=(past(R2), past(other), past(R3))), keep=1)) == {"v3", "v2"}


def test_the_newest_releases_stay_wherever_they_are() -> None:
    found = needed({}, ALL, [], 2)
    assert found == {("web", digest(one)): f"{one} is one of the newest 2" for one in ("v2", "v3")}


def test_every_environment_counts() -> None:
    found = needed({"qa": replace(EMPTY, stable=R0), "production": replace(EMPTY, stable=R1)}, [], [], 1)
    assert found == {("web", digest("v0")): "stable in qa", ("web", digest("v1")): "stable in production"}


def test_what_runs_no_images_needs_none() -> None:
    assert needed({"production": replace(EMPTY, stable=V1)}, [], [], 1) == {}


def test_each_image_is_listed_once_with_who_needs_it() -> None:
    tags = {"a": digest("v1"), "v1": digest("v1"), "b": digest("v2"), "x": digest("v9")}
    again = release(replace(R1, release=ReleaseId("rel_again")))
    found = judged("web", tags, [*ALL, again], {("web", digest("v1")): "y"})
    assert [(one.digest, one.tags, one.releases, one.needed) for one in found] == [
        (digest("v1"), ("a", "v1"), ("rel_again", "rel_v1"), "y"),
        (digest("v2"), ("b",), ("rel_v2",), ""),
        (digest("v9"), ("x",), (), "of no release of this server"),
    ]
