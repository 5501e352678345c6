"""Recorded rollouts under other rules: what changes, how much sooner or later, and where nobody can know."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.decide.given import BLUE_GREEN, CANARY, PRODUCTION, V1, V2, sample, seconds
from tests.decide.test_histories import Small
from tests.examples import examples

from headgate.decide.backtest import Compared, Decided, compared, histories
from headgate.decide.fold import apply, empty
from headgate.decide.judging import verdict_now
from headgate.model import commands as c
from headgate.model import events as e
from headgate.model.ids import RevisionId, RolloutId
from headgate.model.measurements import Sample
from headgate.model.rules import AnalysisRules, Environment, Tolerance
from headgate.model.steps import Analyze, describe

RULES = CANARY.analysis


class Drawn(Small):
    """Errors come by chance."""

    def __init__(self, rules: Environment, seed: int = 1) -> None:
        super().__init__(rules)
        self.random = Random(seed)
        self.often = 40  # requests a look and percent

    def _sample(self, revision: RevisionId | None) -> Sample:
        whole = super()._sample(revision)
        requests = whole.requests * self.often // 40
        share = 0.005 + self.errors.get(revision, 0) / 100 if revision else 0.0
        return sample(requests, sum(self.random.random() < share for _ in range(requests)))


def lived(rules: Environment = CANARY, errors: int = 0, often: int = 40, seed: int = 1) -> Drawn:
    """v1 was stable, and v2 has come to an end."""
    world = Drawn(rules, seed)
    world.often = often
    world.deploy(V1)
    world.run_until_quiet()
    world.errors[V2.id] = errors
    world.deploy(V2)
    return world


def ended(world: Drawn) -> Drawn:
    world.run_until_quiet()
    return world


def tried(world: Drawn, rules: AnalysisRules) -> Compared:
    (found,) = [compared(one, rules) for one in histories(PRODUCTION, world.log)]
    return found


def held(world: Drawn) -> Drawn:
    """Nothing is proven; a person promotes it after the deadline."""
    while not (world.state.rollout and world.state.rollout.phase == "paused"):
        world.look()
    world.ask(c.Promote("bob"))
    return ended(world)


def by_hand(world: Drawn) -> Drawn:
    """A person promotes it half a minute into its first analysis."""
    while not (world.state.rollout and isinstance(world.state.rollout.step, Analyze)):
        world.look()
    for _ in range(15):
        world.look()
    world.ask(c.Promote("bob"))
    return ended(world)


def crashed(world: Drawn) -> Drawn:
    while not (world.state.rollout and describe(world.state.rollout.step) == "analyze"):
        world.look()
    world.ask(c.Abort("ann", "complaints"))
    return ended(world)


STRICT = replace(RULES, errors=Tolerance(0.0001, 0.0005))
LAX = replace(RULES, errors=Tolerance(0.6, 0.7))
HASTY = replace(RULES, at_least=seconds(10))
PATIENT = replace(RULES, at_least=seconds(120))
HELD = replace(CANARY, analysis=replace(RULES, deadline=seconds(80)))

# What happened; the rules that are tried; decided then, decided now, is it sooner (1), later (-1), the same (0).
Case = tuple[Callable[[], Drawn], AnalysisRules, Decided, Decided, int | None]
TABLE: dict[str, Case] = {
    "good, the same rules": (lambda: ended(lived()), RULES, "promoted", "promoted", 0),
    "good, a shorter dwell": (lambda: ended(lived()), HASTY, "promoted", "promoted", 1),
    "good, a longer dwell": (lambda: ended(lived()), PATIENT, "promoted", "undecided", None),
    "good, a margin that needs more": (lambda: ended(lived()), STRICT, "promoted", "undecided", None),
    "bad, the same rules": (lambda: ended(lived(errors=30)), RULES, "put back", "put back", 0),
    "bad, no blip forgiven": (
        lambda: ended(lived(errors=10)),
        replace(RULES, blip=seconds(0)),
        "put back",
        "put back",
        1,
    ),
    "bad, everything tolerated": (lambda: ended(lived(errors=20)), LAX, "put back", "undecided", None),
    "held, the same rules": (lambda: held(lived(HELD, often=2)), HELD.analysis, "held", "held", 0),
    "held, to be put back instead": (
        lambda: held(lived(HELD, often=2)),
        replace(HELD.analysis, unproven="rollback"),
        "held",
        "put back",
        None,
    ),
    "held, a longer deadline": (lambda: held(lived(HELD, often=2)), RULES, "held", "undecided", None),
    "by hand": (lambda: by_hand(lived()), RULES, "promoted", "undecided", None),
    "by hand, proven before": (lambda: by_hand(lived()), HASTY, "promoted", "promoted", 1),
    "a person aborts": (lambda: crashed(lived()), HASTY, "put back", "put back", 0),
    "a bake puts back": (lambda: ended(lived(BLUE_GREEN, errors=40)), RULES, "put back", "put back", 0),
}


@pytest.mark.parametrize("case", TABLE.values(), ids=TABLE)
def test_what_other_rules_would_have_decided(case: Case) -> None:
    happened, rules, then, now, way = case
    found = tried(happened(), rules)
    assert (found.then.decided, found.now.decided) == (then, now), found
    assert found.changed is (way is None)
    if found.sooner is not None:
        assert (found.sooner > 1) - (found.sooner < -1) == way, found


def test_what_the_record_does_not_reach_is_said() -> None:
    found = tried(ended(lived()), PATIENT)
    assert found.now.why.startswith("not proven yet when the record of this step ends: proven, but watched for ")
    assert found.now.weight == 5
    assert found.now.tick < found.ticks


def test_rollbacks_and_first_releases_are_no_trials() -> None:
    world = Drawn(CANARY)
    world.deploy(V1)
    world.run_until_quiet()
    assert list(histories(PRODUCTION, world.log)) == []
    world.deploy(V2)
    world.run_until_quiet()
    world.roll_back()
    world.run_until_quiet()
    assert [one.started.revision.label for one in histories(PRODUCTION, world.log)] == ["v2"]


def test_a_rollout_in_flight_is_not_over() -> None:
    world = lived()
    for _ in range(20):
        world.look()
    assert list(histories(PRODUCTION, world.log)) == []


def test_a_verdict_of_another_judge_is_told_apart() -> None:
    """The log says that it was put back; these rules, tried on what was measured then, would have promoted it."""
    world = ended(lived(errors=30))
    gentle = [replace(one, event=tamed(one.event)) for one in world.log]
    (found,) = [compared(one, RULES) for one in histories(PRODUCTION, gentle)]
    assert found.now.decided == "undecided"
    assert found.replayed  # it ends before anything is proven: that contradicts nothing


def tamed(event: e.Event) -> e.Event:
    if not isinstance(event, e.MeasurementTaken):
        return event
    calm = {name: replace(one, errors=0) for name, one in event.measurement.candidate.items()}
    return replace(event, measurement=replace(event.measurement, candidate=calm))


@given(st.integers(0, 8), st.sampled_from([4, 40, 200]), st.integers(0, 10_000), st.sampled_from([CANARY, BLUE_GREEN]))
@settings(max_examples=examples(15), deadline=None)
def test_the_same_rules_decide_what_is_on_record(errors: int, often: int, seed: int, rules: Environment) -> None:
    """In time, too; and each verdict in the log is what the measurements before it say."""
    world = lived(rules, errors, often, seed)
    for _ in range(900):
        world.look()
        rollout = world.state.rollout
        if rollout and rollout.phase == "paused":
            world.ask(c.Abort("bob", "enough"))
    found = tried(world, rules.analysis)
    assert found.replayed
    assert found.now.decided == found.then.decided
    assert found.sooner == pytest.approx(0, abs=2)  # a look
    state = empty(PRODUCTION)
    for one in world.log:
        if isinstance(one.event, e.VerdictReached) and state.rollout:
            assert verdict_now(state.rollout, one.at) == one.event.verdict
        state = apply(one.event, state, one.at)
    assert RolloutId("rol_2") == found.rollout
