"""The judge: verdicts as a table, bad measurements, and what must hold for any history."""

import json
from dataclasses import replace
from datetime import timedelta
from random import Random
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.analysis.given import POLICY, START, answers, drawn, history, known, tick, told, window
from tests.examples import examples

from headgate.analysis import rate
from headgate.analysis.evidence import Evidence
from headgate.analysis.judge import begin, step, verdict
from headgate.analysis.policy import Policy
from headgate.model.measurements import Measurement, Sample
from headgate.model.rules import Tolerance
from headgate.model.verdicts import Outcome, Verdict
from headgate.store.codec import converter

STAGE_25 = 1


def after(ticks: int, candidate: Sample, stable: Sample, weight: int = 25, policy: Policy = POLICY) -> Verdict:
    evidence = told([tick(number, candidate, stable) for number in range(1, ticks + 1)], weight, policy)
    return verdict(policy, evidence, STAGE_25)


TABLE = [
    ("as good", answers(100, 1), answers(300, 3), Outcome.PASS),
    ("better", answers(100, 0), answers(300, 6), Outcome.PASS),
    ("no errors on either side", answers(100), answers(300), Outcome.PASS),
    ("five points more errors", answers(100, 6), answers(300, 3), Outcome.FAIL),
    ("everything fails", answers(100, 100), answers(300, 3), Outcome.FAIL),
    ("everything fails on both sides", answers(100, 100), answers(300, 300), Outcome.INCONCLUSIVE),
    ("a fifth slower", answers(100, 1, later=2), answers(300, 3), Outcome.FAIL),
    ("faster", answers(100, 1, later=-2), answers(300, 3), Outcome.PASS),
    ("candidate: nobody came", Sample(), answers(300, 3), Outcome.NO_DATA),
    ("stable: nobody came", answers(100, 1), Sample(), Outcome.NO_DATA),
    ("nobody came at all", Sample(), Sample(), Outcome.NO_DATA),
    ("three times the traffic that the weight gives", answers(900, 9), answers(300, 3), Outcome.INCONCLUSIVE),
    ("hardly any traffic of the candidate", answers(10), answers(300, 3), Outcome.INCONCLUSIVE),
]


@pytest.mark.parametrize(("candidate", "stable", "outcome"), [one[1:] for one in TABLE], ids=[one[0] for one in TABLE])
def test_after_two_minutes(candidate: Sample, stable: Sample, outcome: Outcome) -> None:
    found = after(120, candidate, stable)
    assert found.outcome is outcome, found.why
    assert found.why


# --- what it says


def test_harm_is_told_with_its_numbers() -> None:
    why = after(40, answers(100, 6), answers(300, 3)).why
    assert why.startswith("web: errors 6.0 % against 1.0 % in 4,000 requests; evidence ")
    assert why.endswith(" : 1 that it is worse than the 0.05 points allowed")


def test_what_is_missing_is_told() -> None:
    why = after(3, answers(20, 0), answers(60, 1)).why
    assert why.startswith("not proven yet (20 : 1 is needed): web: ")


def test_a_proof_waits_until_the_stage_was_watched_long_enough() -> None:
    assert after(60, answers(100, 1), answers(300, 3)).why == "proven, but watched for 59 of 60 s"
    assert after(61, answers(100, 1), answers(300, 3)).outcome is Outcome.PASS


def test_the_verdict_of_the_model() -> None:
    found = after(120, Sample(), Sample())
    assert (found.outcome, found.why) == (Outcome.NO_DATA, "no requests on either side")


def test_figures_hold_estimate_and_interval() -> None:
    errors = next(one for one in after(40, answers(100, 6), answers(300, 3)).figures if one.metric == "errors")
    assert (errors.answers, errors.share, errors.usual) == (4000, pytest.approx(0.06), pytest.approx(0.01))
    assert errors.low < 0.05 < errors.high
    assert errors.harm >= 1


# --- an outage needs seconds, a blip is forgiven


