"""What a candidate is compared with: stable or baseline, never both; and how few instances widen the margin."""

from dataclasses import replace

import pytest
from tests.decide.given import (
    ALONE,
    NOW,
    USUAL,
    V1,
    V2,
    measurement,
    request,
    revision,
    routes,
    sample,
    seconds,
    seen,
    state,
)
from tests.decide.test_baseline import AT_HOME, BESIDE, FRESH, LOOK_5, ON_5, ON_50, at, flight

from headgate.decide.baseline import fewest_instances, with_traffic
from headgate.decide.fold import apply
from headgate.decide.judging import learnt, policy_of, verdict_now
from headgate.decide.rules import decide
from headgate.model import events as e
from headgate.model.measurements import Measurement, Sample, Window
from headgate.model.releases import Revision
from headgate.model.rollouts import Rollout
from headgate.model.steps import Analyze
from headgate.model.verdicts import Outcome
from headgate.spec.compile import application
from headgate.spec.read import read


@pytest.mark.parametrize(
    ("routed", "stable", "baseline"),
    [
        ({"v1": 100}, V1, None),
        (AT_HOME, V1, None),
        (ON_5, V1, FRESH),
        (ON_50, None, FRESH),
        ({"v2": 100, "v1": 0, "b9": 0}, None, None),
        ({"v2": 5, "v1": 95}, V1, None),
    ],
)
def test_who_answers_users_is_measured(routed: dict[str, int], stable: object, baseline: object) -> None:
    assert with_traffic(at(LOOK_5), routes(routed)) == {"stable": stable, "baseline": baseline}


def ticks(*arms: str) -> list[Measurement]:
    """After ten seconds of the stable alone, one second each; the candidate and every other answer 760 requests."""
    alone = [measurement(*one, tick=n, window=window(n)) for n, one in enumerate(ALONE, start=1)]
    more = [measurement(sample(760), USUAL, tick=n, window=window(n)) for n in range(11, 11 + len(arms))]
    beside = {"stable": {}, "baseline": {"web": USUAL}}
    return [*alone, *(replace(one, baseline=beside[arm]) for one, arm in zip(more, arms, strict=True))]


def window(number: int) -> Window:
    return Window(NOW + seconds(number - 1), NOW + seconds(number))


def lived(*arms: str) -> Rollout:
    moved = flight(LOOK_5)
    for tick in ticks(*arms):
        there = replace(moved, position=0) if tick.tick <= len(ALONE) else moved
        moved = replace(moved, evidence=learnt(there, V1, tick))
    return moved


def test_a_stage_begins_anew_where_another_arm_takes_over() -> None:
    seen_so_far = lived(*["baseline"] * 5).evidence
    assert (seen_so_far.against, seen_so_far.watched) == ("baseline", 4.0)  # type: ignore[attr-defined]
    assert seen_so_far.services["web"].share.stable == 5 * 760  # type: ignore[attr-defined]
    after = lived(*["baseline"] * 5, "stable", "stable", "stable").evidence
    assert (after.against, after.watched) == ("stable", 2.0)  # type: ignore[attr-defined]
    assert after.services["web"].share.stable == 2 * 760, "the tick in between belongs to neither"  # type: ignore[attr-defined]
    assert all(one.tally.answers == 2 * 760 for one in after.services["web"].rates)  # type: ignore[attr-defined]


def test_what_is_slow_is_learnt_from_the_stable_too_while_the_baseline_is_compared_with() -> None:
    """At little traffic the baseline alone would need minutes for the thousand latencies that this takes."""
    few, many = sample(40), sample(700)
    moved = flight(LOOK_5)
    for number in (1, 2):
        tick = replace(measurement(few, many, tick=number, window=window(number)), baseline={"web": few})
        moved = replace(moved, evidence=learnt(moved, V1, tick))
    service = moved.evidence.services["web"]  # type: ignore[attr-defined]
    assert service.earlier is None
    assert (service.share.candidate, service.share.stable) == (80, 80), "nothing else is compared"


def test_an_equal_share_is_the_due_share_beside_a_baseline_only() -> None:
    def nats(arm: str) -> float:
        return max(lived(*[arm] * 6).evidence.services["web"].share.nats)  # type: ignore[attr-defined]

    assert nats("baseline") < 0 < nats("stable")


