"""The judge: measurements in, a verdict out. As a table, and as properties that must hold for any counts."""

from dataclasses import replace
from math import comb

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.decide.given import NOW, seconds

from headgate.analysis.proportions import excess, slower_than
from headgate.analysis.thresholds import SEVERITY, judge
from headgate.model.measurements import Measurement, Outcome, Sample, Window, edge
from headgate.model.rules import AnalysisRules

RULES = AnalysisRules(errors_worse_by=0.005, p99_worse_by=0.20, minimum_requests=50)
FAST, SLOW = 45, 61  # buckets that end at 49 and 197 ms


def answers(requests: int, errors: int = 0, slow: int = 0) -> Sample:
    return Sample(requests, errors, {bucket: n for bucket, n in ((FAST, requests - slow), (SLOW, slow)) if n})


def measured(candidate: Sample | None, stable: Sample | None, *missing: str) -> Measurement:
    sides = [{"web": sample} if sample else {} for sample in (candidate, stable)]
    return Measurement(1, Window(NOW - seconds(10), NOW), sides[0], sides[1], missing)


def verdict(candidate: Sample | None, stable: Sample | None, *missing: str) -> Outcome:
    return judge(RULES, measured(candidate, stable, *missing), {}).outcome


TABLE = [
    ("identical", answers(1000, 5), answers(1000, 5), Outcome.PASS),
    ("no errors on either side", answers(60), answers(60), Outcome.PASS),
    ("better", answers(1000), answers(1000, 50), Outcome.PASS),
    ("worse by less than the margin", answers(10_000, 90), answers(10_000, 50), Outcome.PASS),
    ("worse by more, not certain yet", answers(100, 3), answers(1000, 5), Outcome.INCONCLUSIVE),
    ("worse by more, certain", answers(1000, 50), answers(1000, 5), Outcome.FAIL),
    ("everything fails", answers(60, 60), answers(1000), Outcome.FAIL),
    ("everything fails on both sides", answers(60, 60), answers(60, 60), Outcome.PASS),
    ("slower, certain", answers(1000, 0, 100), answers(1000), Outcome.FAIL),
    ("slower in two of a hundred: too few to tell", answers(100, 0, 2), answers(100), Outcome.PASS),
    ("slower in six of a hundred: one burst may do that", answers(100, 0, 6), answers(100), Outcome.PASS),
    ("slower in thirty of a hundred: doubt", answers(100, 0, 30), answers(100), Outcome.INCONCLUSIVE),
    ("faster", answers(1000), answers(1000, 0, 100), Outcome.PASS),
    ("candidate: one request too few", answers(49), answers(1000), Outcome.INCONCLUSIVE),
    ("candidate: just enough", answers(50), answers(1000), Outcome.PASS),
    ("stable: one request too few", answers(1000), answers(49), Outcome.INCONCLUSIVE),
    ("candidate: nobody came", Sample(), answers(1000), Outcome.NO_DATA),
    ("stable: nobody came", answers(1000), Sample(), Outcome.NO_DATA),
    ("nobody came at all", Sample(), Sample(), Outcome.NO_DATA),
    ("nothing was read", None, None, Outcome.NO_DATA),
    ("no latencies", Sample(1000, 5), answers(1000, 5), Outcome.NO_DATA),
    ("no latencies, but errors", Sample(1000, 100), answers(1000, 5), Outcome.FAIL),
]


@pytest.mark.parametrize(("candidate", "stable", "outcome"), [one[1:] for one in TABLE], ids=[one[0] for one in TABLE])
def test_verdict(candidate: Sample | None, stable: Sample | None, outcome: Outcome) -> None:
    assert verdict(candidate, stable) is outcome


def test_blind_is_no_data_whatever_was_seen_before() -> None:
    assert verdict(answers(1000, 900), answers(1000), "the source is down") is Outcome.NO_DATA


def test_nothing_measured_yet() -> None:
    assert judge(RULES, None, {}).outcome is Outcome.NO_DATA


def test_earlier_traffic_of_the_stable_stands_in() -> None:
    now = measured(answers(1000, 50), answers(0))
    assert judge(RULES, now, {"web": answers(1000, 5)}).outcome is Outcome.FAIL


def test_present_traffic_of_the_stable_goes_first() -> None:
    now = measured(answers(1000, 50), answers(1000, 50))
    assert judge(RULES, now, {"web": answers(9000, 0)}).outcome is Outcome.PASS


def test_the_worst_service_decides() -> None:
    well, ill = answers(1000, 5), answers(1000, 100)
    both = replace(measured(well, well), candidate={"web": well, "quotes": ill}, stable={"web": well, "quotes": well})
    found = judge(RULES, both, {})
    assert (found.outcome, found.why.partition(":")[0]) == (Outcome.FAIL, "quotes")