def test_an_outage_takes_five_seconds() -> None:
    good, failing = answers(25), answers(25, 25)
    for seconds, outcome in ((1, Outcome.INCONCLUSIVE), (5, Outcome.FAIL)):
        ticks = [tick(number, good, answers(475, 2)) for number in range(1, 31)]
        ticks += [tick(number, failing, answers(475, 2)) for number in range(31, 31 + seconds)]
        found = verdict(POLICY, told(ticks, weight=5), 0)
        assert found.outcome is outcome, found.why
    assert "outage" in found.why


@pytest.mark.parametrize("begins", [1, 30, 90])
@pytest.mark.parametrize("errors", [5, 10, 25])
def test_one_blip_puts_nothing_back_whenever_and_however_bad(begins: int, errors: int) -> None:
    """Short of an outage (25 points more). Only the candidate has it; it touches 20 whole seconds."""
    evidence = begin(POLICY, known(1000))
    for number in range(1, 121):
        bad = errors if begins <= number < begins + 20 else 1
        evidence = step(POLICY, evidence, tick(number, answers(100, bad), answers(300, 3)), 25)
        assert verdict(POLICY, evidence, STAGE_25).outcome is not Outcome.FAIL


def test_what_lasts_twice_as_long_is_no_blip() -> None:
    ticks = [tick(number, answers(100, 10 if number > 30 else 1), answers(300, 3)) for number in range(1, 71)]
    assert verdict(POLICY, told(ticks), STAGE_25).outcome is Outcome.FAIL


def test_a_policy_may_forgive_nothing() -> None:
    strict = replace(POLICY, blip=0.0)
    ticks = [tick(number, answers(100, 10 if number > 30 else 1), answers(300, 3)) for number in range(1, 40)]
    assert verdict(POLICY, told(ticks), STAGE_25).outcome is not Outcome.FAIL
    assert verdict(strict, told(ticks, policy=strict), STAGE_25).outcome is Outcome.FAIL


# --- bad measurements: no_data or inconclusive with the reason, never a pass


GOOD = tick(200, answers(100, 1), answers(300, 3))
BAD = [
    ("blind", tick(200, None, None, "prometheus did not answer"), "prometheus did not answer"),
    (
        "negative",
        tick(200, Sample(-5), answers(300)),
        "web: a negative count of the candidate (a counter that restarted?)",
    ),
    ("negative bucket", tick(200, answers(9), Sample(9, 0, {3: -9})), "web: a negative count of the stable"),
    ("NaN", tick(200, Sample(float("nan")), answers(300)), "web: a count that is no number of the candidate"),  # type: ignore[arg-type]
    ("infinite", tick(200, Sample(float("inf")), answers(300)), "web: a count that is no number"),  # type: ignore[arg-type]
    ("more errors than requests", tick(200, Sample(5, 6), answers(300)), "web: 6 errors in 5 requests"),
    ("ends first", replace(GOOD, window=replace(GOOD.window, end=START)), "tick 200 ends before it begins"),
    ("again", replace(GOOD, window=window(120)), "tick 200 begins before the one before it ended"),
]


@pytest.mark.parametrize(("measured", "reason"), [one[1:] for one in BAD], ids=[one[0] for one in BAD])
def test_a_bad_measurement_is_no_data_and_counts_nothing(measured: Measurement, reason: str) -> None:
    proven = told([tick(number, answers(100, 1), answers(300, 3)) for number in range(1, 121)])
    assert verdict(POLICY, proven, STAGE_25).outcome is Outcome.PASS
    evidence = step(POLICY, proven, measured, 25)
    found = verdict(POLICY, evidence, STAGE_25)
    assert (found.outcome, found.why[: len(reason)]) == (Outcome.NO_DATA, reason)
    assert evidence.services == proven.services
    again = step(POLICY, evidence, tick(201, answers(100, 1), answers(300, 3)), 25)
    assert verdict(POLICY, again, STAGE_25).outcome is Outcome.PASS


def test_a_source_that_answers_no_more_is_no_data() -> None:
    proven = told([tick(number, answers(100, 1), answers(300, 3)) for number in range(1, 121)])
    soon, late = (START + timedelta(seconds=one) for one in (125, 150))
    assert verdict(POLICY, proven, STAGE_25, soon).outcome is Outcome.PASS
    assert verdict(POLICY, proven, STAGE_25, late).why == "no measurement for 30 s"


