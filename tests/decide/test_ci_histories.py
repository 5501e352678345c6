"""Whatever happens to a build, in whatever order: what must always hold of it does."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from tests.decide.test_ci import NOW, build

from headgate.decide.builds import BuildState, apply_build
from headgate.decide.ci import ATTEMPTS, LONGEST, BuildSeen, decide_build, plan_build
from headgate.model import events as e
from headgate.model.builds import CiStep, StepSeen
from headgate.model.effects import MakeRelease, StartStep, StopMaking, StopStep
from headgate.model.ids import ReleaseId, StepRunId

STEPS = (CiStep("a", "x"), CiStep("b", "x"), CiStep("c", "x", ("a",)), CiStep("d", "x", ("b", "c")))


@dataclass
class Story:
    """One build in a world where anything may go wrong at any moment."""

    state: BuildState = field(default_factory=lambda: build(steps=STEPS))
    now: datetime = NOW
    steps: dict[StepRunId, StepSeen] = field(default_factory=dict)
    truth: dict[StepRunId, str] = field(default_factory=dict)  # how each execution really ended
    release: ReleaseId | None = None
    making: bool = False  # its release
    superseded: str | None = None
    hidden: bool = False
    deaf: bool = False  # effects fail
    room: int = 4

    def seen(self) -> BuildSeen:
        ids = [self.state.run_id(run.step) for run in self.state.runs.values() if run.outcome in (None, "lost")]
        looked = {} if self.hidden else {name: self.steps.get(name) for name in ids}
        unknown = ("it is hidden",) if self.hidden else ()
        return BuildSeen(looked, unknown, self.room, self.superseded, self.release, self.making)

    def turn(self) -> None:
        seen = self.seen()
        for event in decide_build(self.state, seen, self.now):
            self.check(event)
            self.state = apply_build(event, self.state, self.now)
        for effect in plan_build(self.state, seen):
            if self.deaf:
                failed = e.EffectFailed(str(effect), "the world is deaf", 1)
                self.state = apply_build(failed, self.state, self.now)
                continue
            match effect:
                case StartStep(order=order):
                    assert self.state.cancelled_at is None
                    assert all(self.state.passed(name) for name in order.step.needs)
                    self.steps.setdefault(order.id, StepSeen(order.id, "running"))
                case StopStep(id=step):
                    self.end(step, "cancelled")
                case MakeRelease():
                    assert set(self.state.runs) == {step.name for step in STEPS}
                    assert not self.making
                    self.making = True
                case StopMaking():
                    self.making = False

    def check(self, event: e.Event) -> None:
        assert self.state.outcome is None, "what is over is over"
        if isinstance(event, e.CiStepEnded):
            name = self.state.run_id(event.step)
            assert event.outcome in (self.truth.get(name, "never ran"), "lost", "cancelled"), "told as what it was not"
            assert event.outcome != "cancelled" or self.state.cancelled_at
        if isinstance(event, e.CiStepStarted):
            assert event.attempt <= ATTEMPTS
            before = self.state.runs.get(event.step)
            assert before is None or before.outcome == "lost"
        if isinstance(event, e.BuildEnded) and event.outcome == "passed":
            ran = {run.step: self.truth[self.state.run_id(run.step)] for run in self.state.runs.values()}
            assert ran == {step.name: "passed" for step in STEPS}, "passed, and a step did not"
            assert event.release == self.release
        if isinstance(event, e.BuildEnded) and event.outcome != "passed":
            assert not self.making, "over, and its images are still being made"
            assert self.release is None, "told as failed or cancelled, and there is a release"

    def end(self, name: StepRunId, outcome: str) -> None:
        if name in self.steps and self.steps[name].state == "running":
            self.truth[name] = outcome
            self.steps[name] = replace(self.steps[name], state=outcome)  # type: ignore[arg-type]

    def end_first(self, outcome: str) -> None:
        running = [name for name, seen in self.steps.items() if seen.state == "running"]
        for name in running[:1]:
            self.end(name, outcome)

    def make(self, broken: bool) -> None:
        """The end of the making, where there is one."""
        if self.making:
            self.making, self.release = False, None if broken else ReleaseId("rel_1")

    def supersede(self) -> None:
        self.superseded = "bld_2"

    def wait(self, span: timedelta) -> None:
        self.now += span

    def put(self, name: str, value: object) -> None:
        setattr(self, name, value)


HAPPENS: dict[str, Callable[[Story], None]] = {
    "a step passes": lambda story: story.end_first("passed"),
    "another passes": lambda story: story.end_first("passed"),
    "a step fails": lambda story: story.end_first("failed"),
    "a step is lost": lambda story: story.end_first("lost"),
    "images are made": lambda story: story.make(broken=False),
    "images cannot be made": lambda story: story.make(broken=True),
    "hidden": lambda story: story.put("hidden", True),
    "seen again": lambda story: story.put("hidden", False),
    "deaf": lambda story: story.put("deaf", True),
    "hears again": lambda story: story.put("deaf", False),
    "no room": lambda story: story.put("room", 0),
    "room again": lambda story: story.put("room", 4),
    "a newer commit": Story.supersede,
    "a minute": lambda story: story.wait(timedelta(minutes=1)),
    "an hour": lambda story: story.wait(timedelta(hours=1)),
}


@given(st.lists(st.sampled_from(sorted(HAPPENS)), max_size=40))
def test_it_is_never_told_as_what_it_was_not_and_always_ends(happenings: list[str]) -> None:
    story = Story()
    for what in happenings:
        HAPPENS[what](story)
        story.turn()
    for _ in range(60):  # then nothing more happens but time
        story.wait(LONGEST / 20)
        story.make(broken=True)  # it has a limit of its own
        story.turn()
    assert story.state.outcome is not None
    assert not story.state.running()


def test_left_alone_it_passes() -> None:
    story = Story()
    for _ in range(20):
        story.turn()
        story.end_first("passed")
        story.make(broken=False)
    assert (story.state.outcome, story.state.release) == ("passed", "rel_1")
