"""What moves a build, as data: a state and a look in, events and effects in words out."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from headgate.decide.builds import BuildState, apply_build
from headgate.decide.ci import (
    ATTEMPTS,
    GRACE,
    LONGEST,
    RELEASE,
    START,
    STOP,
    BuildSeen,
    decide_build,
    plan_build,
    waits,
)
from headgate.model import events as e
from headgate.model.builds import Build, CiStep, StepSeen, Tally
from headgate.model.effects import BuildEffect, MakeRelease, StartStep, StopMaking, StopStep
from headgate.model.ids import BuildId, ReleaseId, StepRunId

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
BUILD = Build(BuildId("bld_1"), "shop", "c" * 40, "main", "Ann", "Change", None, NOW)
LINT, TEST, PACK = CiStep("lint", "l"), CiStep("test", "t"), CiStep("pack", "p", needs=("lint", "test"))
TIMEOUT = LINT.timeout
REL = ReleaseId("rel_1")


def build(*events: e.Event, steps: tuple[CiStep, ...] = (LINT, TEST, PACK)) -> BuildState:
    state = BuildState(BUILD, steps, "/repository", "headgate.yaml", "ann")
    for event in events:
        state = apply_build(event, state, NOW)
    return state


def started(step: str, attempt: int = 1) -> e.CiStepStarted:
    return e.CiStepStarted(step, attempt, "its turn")


def ended(step: str, outcome: Any = "passed", attempt: int = 1, tests: Tally | None = None) -> e.CiStepEnded:
    return e.CiStepEnded(step, attempt, outcome, 1.0, tests, None, "for a reason")


def done(*names: str) -> list[e.Event]:
    return [event for name in names for event in (started(name), ended(name))]


def look(**states: str | None) -> dict[StepRunId, StepSeen | None]:
    """`test=None`: it was never started; `test_2` is the second attempt."""
    found: dict[StepRunId, StepSeen | None] = {}
    for key, state in states.items():
        name, _, attempt = key.partition("_")
        step = StepRunId(f"bld_1.{name}.{attempt or 1}")
        found[step] = StepSeen(step, state, 2.0, why="seen") if state else None  # type: ignore[arg-type]
    return found


def words(event: e.Event) -> str:
    match event:
        case e.CiStepStarted(step=step, attempt=attempt):
            return f"start {step} {attempt}"
        case e.CiStepEnded(step=step, outcome=outcome):
            return f"{step} {outcome}"
        case e.BuildCancelled():
            return "cancel"
        case e.BuildEnded(outcome=outcome):
            return f"end {outcome}"
    return type(event).__name__


def decided(state: BuildState, seen: BuildSeen | None = None, after: timedelta = timedelta(0)) -> list[str]:
    return [words(event) for event in decide_build(state, seen or BuildSeen(room=9), NOW + after)]


CANCEL = e.BuildCancelled("ann", "no longer wanted")
ALL_PASSED = build(*done("lint", "test", "pack"))
CANCELLED_LATE = build(*done("lint", "test", "pack"), CANCEL)


@pytest.mark.parametrize(
    ("state", "seen", "after", "expected"),
    [
        pytest.param(build(), BuildSeen(room=9), 0, ["start lint 1", "start test 1"], id="what needs nothing begins"),
        pytest.param(build(), BuildSeen(room=1), 0, ["start lint 1"], id="no more than there is room for"),
        pytest.param(build(), BuildSeen(room=0), 0, [], id="no room: it waits"),
        pytest.param(build(), BuildSeen(room=-2), 0, [], id="less than no room: it waits"),
        pytest.param(
            build(started("lint"), *done("test")), BuildSeen(look(lint="running")), 0, [], id="needs all, not some"
        ),
        pytest.param(build(*done("lint", "test")), BuildSeen(), 0, ["start pack 1"], id="all it needs has passed"),
        pytest.param(
            build(started("lint")), BuildSeen(look(lint="passed")), 0, ["lint passed"], id="an end is recorded first"
        ),
        pytest.param(
            build(started("lint"), started("test"), ended("lint", "failed")),
            BuildSeen(look(test="running")),
            0,
            [],
            id="after a failure nothing begins, and what runs goes on",
        ),
        pytest.param(
            build(started("lint"), ended("lint", "failed"), *done("test")), BuildSeen(), 0, ["end failed"], id="fails"
        ),
        pytest.param(
            build(started("lint"), ended("lint", "lost"), *done("test")),
            BuildSeen(),
            0,
            ["start lint 2"],
            id="one that was lost is run again",
        ),
        pytest.param(
            build(*done("test"), started("lint"), ended("lint", "lost"), started("lint", 2), ended("lint", "lost", 2)),
            BuildSeen(),
            0,
            ["end failed"],
            id="lost twice: the build fails",
        ),
        pytest.param(build(*done("lint", "test", "pack")), BuildSeen(), 0, [], id="passed: the release is awaited"),
        pytest.param(
            build(*done("lint", "test", "pack")), BuildSeen(release=REL), 0, ["end passed"], id="passed and released"
        ),
        pytest.param(
            build(*done("lint", "test", "pack"), e.EffectFailed("make", "disk full", 9)),
            BuildSeen(),
            RELEASE.total_seconds(),
            ["end failed"],
            id="no release in time: no success",
        ),
        pytest.param(
            build(*done("lint", "test", "pack"), e.EffectFailed("make", "disk full", 9)),
            BuildSeen(making=True),
            RELEASE.total_seconds(),
            [],
            id="images are being made: they have a limit of their own",
        ),
        pytest.param(
            ALL_PASSED, BuildSeen(making=True, superseded="bld_2"), 0, ["cancel"], id="overtaken"
        ),
        pytest.param(
            CANCELLED_LATE, BuildSeen(making=True), 0, [], id="cancelled: is broken off first"
        ),
        pytest.param(
            CANCELLED_LATE, BuildSeen(), 0, ["end cancelled"], id="cancelled and broken off"
        ),
        pytest.param(
            CANCELLED_LATE,
            BuildSeen(release=REL),
            0,
            ["end passed"],
            id="cancelled too late: there is a release, and it is told",
        ),
        pytest.param(
            build(*done("lint", "test", "pack"), e.EffectFailed("make", "no such file", 1, hopeless=True)),
            BuildSeen(),
            0,
            ["end failed"],
            id="what cannot be built is not tried again",
        ),
        pytest.param(build(), BuildSeen(superseded="bld_2", room=9), 0, ["cancel"], id="a newer commit"),
        pytest.param(build(), BuildSeen(room=0), LONGEST.total_seconds(), ["cancel"], id="waited for too long"),
        pytest.param(build(CANCEL), BuildSeen(room=9), 0, ["end cancelled"], id="cancelled before anything ran"),
        pytest.param(
            build(started("lint"), CANCEL), BuildSeen(look(lint=None)), 0, ["lint cancelled"], id="had not begun yet"
        ),
        pytest.param(
            build(started("lint"), CANCEL), BuildSeen(look(lint="running")), 0, [], id="ends when nothing runs"
        ),
        pytest.param(
            build(started("lint"), CANCEL),
            BuildSeen(look(lint="running")),
            STOP.total_seconds(),
            ["lint lost"],
            id="told to end and did not: lost, not cancelled",
        ),
        pytest.param(
            build(started("lint"), CANCEL), BuildSeen(look(lint="passed")), 0, ["lint passed"], id="passed meanwhile"
        ),
        pytest.param(
            build(started("lint")),
            BuildSeen(unknown=("?",), room=0),
            (TIMEOUT + GRACE).total_seconds(),
            [],
            id="hidden: it waits",
        ),
        pytest.param(
            build(started("lint")),
            BuildSeen(unknown=("?",)),
            (START + TIMEOUT + GRACE).total_seconds(),
            ["lint lost"],
            id="hidden for too long: lost",
        ),
        pytest.param(
            build(started("lint"), e.EffectFailed("start", "no git", 9)),
            BuildSeen(look(lint=None)),
            START.total_seconds(),
            ["lint lost"],
            id="could not be started",
        ),
        pytest.param(build(CANCEL, e.BuildEnded("cancelled", "so")), BuildSeen(room=9), 0, [], id="over is over"),
    ],
)
def test_what_is_decided(state: BuildState, seen: BuildSeen, after: float, expected: list[str]) -> None:
    assert decided(state, seen, timedelta(seconds=after)) == expected


def planned(effect: BuildEffect) -> str:
    match effect:
        case StartStep(order=order):
            return f"start {order.id}"
        case StopStep(id=step):
            return f"stop {step}"
        case MakeRelease():
            return "release"
        case StopMaking():
            return "no release"


@pytest.mark.parametrize(
    ("state", "seen", "expected"),
    [
        pytest.param(build(started("lint")), BuildSeen(look(lint=None)), ["start bld_1.lint.1"], id="is not there"),
        pytest.param(build(started("lint")), BuildSeen(look(lint="running")), [], id="is there"),
        pytest.param(build(started("lint")), BuildSeen(), [], id="could not be seen"),
        pytest.param(build(started("lint"), CANCEL), BuildSeen(look(lint=None)), [], id="cancelled: not started"),
        pytest.param(
            build(started("lint"), CANCEL), BuildSeen(look(lint="running")), ["stop bld_1.lint.1"], id="is ended"
        ),
        pytest.param(
            build(started("lint"), ended("lint", "lost")),
            BuildSeen(look(lint="running")),
            ["stop bld_1.lint.1"],
            id="given up for lost, and runs after all",
        ),
        pytest.param(build(*done("lint", "test", "pack")), BuildSeen(), ["release"], id="passed"),
        pytest.param(build(*done("lint", "test", "pack")), BuildSeen(release=REL), [], id="released"),
        pytest.param(build(*done("lint", "test")), BuildSeen(), [], id="one step is left"),
        pytest.param(build(*done("lint", "test", "pack"), CANCEL), BuildSeen(), [], id="cancelled: no release"),
        pytest.param(build(*done("lint", "test", "pack")), BuildSeen(making=True), [], id="it is being made"),
        pytest.param(
            CANCELLED_LATE, BuildSeen(making=True), ["no release"], id="cancelled meanwhile"
        ),
        pytest.param(build(*done("lint", "test", "pack"), e.BuildEnded("failed", "")), BuildSeen(), [], id="over"),
    ],
)
def test_what_is_done_about_it(state: BuildState, seen: BuildSeen, expected: list[str]) -> None:
    assert [planned(effect) for effect in plan_build(state, seen)] == expected


def test_a_step_gets_the_artifacts_of_all_before_it_in_the_order_of_the_file() -> None:
    a, b, c = CiStep("a", "x"), CiStep("b", "x", ("a",)), CiStep("c", "x", ("b",))
    state = build(*done("a"), started("b"), ended("b", "lost"), started("b", 2), ended("b", attempt=2), started("c"),
                  steps=(a, b, c))  # fmt: skip
    (effect,) = plan_build(state, BuildSeen(look(c=None)))
    assert isinstance(effect, StartStep)
    assert effect.order.after == ("bld_1.a.1", "bld_1.b.2")


def test_a_build_that_failed_names_the_tests() -> None:
    tests = Tally(30, 4, 0, ("a::one", "a::two", "a::three", "a::four"))
    state = build(*done("test"), started("lint"), ended("lint", "failed", tests=tests))
    (end,) = decide_build(state, BuildSeen(), NOW)
    assert isinstance(end, e.BuildEnded)
    assert end.why == "lint failed: 4 of 30 tests failed: a::one, a::two, a::three and 1 more"


def test_a_superseded_build_says_by_which() -> None:
    (cancelled,) = decide_build(build(), BuildSeen(superseded="bld_2 (abc1234)"), NOW)
    assert isinstance(cancelled, e.BuildCancelled)
    assert cancelled.why == "bld_2 (abc1234) is a newer commit of main"


def test_what_is_waited_for() -> None:
    state = build(started("lint"))
    assert waits(state, BuildSeen(), NOW + timedelta(seconds=7)) == ["lint runs for 7 s, at most 30 min"]
    assert waits(build(), BuildSeen(room=0), NOW) == ["steps of other builds, which run first"]


@pytest.mark.parametrize("worst", ["lost", "running", None])
def test_no_build_runs_for_ever(worst: str | None) -> None:
    """Whatever is seen, and however often: it ends, and never as passed."""
    state, now = build(), NOW
    for _ in range(200):
        names = {f"{run.step}_{run.attempt}": worst for run in state.running()}
        for event in decide_build(state, BuildSeen(look(**names), room=9), now):
            state = apply_build(event, state, now)
        now += timedelta(minutes=10)
    assert state.outcome in ("failed", "cancelled")
    assert all(run.attempt <= ATTEMPTS for run in state.runs.values())