def test_nothing_measured_yet() -> None:
    for evidence in (None, begin(POLICY, known())):
        assert verdict(POLICY, evidence, 0).outcome is Outcome.NO_DATA


def test_harm_that_was_shown_is_told_even_by_the_blind() -> None:
    evidence = told([tick(number, answers(100, 6), answers(300, 3)) for number in range(1, 61)])
    blind = step(POLICY, evidence, tick(61, None, None, "down"), 25)
    assert verdict(POLICY, blind, STAGE_25).outcome is Outcome.FAIL


def test_without_latencies_there_is_no_pass() -> None:
    bare = begin(POLICY, {"web": Sample(1000, 5)})
    for number in range(1, 121):
        bare = step(POLICY, bare, tick(number, Sample(100, 1), Sample(300, 3)), 25)
    found = verdict(POLICY, bare, STAGE_25)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert found.why.startswith("web: 0 of the 500 latencies")


def test_unknown_before_the_release_edges_are_chosen_from_the_stable_as_it_answers() -> None:
    evidence = begin(POLICY, {"web": Sample()})
    for number in range(1, 181):
        evidence = step(POLICY, evidence, tick(number, answers(100, 1), answers(300, 3)), 25)
    assert [metric.name for metric in evidence.services["web"].metrics][2:] == ["latency", "p99"]
    assert verdict(POLICY, evidence, STAGE_25).outcome is Outcome.PASS


def test_the_worst_service_decides_and_one_that_nobody_calls_is_left_out() -> None:
    def both(number: int, errors: int) -> Measurement:
        one = tick(number, answers(100, 1), answers(300, 3))
        return replace(
            one,
            candidate=one.candidate | {"mail": answers(100, errors), "jobs": Sample()},
            stable=one.stable | {"mail": answers(300, 3)},
        )

    for errors, outcome in ((1, Outcome.PASS), (8, Outcome.FAIL)):
        evidence = begin(POLICY, {name: answers(100_000, 1000) for name in ("web", "mail", "jobs")})
        for number in range(1, 121):
            evidence = step(POLICY, evidence, both(number, errors), 25)
        found = verdict(POLICY, evidence, STAGE_25)
        assert found.outcome is outcome, found.why
    assert found.why.startswith("mail: errors")


def test_a_gauge_holds_and_puts_back() -> None:
    policy = replace(POLICY, gauges={"memory": Tolerance(1.10, 1.25)})
    for value, outcome in ((100.0, Outcome.PASS), (124.0, Outcome.INCONCLUSIVE), (200.0, Outcome.FAIL)):
        evidence = begin(policy, known(1000))
        for number in range(1, 71):
            noise = 1 + 0.01 * (number * 7 % 5 - 2)
            readings = {"memory": (value * noise, 100.0)} if number % 10 == 0 else None
            evidence = step(policy, evidence, tick(number, answers(100, 1), answers(300, 3)), 25, readings)
        found = verdict(policy, evidence, STAGE_25)
        assert found.outcome in (outcome, Outcome.INCONCLUSIVE), found.why
    assert "memory" in found.why


# --- for any history

seeds = st.integers(0, 10_000)
worse = st.sampled_from([0.0, 0.02, 0.08, 0.5])


def as_json(evidence: Evidence) -> str:
    return json.dumps(converter.unstructure(evidence), allow_nan=False, separators=(",", ":"))


def from_json(text: str) -> Evidence:
    return converter.structure(json.loads(text), Evidence)


@given(seeds, worse, st.integers(1, 9))
@settings(max_examples=examples(25), deadline=None)
def test_a_crash_changes_nothing(seed: int, more: float, every: int) -> None:
    """JSON and back every few ticks, the same ticks again, and older ones late: the same evidence to the last digit."""
    ticks = history(seed, 40, more)
    crashed = begin(POLICY, known(1000))
    for number, one in enumerate(ticks):
        crashed = step(POLICY, crashed, one, 25)
        if number % every == 0:
            crashed = from_json(as_json(crashed))
            crashed = step(POLICY, crashed, one, 25)
            crashed = step(POLICY, crashed, ticks[max(0, number - 3)], 25)
    assert crashed == told(ticks)
    assert verdict(POLICY, crashed, STAGE_25) == verdict(POLICY, told(ticks), STAGE_25)


