"""Whole rollouts, look by look: the world answers every effect at once, and time passes."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import pytest
from tests.decide.given import (
    ADDRESSES,
    ALL_AT_ONCE,
    BLUE_GREEN,
    CANARY,
    NOW,
    PRODUCTION,
    V1,
    V2,
    V3,
    sample,
    seconds,
    told,
)

from headgate.decide.accept import accept
from headgate.decide.fold import apply, empty
from headgate.decide.plan import plan
from headgate.decide.rules import decide
from headgate.model import commands as c
from headgate.model import effects
from headgate.model import events as e
from headgate.model.checks import JobSeen
from headgate.model.ids import RevisionId, RolloutId
from headgate.model.measurements import Measurement, Sample, Window
from headgate.model.observations import Instance, Seen
from headgate.model.releases import Revision
from headgate.model.routes import RoutesSeen
from headgate.model.rules import Environment
from headgate.model.steps import describe


class Small:
    """A world without faults: what is asked of it is so at the next look, two seconds later."""

    def __init__(self, rules: Environment) -> None:
        self.rules, self.now, self.state = rules, NOW, empty(PRODUCTION)
        self.running: dict[RevisionId, Revision] = {}
        self.routes = RoutesSeen(None)
        self.jobs: dict[str, JobSeen] = {}
        self.errors: dict[RevisionId, int] = {}  # percent
        self.told: list[str] = []
        self.log: list[e.Recorded] = []
        self.weights: list[int] = []  # of the candidate, as they were set
        self._rollouts = 0

    def deploy(self, revision: Revision) -> None:
        self._rollouts += 1
        self.ask(c.Deploy(revision, RolloutId(f"rol_{self._rollouts}"), "bob"))

    def roll_back(self, to: str | None = None) -> None:
        self._rollouts += 1
        self.ask(c.Rollback(RolloutId(f"rol_{self._rollouts}"), "bob", to))

    def ask(self, command: c.Command) -> None:
        answer = accept(command, self.state, self._look(), self.now)
        assert not isinstance(answer, c.Refused), answer.why
        self._happened(answer)

    def _happened(self, events: Sequence[e.Event]) -> None:
        for event in events:
            self.state = apply(event, self.state, self.now)
            self.told.append(told(event))
            self.log.append(e.Recorded("small", len(self.log) + 1, len(self.log) + 1, self.now, event))

    def run_until_quiet(self, looks: int = 400) -> None:
        for _ in range(looks):
            events = self.look()
            if not events and self.state.rollout is None and self.state.waiting is None:
                return
        raise AssertionError(f"still busy: {self.told[-5:]}")

    def look(self) -> list[str]:
        seen = self._look()
        events = decide(self.state, seen, self.now)
        self._happened(events)
        for effect in plan(self.state, seen, self.now):
            self._do(effect)
        self.now += seconds(2)
        return [told(event) for event in events]

    def _do(self, effect: effects.Effect) -> None:
        match effect:
            case effects.Run(revision=revision):
                self.running[revision.id] = revision
            case effects.Stop(revision=revision_id):
                del self.running[revision_id]
            case effects.SetRoutes(routes=routes):
                self.routes = RoutesSeen(routes)
                if self.state.rollout:
                    self.weights.append(routes.weight(self.state.rollout.revision.id))
            case effects.RunJob(job=job):
                self.jobs[job.id] = JobSeen(job.id, "passed")

    def _look(self) -> Seen:
        instances = [
            Instance(f"{revision.id}-{number}", revision.id, "web", f"127.0.0.1:{number}", "ready")
            for revision in self.running.values()
            for number in range(2)
        ]
        jobs = tuple(self.jobs.values())
        return Seen(self.rules, tuple(instances), self.routes, ADDRESSES, jobs, self._measure(self.now))

    def _measure(self, now: datetime) -> Measurement | None:
        rollout, routes = self.state.rollout, self.routes.routes
        if rollout is None or routes is None:
            return None
        window = Window(rollout.last_tick_at or now, now)
        candidate, stable = self._sample(rollout.revision.id), self._sample(rollout.replaces)
        return Measurement(rollout.ticks + 1, window, {"web": candidate}, {"web": stable})

    def _sample(self, revision: RevisionId | None) -> Sample:
        if revision is None or self.routes.routes is None or not (weight := self.routes.routes.weight(revision)):
            return Sample()
        return sample(40 * weight, self.errors.get(revision, 0) * 40 * weight // 100)

    @property
    def shares(self) -> dict[str, int]:
        return {b.revision: b.weight for b in self.routes.routes.backends} if self.routes.routes else {}


def rise(weights: list[int]) -> list[int]:
    """Without repetitions."""
    return [weight for before, weight in zip([-1, *weights], weights, strict=False) if weight != before]


@pytest.fixture(params=[CANARY, BLUE_GREEN, ALL_AT_ONCE], ids=["canary", "blue-green", "all-at-once"])
def rules(request: pytest.FixtureRequest) -> Environment:
    chosen: Environment = request.param
    return chosen


@pytest.fixture
def served(rules: Environment) -> Small:
    """v1 is stable, and all that it took is forgotten."""
    world = Small(rules)
    world.deploy(V1)
    world.run_until_quiet()
    world.told, world.weights = [], []
    return world


def test_a_first_deployment_shifts_nothing_by_and_by(rules: Environment) -> None:
    world = Small(rules)
    world.deploy(V1)
    world.run_until_quiet()
    assert (rise(world.weights), world.shares) == ([0, 100], {V1.id: 100})
    assert world.state.stable == V1


def test_a_good_release_is_promoted(served: Small) -> None:
    served.deploy(V2)
    served.run_until_quiet()
    assert rise(served.weights) == ([0, 5, 25, 100] if served.rules is CANARY else [0, 100])
    assert served.told[-1] == "RolloutEnded promoted"
    assert (served.state.stable, served.state.previous) == (V2, V1)


def test_a_bad_one_goes_back_at_the_first_verdict(served: Small) -> None:
    served.errors[V2.id] = 30
    served.deploy(V2)
    served.run_until_quiet()
    outcome = {"canary": "aborted", "blue-green": "aborted", "all-at-once": "promoted"}[served.rules.strategy.kind]
    assert served.told[-1] == f"RolloutEnded {outcome}"  # all at once without a bake looks at nothing
    assert max(served.weights) == (5 if served.rules is CANARY else 100)
    if outcome == "aborted":
        assert (served.state.stable, served.shares) == (V1, {V1.id: 100})
        assert V2.release in served.state.refused


def test_the_old_one_is_gone_when_it_is_no_longer_warm(served: Small) -> None:
    served.deploy(V2)
    served.run_until_quiet()
    served.now += seconds(301)
    for _ in range(4):
        served.look()
    assert (served.shares, list(served.running)) == ({V2.id: 100}, [V2.id])


def test_a_warm_rollback_takes_two_looks(served: Small) -> None:
    served.rules = replace(served.rules, keep_warm=seconds(300))
    served.deploy(V2)
    served.run_until_quiet()
    served.roll_back()
    assert {"StepCompleted 0", "StepCompleted 1"} <= set(served.look())
    assert served.shares[V1.id] == 100
    assert "RevisionPromoted rev_v1" in served.look()


def test_a_cold_rollback_starts_what_it_goes_to(served: Small) -> None:
    for revision in (V2, V3):
        served.deploy(revision)
        served.run_until_quiet()
    served.roll_back("v1")
    served.run_until_quiet()
    assert (served.state.stable, served.shares[V1.id]) == (V1, 100)
    assert served.state.refused.keys() == {V3.release}


def test_rolling_back_twice_does_not_return_to_what_was_left(served: Small) -> None:
    for revision in (V2, V3):
        served.deploy(revision)
        served.run_until_quiet()
    served.roll_back()
    served.run_until_quiet()
    refused = {release: why for release, (_, why) in served.state.refused.items()}
    seen = replace(served._look(), quarantined=refused)
    answer = accept(c.Rollback(RolloutId("rol_9"), "bob"), served.state, seen, served.now)
    assert isinstance(answer, list)
    assert told(answer[0]) == "ReleaseRequested rollback v1"


def test_what_waits_starts_when_the_other_has_ended(served: Small) -> None:
    served.deploy(V2)
    served.look()
    served.deploy(V3)
    served.run_until_quiet()
    started = [line for line in served.told if line.startswith("RolloutStarted")]
    assert started == ["RolloutStarted deploy v2", "RolloutStarted deploy v3"]
    assert served.state.stable == V3


def test_newest_first_and_the_older_one_is_named(served: Small) -> None:
    served.deploy(V1_AGAIN)
    served.look()
    served.deploy(V2)
    served.deploy(V3)
    assert served.told[-2:] == ["ReleaseSuperseded rel_v2", "ReleaseRequested deploy v3"]
    served.run_until_quiet()
    assert "RolloutStarted deploy v2" not in served.told


V1_AGAIN = replace(V1, id=RevisionId("rev_v1-b"))


def test_promoted_by_hand_from_the_first_weight(served: Small) -> None:
    served.deploy(V2)
    while not (served.state.rollout and describe(served.state.rollout.step).startswith("weight")):
        served.look()
    served.ask(c.Promote("bob"))
    served.run_until_quiet()
    assert rise(served.weights) in ([0, 5, 100], [0, 100])
    assert served.state.stable == V2


def test_the_state_is_the_same_however_the_events_are_cut(served: Small) -> None:
    served.deploy(V2)
    seen = served._look()
    events = decide(served.state, seen, served.now)
    at_once = served.state
    for event in events:
        at_once = apply(event, at_once, served.now)
    one_by_one = served.state
    while news := decide(one_by_one, seen, served.now)[:1]:
        one_by_one = apply(news[0], one_by_one, served.now)
    assert at_once == one_by_one
