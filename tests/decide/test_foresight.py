"""Where rules cannot decide, and what is said of it; what is known of the traffic."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.decide.given import CANARY, NOW, measurement, sample, seconds

from headgate.decide import traffic as known
from headgate.decide.foresight import Doubt, doubts, foresee, needed_rate, rounded, slowest, written
from headgate.model.events import MeasurementTaken, Recorded
from headgate.model.ids import RolloutId
from headgate.model.measurements import Measurement, Sample, Traffic, Window
from headgate.model.rules import AnalysisRules, Environment, Strategy

LATENCY = known.around(80.0)
USUAL = replace(CANARY, analysis=AnalysisRules())


def traffic(rate: float = 500.0) -> Traffic:
    return known.traffic(rate, 0.005, LATENCY)


def analysed(**changes: object) -> Environment:
    return replace(USUAL, analysis=replace(AnalysisRules(), **changes))  # type: ignore[arg-type]


def doubted(rules: Environment, rate: float = 500.0) -> list[Doubt]:
    return list(doubts(rules, traffic(rate), 1))


def test_the_usual_rules_at_usual_traffic_are_beyond_doubt() -> None:
    assert doubted(USUAL) == []


DOUBTFUL = {
    "thin traffic": (analysed(deadline=seconds(600)), 20.0, "deadline", "That errors rise by less than"),
    "no room to pass": (analysed(at_least=seconds(60), deadline=seconds(61)), 5000.0, "deadline", "Extend it to 1m2s."),
    "a long blip": (analysed(blip=seconds(90)), 500.0, "blip", "Shorten it"),
    "trust without proof": (analysed(unproven="promote", deadline=seconds(120)), 20.0, "unproven", "promoted unproven"),
}


@pytest.mark.parametrize(("rules", "rate", "field", "remedy"), DOUBTFUL.values(), ids=DOUBTFUL)
def test_rules_that_cannot_decide_are_doubted(rules: Environment, rate: float, field: str, remedy: str) -> None:
    found = [one for one in doubted(rules, rate) if one.path == ("analysis", field)]
    assert found
    assert remedy in found[-1].remedy


def test_what_is_advised_helps() -> None:
    rules = analysed(deadline=seconds(600))
    needed, metric = slowest(rules, traffic(20.0), 1)
    assert metric == "errors"
    longer = analysed(deadline=rounded(needed))
    assert not [one for one in doubted(longer, 20.0) if one.path[-1] == "deadline"]
    more = needed_rate(rules, traffic(20.0), 1)
    assert more is not None
    assert more > 20
    assert not [one for one in doubted(rules, more) if one.path[-1] == "deadline"]


def test_rules_of_analysis_without_canary_or_bake_do_nothing() -> None:
    alone = replace(USUAL, strategy=Strategy("blue-green"), bake=timedelta())
    assert [one.path for one in doubted(alone)] == [("analysis",)]
    assert doubted(replace(alone, bake=seconds(600))) == []


def test_the_service_with_the_least_traffic_is_the_one_that_is_foretold() -> None:
    seen = foresee(USUAL, {"web": traffic(500.0), "quotes": traffic(30.0)})
    assert seen.thinnest == "quotes"
    assert seen.good.until_promoted is not None
    assert seen.good.until_promoted.usual > 300
    assert seen.preparation == seconds(120 + 120 + 60 + 630)
    assert seen.worse["errors 100 %"].caught == 1.0


@pytest.mark.parametrize(
    ("duration", "text"),
    [(90, "1m30s"), (3600, "1h"), (0, "0s"), (0.5, "0.5s"), (90000, "1d1h"), (2400, "40m")],
)
def test_durations_are_written_as_in_the_file(duration: float, text: str) -> None:
    assert written(seconds(duration)) == text


def test_the_median_is_where_it_was_said_to_be() -> None:
    middle = Sample(latency=LATENCY).quantile(0.5)
    assert middle == pytest.approx(80, rel=0.1)


def recorded(*taken: Measurement) -> list[Recorded]:
    events = [MeasurementTaken(RolloutId("rol_1"), one) for one in taken]
    return [Recorded("environment:pcw/production", at, at, NOW, event) for at, event in enumerate(events, start=1)]


def minute(number: int, candidate: Sample | None, stable: Sample | None, *missing: str) -> Measurement:
    start = NOW + timedelta(minutes=number)
    return measurement(candidate, stable, missing, number + 1, Window(start, start + timedelta(minutes=1)))


def test_traffic_is_that_of_both_sides_and_answers_are_the_stables() -> None:
    found = known.measured(recorded(minute(0, sample(600, 60), sample(2400, 24)), minute(1, None, sample(3000, 30))))
    assert found["web"].rate == pytest.approx(50)
    assert found["web"].errors == pytest.approx(0.01)
    assert sum(found["web"].latency.values()) == 5400


def test_only_the_latest_minutes_count_and_none_that_missed_something() -> None:
    old = [minute(number, None, sample(60_000)) for number in range(5)]
    new = [minute(number, None, sample(600)) for number in range(5, 15)]
    blind = minute(15, sample(5), None, "stable: web: gone")
    assert known.measured(recorded(*old, *new, blind))["web"].rate == pytest.approx(10)


def test_nothing_measured_is_nothing_known() -> None:
    assert known.measured([]) == {}
    assert known.measured(recorded(minute(0, None, sample(0)))) == {}