@given(seeds, worse, st.integers(1, 3))
@settings(max_examples=examples(25), deadline=None)
def test_reported_in_parts_it_is_the_same(seed: int, more: float, parts: int) -> None:
    """What several sources saw in one tick is added up before it is judged."""
    for one in history(seed, 5, more):
        whole = one.candidate["web"]
        split = [Sample() for _ in range(parts + 1)]
        for index, (bucket, count) in enumerate(whole.latency.items()):
            split[index % len(split)] += Sample(count, 0, {bucket: count})
        split[0] += Sample(0, whole.errors)
        summed = sum(split, Sample())
        assert summed == whole
        assert told([replace(one, candidate={"web": summed})]) == told([one])


@given(seeds, worse, st.integers(1, 10))
@settings(max_examples=examples(25), deadline=None)
def test_more_errors_in_the_last_tick_never_help(seed: int, more: float, extra: int) -> None:
    ticks = history(seed, 30, more)
    seen = ticks[-1].candidate["web"]
    worse_one = replace(seen, errors=min(seen.errors + extra, seen.requests))
    pair = told(ticks), told([*ticks[:-1], replace(ticks[-1], candidate={"web": worse_one})])
    for index in (0, 1):
        harm = [
            rate.harm_nats(one.services["web"].metrics[index], POLICY, one.services["web"].rates[index], 1)
            for one in pair
        ]
        assert harm[1] >= harm[0] - 0.03  # gains are remembered with two decimals
    proofs = [one.services["web"].rates[0].gates[1].total for one in pair]
    assert proofs[1] <= proofs[0] + 0.002


@given(seeds)
@settings(max_examples=examples(15), deadline=None)
def test_equal_arms_are_not_put_back(seed: int) -> None:
    for size in (20, 60):
        assert verdict(POLICY, told(history(seed, size)), STAGE_25).outcome is not Outcome.FAIL


def test_state_and_time_stay_small() -> None:
    """At most 1 KB a metric, and 0.2 ms a metric and tick: here with room for a slow machine, see docs/verdicts.md."""
    ticks = history(1, 120, 0.01)
    evidence = begin(POLICY, known(1000))
    began = process_time()
    for one in ticks:
        evidence = step(POLICY, evidence, one, 25)
    spent = process_time() - began
    rates = evidence.services["web"].rates
    sizes = [len(json.dumps(converter.unstructure(one), separators=(",", ":"))) for one in rates]
    assert max(sizes) <= 1024
    assert spent / len(ticks) / len(rates) < 0.002


def test_the_stable_alone_is_learnt_from() -> None:
    evidence = begin(POLICY, {"web": Sample()})
    for number in range(1, 31):
        evidence = step(POLICY, evidence, tick(number, None, answers(400, 40)), 0)
    errors = evidence.services["web"].rates[0]
    assert errors.bad / errors.of == pytest.approx(0.1, rel=0.02)
    assert errors.dispersion.stable.pairs > 20


def test_a_candidate_that_is_never_called_leaves_no_evidence() -> None:
    evidence = told([tick(number, Sample(), answers(300, 3)) for number in range(1, 200)], weight=1)
    assert all(abs(one.harm.total) < 1e-9 for one in evidence.services["web"].rates)


def test_drawn_traffic_is_what_it_should_be() -> None:
    sample = drawn(Random(1), 1000, 0.5)
    assert sample.requests == sum(sample.latency.values()) == 1000
    assert 400 < sample.errors < 600


def test_what_is_not_asked_for_is_not_compared() -> None:
    """Slower by half is no harm where only errors count; and nobody waits for latencies."""
    errors_only = replace(POLICY, signals=("errors",))
    evidence = begin(errors_only, {"web": Sample()})
    for number in range(1, 90):
        evidence = step(errors_only, evidence, tick(number, answers(100, later=5), answers(300)), 25)
    found = verdict(errors_only, evidence, STAGE_25)
    assert found.outcome is Outcome.PASS
    assert {one.metric for one in found.figures} == {"errors", "outage"}
    assert after(90, answers(100, later=5), answers(300)).outcome is Outcome.FAIL
