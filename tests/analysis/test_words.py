"""Evidence in words and numbers that a person reads."""

import pytest

from headgate.analysis.policy import Policy
from headgate.analysis.share import Share
from headgate.analysis.words import allowed, estimate, harmed, misrouted, odds, percent, proven, too_few, unproven
from headgate.model.rules import Tolerance
from headgate.model.verdicts import Figure

POLICY = Policy()
ERRORS = Figure("web", "errors", harm=1.31, proof=-1.0, answers=14_210, share=0.009, usual=0.005)
LATENCY = Figure("web", "latency", harm=0.01, proof=0.5, answers=14_210, share=0.53, usual=0.5, slower=1.5)
TAIL = Figure("web", "p99", harm=0.01, proof=0.5, answers=14_210, share=0.012, usual=0.01, limit=331.7)


def test_the_sentence_of_a_rollback() -> None:
    assert harmed(POLICY, [LATENCY, ERRORS]) == (
        "web: errors 0.9 % against 0.5 % in 14,210 requests;"
        " evidence 132 : 1 that it is worse than the 0.05 points allowed"
    )


def test_of_a_promotion() -> None:
    told = proven(POLICY, [ERRORS, LATENCY, TAIL])
    assert "latency about 6 % higher in 14,210 requests" in told
    assert "slower than 332 ms: 1.2 % against 1.0 %" in told
    assert told.endswith("none worse than promotion allows, by at least 20 : 1")


def test_of_what_is_missing_the_least_proven_comes_first() -> None:
    told = unproven(POLICY, [LATENCY, ERRORS])
    assert told.index("errors") < told.index("latency")
    assert "errors 0.9 % against 0.5 % in 14,210 requests, 7 : 1 so far" in told


@pytest.mark.parametrize(
    ("share", "told"),
    [
        (0, "0 %"),
        (0.00012, "0.01 %"),
        (0.0009, "0.09 %"),
        (0.005, "0.5 %"),
        (0.052, "5.2 %"),
        (0.123, "12 %"),
        (1, "100 %"),
    ],
)
def test_percent(share: float, told: str) -> None:
    assert percent(share) == told


@pytest.mark.parametrize(
    ("ratio", "told"),
    [(131, "131 : 1"), (12_345, "12,345 : 1"), (1e9, "over 1,000,000 : 1"), (0.2, "1 : 5"), (0.0, "1 : 1,000,000")],
)
def test_odds(ratio: float, told: str) -> None:
    assert odds(ratio) == told


def test_what_is_allowed() -> None:
    policy = Policy(gauges={"memory": Tolerance(1.1, 1.25)})
    assert allowed(policy, LATENCY) == "the 4 % allowed"
    assert allowed(policy, Figure("web", "outage", 2.0, 0.0)) == "25 points, which is an outage"
    assert allowed(policy, Figure("", "memory", 2.0, 0.0)) == "the 10 % allowed"
    assert estimate(policy, Figure("", "memory", 2.0, 0.0, 9, slower=0.123)) == "memory 12.3 % higher in 9 readings"
    assert estimate(policy, Figure("", "memory", 2.0, 0.0, 9, slower=-0.02)) == "memory 2 % lower in 9 readings"
    few = estimate(policy, Figure("", "memory", 0.0, 0.0, 4))
    assert few == "memory in 4 of the 5 pairs of numbers above 0 that it takes"


def test_guards() -> None:
    share = Share(candidate=20, stable=80)
    assert (
        misrouted("web", share, 5) == "web: 20 % of the requests reach the candidate, not 5 %: counts cannot be trusted"
    )
    assert too_few("web", 3, 50) == "web: the candidate answered 3 of the 50 requests that a verdict needs"
