"""Load at a constant rate: what is measured, and what a service that stops does to it."""

from collections import Counter
from datetime import timedelta
from itertools import islice

import pytest
from tests.adapters.machine.checked import job, open_shop

from headgate.adapters.machine.checks.found import Found
from headgate.adapters.machine.checks.histogram import Histogram
from headgate.adapters.machine.checks.load import look, shared
from headgate.model.checks import Check, Load


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


async def offered(load: Load, url: str) -> Found:
    return await look(job(Check("load", "load", load=load), url))


async def test_a_service_that_stops_is_seen_with_all_that_was_due_in_that_time() -> None:
    """A client that waits for its answer would have one slow request of some 50; here it is a fifth of them."""
    async with open_shop(stops=(0.1, 0.3)) as shop:
        found = await offered(Load(200, seconds(0.6), p50=seconds(0.1), p90=seconds(0.05)), shop.url)
    assert not found.passed
    assert found.numbers["requests"] == 120
    assert found.numbers["p50_ms"] < 100
    assert found.numbers["p90_ms"] > 70  # a third of the requests were due in the stop, evenly over it
    assert found.numbers["p99_ms"] > 150
    assert found.sentence.startswith("p90 was ")
    assert "allowed are 50 ms; 120 requests at 200/s" in found.sentence


async def test_errors_are_counted_and_the_most_frequent_is_told() -> None:
    async with open_shop(fails_every=4) as shop:
        found = await offered(Load(200, seconds(0.2), errors=0.1), shop.url)
    assert not found.passed
    assert (found.numbers["requests"], found.numbers["failed"]) == (40, 10)
    told = "25.00% of requests failed, allowed are 10.00% (mostly: answered 503)"
    assert found.sentence.startswith(told)


async def test_nobody_there_is_no_fast_service() -> None:
    found = await offered(Load(100, seconds(0.1), p90=seconds(1)), "http://127.0.0.1:1")
    assert not found.passed
    assert "(mostly: refused connection)" in found.sentence
    assert found.numbers["achieved"] == 0


async def test_what_is_answered_too_late_was_not_achieved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headgate.adapters.machine.checks.load.GRACE", 0.1)
    async with open_shop(stops=(0.1, 0.5)) as shop:
        found = await offered(Load(100, seconds(0.2), achieved=0.95), shop.url)
    assert not found.passed
    assert found.sentence.startswith("95.00% of 100/s were to be answered in time, found were ")


async def test_the_warm_up_is_not_counted() -> None:
    async with open_shop(stops=(0, 0.15)) as shop:
        found = await offered(Load(100, seconds(0.2), warm_up=seconds(0.1), p99=seconds(0.1)), shop.url)
        assert len(shop.asked) == 30
    assert found.passed, found.sentence
    assert found.numbers["requests"] == 20


async def test_paths_have_their_shares() -> None:
    async with open_shop() as shop:
        await offered(Load(200, seconds(0.1), paths={"/": 0.75, "/quotes": 0.25}), shop.url)
        assert Counter(shop.asked) == {"/": 15, "/quotes": 5}
    assert list(islice(shared({"/a": 0.5, "/b": 0.5}), 4)) == ["/a", "/b", "/a", "/b"]


async def test_a_service_that_the_check_does_not_know_is_refused() -> None:
    with pytest.raises(LookupError, match="there is no service quotes; its services: web"):
        await offered(Load(1, seconds(0.1), service="quotes"), "http://127.0.0.1:1")


def test_quantiles_are_right_within_one_per_cent() -> None:
    histogram = Histogram()
    for number in range(1, 1001):
        histogram.add(number / 1000)
    assert histogram.quantile(0.5) == pytest.approx(0.5, rel=0.011)
    assert histogram.quantile(0.99) == pytest.approx(0.99, rel=0.011)
    assert histogram.quantile(1.0) == 1.0
    assert Histogram().quantile(0.9) == 0.0
