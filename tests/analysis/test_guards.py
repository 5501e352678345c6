"""The share of traffic, and gauges."""

from math import exp
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.analysis.gauge import KEPT, Gauge, gauged, nats
from headgate.analysis.share import UNSEEN, doubtful, shared


def after(ticks: int, requests: int, weight: float, real: float, seed: int = 1) -> bool:
    random, share = Random(seed), UNSEEN
    for _ in range(ticks):
        mine = sum(random.random() < real for _ in range(requests))
        share = shared(share, weight, mine, requests - mine)
    return doubtful(share)


@pytest.mark.parametrize("weight", [0.05, 0.25, 0.5])
@pytest.mark.parametrize("times", [0.82, 1.0, 1.22])
def test_a_share_near_the_weight_is_believed(weight: float, times: float) -> None:
    assert not any(after(300, 50, weight, weight * times, seed) for seed in range(3))


@pytest.mark.parametrize("weight", [0.05, 0.25, 0.5])
@pytest.mark.parametrize("times", [0.0, 0.4, 1.9])
def test_one_that_is_far_off_is_not(weight: float, times: float) -> None:
    assert after(300, 50, weight, weight * times)


def test_a_single_tick_convinces_nobody() -> None:
    assert not doubtful(shared(UNSEEN, 0.05, 100_000, 0))


def test_a_gauge_of_equals_proves_no_harm() -> None:
    alarms = 0
    for seed in range(200):
        random, gauge = Random(seed), Gauge()
        for _ in range(40):
            gauge = gauged(gauge, exp(random.gauss(0, 0.1)), exp(random.gauss(0, 0.1)))
        alarms += nats(gauge, 1.10, worse=True) >= 4.6
    assert alarms <= 2


def test_a_gauge_that_doubled_proves_it_soon() -> None:
    random, gauge = Random(1), Gauge()
    for _ in range(12):
        gauge = gauged(gauge, 2 * exp(random.gauss(0, 0.1)), exp(random.gauss(0, 0.1)))
    assert nats(gauge, 1.10, worse=True) > 4.6
    assert nats(gauge, 1.25, worse=False) == 0.0


@given(st.floats(allow_nan=True, allow_infinity=True), st.floats(allow_nan=True, allow_infinity=True))
def test_any_number_is_survived(candidate: float, stable: float) -> None:
    gauge = Gauge((0.1, 0.2, 0.1, 0.2, 0.1))
    for _ in range(3):
        gauge = gauged(gauge, candidate, stable)
    assert nats(gauge, 1.1, worse=True) >= 0.0 or nats(gauge, 1.1, worse=True) < 0.0  # a number, at least


@given(st.lists(st.floats(-5, 5), max_size=200))
def test_a_gauge_stays_small(values: list[float]) -> None:
    gauge = Gauge()
    for one in values:
        gauge = gauged(gauge, exp(one), 1.0)
    assert len(gauge.differences) <= KEPT