def test_a_service_that_nobody_calls_is_left_out() -> None:
    well = answers(1000, 5)
    one = replace(measured(well, well), candidate={"web": well, "mail": Sample()}, stable={"web": well})
    assert judge(RULES, one, {}).outcome is Outcome.PASS


def test_a_service_that_the_stable_does_not_have_is_left_out() -> None:
    well, ill = answers(1000, 5), answers(1000, 900)
    one = replace(measured(well, well), candidate={"web": well, "new": ill})
    assert judge(RULES, one, {}).outcome is Outcome.PASS
    assert judge(RULES, one, {"new": well}).outcome is Outcome.FAIL


def test_nothing_but_new_services_is_no_data() -> None:
    assert (
        judge(RULES, replace(measured(None, answers(1000)), candidate={"new": answers(1000)}), {}).outcome
        is Outcome.NO_DATA
    )


def test_a_verdict_shows_its_numbers() -> None:
    why = judge(RULES, measured(answers(1000, 50), answers(2000, 10)), {}).why
    assert why == "web: errors 5.00% (50 of 1000) against 0.50% (10 of 2000), 0.5 points allowed"


# --- properties

counts = st.integers(0, 3000)


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    requests = draw(counts)
    return answers(requests, draw(st.integers(0, requests)), draw(st.integers(0, requests)))


def severity(outcome: Outcome) -> int:
    """0 is a failure."""
    return SEVERITY.index(outcome)


@given(samples())
def test_a_twin_never_fails(sample: Sample) -> None:
    assert verdict(sample, sample) in (Outcome.PASS, Outcome.NO_DATA, Outcome.INCONCLUSIVE)


@given(samples(), samples(), st.integers(1, 50))
def test_more_errors_never_help(candidate: Sample, stable: Sample, more: int) -> None:
    worse = replace(candidate, errors=min(candidate.requests, candidate.errors + more))
    assert severity(verdict(worse, stable)) <= severity(verdict(candidate, stable))


@given(samples(), samples(), st.integers(1, 50))
def test_more_slow_answers_never_help(candidate: Sample, stable: Sample, more: int) -> None:
    slow = candidate.latency.get(SLOW, 0)
    worse = replace(candidate, latency=answers(candidate.requests, 0, min(candidate.requests, slow + more)).latency)
    assert severity(verdict(worse, stable)) <= severity(verdict(candidate, stable))


@given(samples(), samples(), st.integers(2, 20))
def test_a_failure_stays_one_when_there_is_more_of_the_same(candidate: Sample, stable: Sample, times: int) -> None:
    assume(verdict(candidate, stable) is Outcome.FAIL)
    assert verdict(_times(candidate, times), _times(stable, times)) is Outcome.FAIL


def _times(sample: Sample, times: int) -> Sample:
    latency = {bucket: count * times for bucket, count in sample.latency.items()}
    return Sample(sample.requests * times, sample.errors * times, latency)


@given(samples(), samples())
def test_never_a_pass_below_the_minimum_of_requests(candidate: Sample, stable: Sample) -> None:
    assume(min(candidate.requests, stable.requests) < RULES.minimum_requests)
    assert verdict(candidate, stable) in (Outcome.INCONCLUSIVE, Outcome.NO_DATA)


@given(samples(), samples(), samples())
def test_adding_up_is_order_and_grouping_free(one: Sample, two: Sample, three: Sample) -> None:
    assert (one + two) + three == one + (two + three)
    assert one + two == two + one


@given(st.integers(0, 200), st.integers(1, 200), st.integers(0, 200), st.integers(1, 200))
def test_excess_is_antisymmetric_without_a_margin(bad: int, of: int, other_bad: int, other_of: int) -> None:
    assume(bad <= of and other_bad <= other_of)
    assert excess(bad, of, other_bad, other_of) == pytest.approx(-excess(other_bad, other_of, bad, of))


@given(st.dictionaries(st.integers(0, 100), st.integers(1, 500), min_size=1), st.floats(0.01, 1.0))
def test_at_least_the_share_is_at_or_below_the_quantile(latency: dict[int, int], share: float) -> None:
    sample = Sample(sum(latency.values()), 0, latency)
    limit = sample.quantile(share)
    assert limit is not None
    below = sample.requests - slower_than(sample, limit)
    assert below >= share * sample.requests - 1e-6
    assert limit in {edge(bucket) for bucket in latency}


def test_false_alarms_are_as_rare_as_the_judge_says() -> None:
    """Exactly, by adding up binomial probabilities: twins with 1 % errors, 300 requests each, one look."""
    n, p = 300, 0.01
    chance = [comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(40)]
    alarms = sum(
        chance[a] * chance[b]
        for a in range(40)
        for b in range(40)
        if verdict(answers(n, a), answers(n, b)) is Outcome.FAIL
    )
    assert alarms < 1 / 2000