# --- the margin between instances


@pytest.mark.parametrize(
    ("candidate", "other", "fewest"),
    [
        (V2, None, (1, 1)),
        (revision("v2", replicas=3), revision("v1", replicas=5), (3, 5)),
        (revision("v2", services=("api",)), V1, (1, 1)),
    ],
)
def test_the_fewest_copies_of_a_service_that_both_have(
    candidate: Revision, other: Revision | None, fewest: tuple[int, int]
) -> None:
    assert fewest_instances(candidate, other) == fewest


def test_the_smallest_service_decides_and_one_that_only_one_has_does_not() -> None:
    sizes = ((4, "web"), (2, "api"), (1, "old"))
    web, api, old = (revision("v1", replicas=n, services=(name,)).services for n, name in sizes)
    candidate = replace(V2, services=(*web, *api))
    assert fewest_instances(candidate, replace(V1, services=(*web, *api, *old))) == (2, 2)


def test_instances_are_those_of_the_arm_that_is_compared_with() -> None:
    rules = replace(BESIDE, analysis=replace(BESIDE.analysis, instance_spread=0.1))
    wide = revision("v1", replicas=8)
    before = state(stable=wide, waiting=request(V2))
    (started,) = decide(before, replace(seen({}, routes({})), rules=rules), NOW)[:1]
    beside = apply(started, before, NOW)
    assert policy_of(beside.rollout).instances == (2, 2)  # type: ignore[arg-type]
    alone = apply(e.BaselineDropped(beside.rollout.id, ""), beside, NOW)  # type: ignore[union-attr]
    assert policy_of(alone.rollout).instances == (2, 8)  # type: ignore[arg-type]
    margins = [p.widened(p.latency).harm for p in (policy_of(one.rollout) for one in (beside, alone))]  # type: ignore[arg-type]
    assert margins == pytest.approx([3 * 0.1 * (1 / 2 + 1 / 2) ** 0.5, 3 * 0.1 * (1 / 2 + 1 / 8) ** 0.5])


FILE = """\
application: shop
services:
  web: {command: [serve, "$PORT"], port: 8000}
environments:
  production:
    platform: process
    strategy: {canary: {steps: [50], baseline: true}}
    analysis: {instance_spread: SPREAD, deadline: 5m}
"""


def offset(spread: str) -> Rollout:
    """Five minutes with a candidate that is a bucket (9 %) slower all the while, as on a slower machine."""
    applied = application(read(FILE.replace("SPREAD", spread)), "source", "headgate.yaml")
    rules = applied.environments[0]
    one = revision("v2", replicas=1)
    before = state(stable=revision("v1", replicas=1), waiting=request(one))
    (started,) = decide(before, replace(seen({}, routes({})), rules=rules), NOW)[:1]
    moved = apply(started, before, NOW).rollout
    assert moved is not None
    assert moved.baseline is not None
    usual = {bucket: 4 + 2 * (bucket % 5) for bucket in range(40, 70)}
    slower = {bucket + 1: count for bucket, count in usual.items()}
    theirs, mine = (Sample(sum(of.values()), 1, of) for of in (usual, slower))
    at_50 = next(n for n, step in enumerate(moved.steps) if isinstance(step, Analyze))
    for number in range(1, 301):
        arms = ({"web": mine}, {}, (), {"web": theirs}) if number > 5 else ({}, {"web": theirs}, (), {})
        moved = replace(moved, position=at_50 if number > 5 else 0)
        taken = Measurement(number, window(number), *arms)
        moved = replace(moved, evidence=learnt(moved, V1, taken))
    return moved


def test_a_spread_that_the_file_states_widens_the_margin_of_latency() -> None:
    """Of one instance each, three standard errors of 5 % are 21 %: a lasting offset of 9 % says nothing of the code."""
    now = NOW + seconds(300)
    strict, wide = offset("0%"), offset("5%")
    assert verdict_now(strict, now).outcome is Outcome.FAIL
    assert "worse than the 4 % allowed" in verdict_now(strict, now).why
    assert verdict_now(wide, now).outcome is not Outcome.FAIL
