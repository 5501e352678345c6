"""Sources: what is followed, what moved, what is skipped; and that an integration stays where it is."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.decide.given import ALL_AT_ONCE, NOW, V1, ago, state

from headgate.decide.pipeline import ApplicationState, advance, fold_application, refused_here
from headgate.decide.sources import (
    REMEMBERED,
    Followed,
    fold_followed,
    follows,
    integrated,
    moved,
    noted,
    poll,
    release_before,
    skips,
    to_integrate,
)
from headgate.model import events as e
from headgate.model.ids import ReleaseId
from headgate.model.rules import Application, Environment
from headgate.model.sources import Following, Integration

STAGING = replace(ALL_AT_ONCE, name="staging", deploy="on-build", branches=("main", "release/*"), after=None)
DEVINT = replace(STAGING, name="devint", branches=("main", "feature/*"), integrate=True)
QA = replace(STAGING, name="qa", deploy="on-request", branches=("qa",))
BEHIND = replace(STAGING, name="behind", deploy="on-advance", after="devint")


def rules(*environments: Environment, source: str = "/shop", **more: object) -> Application:
    following = Following(**more)  # type: ignore[arg-type]
    return Application("shop", source, "headgate.yaml", environments or (DEVINT, STAGING, QA), following)


class TestFollows:
    def test_by_itself_the_branches_of_on_build(self) -> None:
        assert follows(rules()) == ("refs/heads/main", "refs/heads/release/*")

    def test_or_what_the_file_says(self) -> None:
        assert follows(rules(branches=("a*",), tags=("v*",))) == ("refs/heads/a*", "refs/tags/v*")

    def test_nothing_where_another_ci_announces(self) -> None:
        assert follows(rules(releases="on-announce", tags=("v*",))) == ()

    @pytest.mark.parametrize(
        ("source", "said", "every"),
        [("/shop", None, 1), ("https://git.example.org/shop", None, 30), ("git@git.example.org:shop", 5, 5)],
    )
    def test_how_often(self, source: str, said: int | None, every: int) -> None:
        given = timedelta(seconds=said) if said else None
        assert poll(rules(source=source, poll=given)) == timedelta(seconds=every)


HEADS = {"refs/heads/main": "a", "refs/heads/feature/x": "b", "refs/heads/release/1": "c", "refs/tags/v1": "a"}


def after(*events: e.Event) -> Followed:
    followed = Followed()
    for event in events:
        followed = fold_followed(followed, event, NOW)
    return followed


FIRST = e.SourceFollowed("/shop", ("refs/heads/main", "refs/heads/release/*"), {"refs/heads/main": "a"})


class TestMoved:
    def test_the_first_look_only_notes(self) -> None:
        first = noted(Followed(), rules(), HEADS)
        assert first == replace(FIRST, heads={"refs/heads/main": "a", "refs/heads/release/1": "c"})
        assert moved(after(first), HEADS) == []

    def test_the_second_look_notes_nothing(self) -> None:
        assert noted(after(FIRST), rules(), HEADS) is None

    def test_what_is_new_or_elsewhere(self) -> None:
        heads = {**HEADS, "refs/heads/main": "z"}
        assert moved(after(FIRST), heads) == [("refs/heads/main", "z"), ("refs/heads/release/1", "c")]

    def test_another_file_notes_what_it_adds_and_forgets_nothing_that_moved(self) -> None:
        wider = rules(branches=("*",))
        heads = {**HEADS, "refs/heads/main": "z"}
        second = noted(after(FIRST), wider, heads)
        assert second is not None
        assert second.heads == {"refs/heads/feature/x": "b", "refs/heads/release/1": "c"}
        assert moved(after(FIRST, second), heads) == [("refs/heads/main", "z")]

    def test_another_repository_begins_anew(self) -> None:
        second = noted(after(FIRST), rules(source="/other"), HEADS)
        assert second is not None
        assert moved(after(FIRST, second), HEADS) == []

    def test_a_commit_is_dealt_with_once(self) -> None:
        seen = e.CommitSeen("refs/heads/main", "z", "skipped", "[skip ci]")
        assert moved(after(FIRST, seen), {"refs/heads/main": "z"}) == []

    def test_only_so_many_are_remembered_but_every_integration(self) -> None:
        many = [e.CommitSeen(f"refs/heads/{number}", "a", "released", "") for number in range(REMEMBERED + 5)]
        followed = after(e.BranchesIntegrated("devint", {"main": "a"}, "released", ""), *many)
        assert len(followed.sightings) == REMEMBERED + 1
        assert integrated(followed, "devint") == {"main": "a"}
        assert len(followed.heads) == REMEMBERED + 5


@pytest.mark.parametrize(
    ("message", "found"),
    [
        ("Change\n\n[skip ci]", "[skip ci]"),
        ("[CI Skip] change", "[CI Skip]"),
        ("Explain what skip ci means", None),
        ("[skip  ci]", None),
        ("", None),
        ("[" * 100_000, None),
    ],
    ids=["body", "subject", "words", "two spaces", "nothing", "hostile"],
)
def test_skips(message: str, found: str | None) -> None:
    assert skips(message) == found


def test_the_release_before_is_of_the_same_branch_or_environment() -> None:
    announced = (
        e.ReleaseAnnounced(ReleaseId("rel_1"), "1", "main"),
        e.ReleaseAnnounced(ReleaseId("rel_2"), "2", "integration/devint", "devint"),
        e.ReleaseAnnounced(ReleaseId("rel_3"), "3", "feature/x"),
    )
    assert release_before(announced, "main") == "rel_1"
    assert release_before(announced, "", "devint") == "rel_2"
    assert release_before(announced, "integration/devint") is None
    assert release_before(announced, "release/1") is None


def test_branches_are_integrated_in_the_order_of_the_file_then_by_name() -> None:
    heads = {"refs/heads/feature/b": "1", "refs/heads/feature/a": "2", "refs/heads/main": "3", "refs/tags/main": "4"}
    assert to_integrate(DEVINT, heads) == [("main", "3"), ("feature/a", "2"), ("feature/b", "1")]
    assert to_integrate(DEVINT, {}) == []


class TestAnIntegrationGoesNoFurther:
    """Whatever asks: the pipeline by itself, an environment behind it, a person."""

    MADE = e.ReleaseAnnounced(V1.release, "v1", "integration/devint", "devint")

    def state(self, *announced: e.ReleaseAnnounced, around: Application | None = None) -> ApplicationState:
        return ApplicationState(1, around or rules(), announced)

    def asked(self, *announced: e.ReleaseAnnounced) -> list[str]:
        return [f"{one.environment} {one.release}" for one in advance(self.state(*announced), {})]

    def test_it_is_taken_by_its_own_environment_alone(self) -> None:
        assert self.asked(self.MADE) == [f"devint {V1.release}"]

    def test_which_takes_nothing_else_by_itself(self) -> None:
        assert self.asked(e.ReleaseAnnounced(V1.release, "v1", "main")) == [f"staging {V1.release}"]

    def test_a_pattern_that_fits_its_name_does_not_take_it(self) -> None:
        wide = replace(STAGING, branches=("*", "integration/*"))
        assert advance(self.state(self.MADE, around=rules(wide)), {}) == []

    def test_nor_does_a_second_announcement_of_the_same_release(self) -> None:
        again = e.ReleaseAnnounced(V1.release, "v1", "main")
        assert advance(self.state(self.MADE, again, around=rules(STAGING)), {}) == []

    def test_nor_does_an_environment_behind_it(self) -> None:
        around = self.state(self.MADE, around=rules(DEVINT, BEHIND))
        stable = {"devint": state(stable=V1, requested=frozenset({V1.release}))}
        assert advance(around, stable) == []
        plain = self.state(e.ReleaseAnnounced(V1.release, "v1", "main"), around=rules(DEVINT, BEHIND))
        assert [one.environment for one in advance(plain, stable)] == ["behind"]

    @pytest.mark.parametrize(("environment", "refused"), [("devint", False), ("staging", True), ("qa", True)])
    def test_people_are_told_why(self, environment: str, refused: bool) -> None:
        said = refused_here(V1.release, environment, self.state(self.MADE))
        assert bool(said) is refused
        assert said is None or "integration of branches for devint and never goes further" in said

    def test_a_release_of_a_tag_is_taken_by_nobody_by_himself(self) -> None:
        wide = replace(STAGING, branches=("*",))
        tagged = e.ReleaseAnnounced(V1.release, "v1", "refs/tags/v1")
        assert advance(self.state(tagged, around=rules(wide)), {}) == []


def test_what_is_folded() -> None:
    events: list[e.Event] = [
        FIRST,
        e.ReleaseVersioned(V1.release, "v1"),
        e.BranchesIntegrated("devint", {"main": "a"}, "released", "", Integration("c", ("main",))),
    ]
    recorded = [e.Recorded("application:shop", n, n, ago(0), event) for n, event in enumerate(events, start=1)]
    folded = fold_application(ApplicationState(), recorded)
    assert folded.versions == {V1.release: "v1"}
    assert folded.followed.heads == {"refs/heads/main": "a"}
    assert integrated(folded.followed, "devint") == {"main": "a"}
