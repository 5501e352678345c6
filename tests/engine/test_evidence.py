"""What people and scripts are shown of the evidence: the comparison, numbers that are compared, and conditions."""

from dataclasses import replace

from tests.decide.given import NOW, seconds
from tests.decide.test_measuring import MEMORY, SALES, flight, ticked

from headgate.decide.judging import verdict_now
from headgate.engine.evidence import evidence
from headgate.model.measurements import Value


def test_metrics_of_the_file_are_shown_as_they_stand() -> None:
    one = ticked(flight(SALES, replace(SALES, name="tried", dry_run=True)), {"sales": Value(4.0)})
    shown = evidence(one, verdict_now(one, NOW + seconds(1)))["conditions"]
    assert shown == [
        {
            "metric": "sales",
            "outcome": "pass",
            "text": "metric sales: 4 against >= 3: succeeded 1 of 1 time",
            "value": 4.0,
            "dry_run": False,
        },
        {
            "metric": "tried",
            "outcome": "no_data",
            "text": "metric tried (dry run) was not read yet",
            "value": None,
            "dry_run": True,
        },
    ]


def test_a_number_that_is_compared_is_shown_with_how_much_higher_it_is() -> None:
    one = flight(MEMORY, measured=())
    for tick in range(1, 10):
        at = NOW + seconds(10 * tick)
        one = ticked(one, {"memory": Value(5.0 + tick % 2 / 100, 4.0)}, at)
    (shown,) = [m for m in evidence(one, verdict_now(one, at))["metrics"] if m["metric"] == "memory"]
    low, high = shown["difference"]
    assert shown["text"] == "memory 25.1 % higher in 9 readings"
    assert 0.2 < low < 0.251 < high < 0.3
    assert 0 < shown["allowed"] < 0.1
