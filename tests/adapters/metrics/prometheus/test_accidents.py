"""What goes wrong between an instance and a number: each is counted rightly, or no data with the reason."""

import asyncio
import os
import signal
import time
from datetime import timedelta

import pytest
from tests.adapters.metrics.prometheus.stage import PrometheusStage, settings

from headgate.model.ids import RevisionId
from headgate.model.measurements import NoData, Query, Reading, Sample, Window
from headgate.testing.contracts.metrics import CANDIDATE, PRODUCTION, QUOTES, SECOND, STABLE, WEB, counted, start

pytestmark = pytest.mark.real("prometheus")

STALE = 3.5  # seconds: more than the 2.5 of the stage's settings


async def reading(stage: PrometheusStage, seconds: float = 1.0, revision: RevisionId = STABLE) -> Reading:
    now = stage.now()
    return await stage.metrics.read(WEB, revision, Window(now - timedelta(seconds=seconds), now))


async def reason(stage: PrometheusStage, seconds: float = 1.0, revision: RevisionId = STABLE) -> str:
    found = await reading(stage, seconds, revision)
    assert isinstance(found, NoData), found
    return found.reason


async def test_windows_add_up_over_many_scrapes_while_instances_join(stage: PrometheusStage) -> None:
    """Each window ends now, often while a scrape is under way."""
    stage.edge.slow = 0.15
    moment = since = await start(stage)
    found: list[Reading] = []
    for turn in range(60):
        for one in stage.exporters:
            one.count("web", STABLE, status=500 if turn % 5 == 0 else 200)
        if turn in (15, 30):
            await stage.add()
        now = stage.now()
        found.append(await stage.metrics.read(WEB, STABLE, Window(moment, now)))
        moment = now
        await asyncio.sleep(0.05)
    await stage.caught_up()
    found.append(await stage.metrics.read(WEB, STABLE, Window(moment, stage.now())))
    samples = [one for one in found if isinstance(one, Sample)]
    assert len(samples) == len(found), [one for one in found if isinstance(one, NoData)]
    whole = sum(samples, Sample())
    expected = sum(sum(one.counted.values()) for one in stage.exporters)
    assert (whole.requests, sum(whole.latency.values())) == (expected, expected) == (60 + 44 + 29, expected)
    assert whole.errors == sum(one.counted["web", STABLE, "public", "500"] for one in stage.exporters)
    assert await counted(stage, since) == whole


async def test_counters_that_begin_again_lose_nothing_that_was_scraped(stage: PrometheusStage) -> None:
    since = await start(stage)
    await stage.visit("web", STABLE, 40, status=500)
    stage.edge.restart()
    await stage.visit("web", STABLE, 7)
    found = await counted(stage, since)
    assert (found.requests, found.errors, sum(found.latency.values())) == (47, 40, 47)


async def test_the_first_error_ever_is_counted(stage: PrometheusStage) -> None:
    """Its series was not there before: others of its target tell that it began at zero."""
    await stage.visit("web", STABLE, 5)
    since = await start(stage)
    await stage.visit("web", STABLE, 1, status=503)
    assert (await counted(stage, since)).errors == 1


async def test_a_service_whose_series_appear_with_its_first_request(stage: PrometheusStage) -> None:
    fresh = RevisionId("rev_000000000003")
    since = await start(stage)
    await stage.visit("web", fresh, 3)
    assert (await counted(stage, since, WEB, fresh)).requests == 3


async def test_an_instance_that_is_new_counts_from_its_start(stage: PrometheusStage) -> None:
    since = await start(stage)
    made = await stage.add()
    for _ in range(9):
        made.count("web", STABLE)
    await stage.caught_up()
    assert (await counted(stage, since)).requests == 9


async def test_an_old_instance_that_is_new_to_prometheus_is_counted_from_the_next_window_on(
    stage: PrometheusStage,
) -> None:
    await asyncio.sleep(STALE)  # the port was scraped by an earlier test, then silent
    made = await stage.add(began=time.time() - 3600)
    for _ in range(9):
        made.count("web", STABLE)
    await stage.caught_up()
    assert "cannot tell what it had counted before" in await reason(stage, 2)
    now = stage.now()
    made.count("web", STABLE)
    await stage.caught_up()
    assert (await counted(stage, now)).requests == 1


async def test_an_instance_that_cannot_be_scraped_is_no_data_until_it_is_back(stage: PrometheusStage) -> None:
    made = await stage.add()
    made.count("web", STABLE)
    await stage.caught_up()
    await made.stop()
    await asyncio.sleep(STALE)
    assert f"could not scrape edge 127.0.0.1:{made.port}" in await reason(stage)
    await made.start()
    made.count("web", STABLE)
    await stage.caught_up()
    assert "the next window can be counted" in await reason(stage)
    since = stage.now()
    made.count("web", STABLE)
    await stage.caught_up()
    assert (await counted(stage, since)).requests == 1


async def test_nothing_scraped_at_the_windows_end_is_no_data(stage: PrometheusStage) -> None:
    await stage.visit("web", STABLE, 5)
    await stage.edge.stop()
    await asyncio.sleep(STALE)
    found = await reason(stage)
    assert f"has not scraped {STABLE}" in found


async def test_a_revision_that_is_exported_no_more_is_no_data(stage: PrometheusStage) -> None:
    await stage.visit("web", CANDIDATE, 5)
    stage.edge.counted = type(stage.edge.counted)({row: n for row, n in stage.edge.counted.items() if row[1] == STABLE})
    await asyncio.sleep(STALE)
    assert CANDIDATE in await reason(stage, revision=CANDIDATE)
    assert isinstance(await reading(stage), Sample)


async def test_several_instances_and_series_are_summed(stage: PrometheusStage) -> None:
    made = await stage.add()
    made.begin("web", STABLE)
    await stage.caught_up()
    await asyncio.sleep(0.5)  # both are scraped at zero
    since = await start(stage)
    for code in (200, 201, 404, 500):
        stage.edge.count("web", STABLE, code)
        made.count("web", STABLE, code)
    await stage.caught_up()
    assert await counted(stage, since) == Sample(8, 2, {19: 8})  # 5 ms


@pytest.mark.parametrize(
    ("metric", "value"),
    [("http_requests_total", "NaN"), ("http_requests_total", "-5"), ("http_requests_total", "+Inf")],
)
async def test_what_no_counter_can_be(stage: PrometheusStage, metric: str, value: str) -> None:
    labels = f'run="{stage.run}",service="web",revision="{STABLE}",via="public",code="202"'
    stage.edge.said = f"{stage.edge.text()}{metric}{{{labels}}} {value}\n"
    await asyncio.sleep(1)
    assert "no counter is that" in await reason(stage)


async def test_fractions_are_no_requests(stage: PrometheusStage) -> None:
    labels = f'run="{stage.run}",service="web",revision="{STABLE}",via="public",code="202"'
    stage.edge.said = f"{stage.edge.text()}http_requests_total{{{labels}}} 1.5\n"
    await asyncio.sleep(1)
    assert "whole number" in await reason(stage, 1.5)


async def test_buckets_that_contradict_each_other(stage: PrometheusStage) -> None:
    await stage.visit("web", STABLE, 3)
    inf = f'_bucket{{run="{stage.run}",service="web",revision="{STABLE}",via="public",le="+Inf"}}'
    stage.edge.said = stage.edge.text().replace(f"{inf} 3", f"{inf} 2")
    await asyncio.sleep(1)
    assert "contradict" in await reason(stage, 2)


async def test_a_histogram_that_is_missing(stage: PrometheusStage) -> None:
    since = await start(stage)
    stage.metrics.settings["latency"] = 'seconds_bucket{revision="{revision}"}'
    assert await counted(stage, since) == Sample()  # no requests: none were slow
    await stage.visit("web", STABLE, 3)
    assert f'knows no series seconds_bucket{{revision="{STABLE}"}}' in await reason(stage, 2)


@pytest.mark.parametrize(
    ("role", "selector", "said"),
    [
        ("errors", 'http_requests_total{revision="{revision}", status=~"5.."}', "has the label status"),
        ("errors", 'http_errors_total{revision="{revision}"}', "knows no series http_errors_total at all"),
        ("errors", 'http_requests_total{revision="{revision}", code=~"5[("}', "refused: HTTP 400, invalid"),
        ("requests", 'http_request_duration_seconds_bucket{revision="{revision}"}', "is a bucket of a histogram"),
        ("latency", 'http_requests_total{revision="{revision}"}', "has no label le"),
    ],
)
async def test_selectors_that_select_something_else(
    stage: PrometheusStage, role: str, selector: str, said: str
) -> None:
    since = await start(stage)
    await stage.visit("web", STABLE, 3)
    stage.metrics.settings[role] = selector.replace("{", f'{{run="{stage.run}", ', 1)
    found = await stage.metrics.read(WEB, STABLE, Window(since, stage.now()))
    assert isinstance(found, NoData), found
    assert said in found.reason


async def test_more_errors_than_requests(stage: PrometheusStage) -> None:
    since = await start(stage)
    await stage.visit("web", STABLE, 3, status=500)
    stage.metrics.settings["requests"] = stage.metrics.settings["requests"][:-1] + ', code!~"5.."}'
    found = await stage.metrics.read(WEB, STABLE, Window(since, stage.now()))
    assert isinstance(found, NoData)
    assert "3 errors in 0 requests" in found.reason


HOSTILE = ['web"} or vector(1) #', ".*", "web|quotes", "web\\", "we\nb", "wéb", "\ud800", "{revision}", "", "a" * 5000]


@pytest.mark.parametrize("operator", ["=", "=~"])
@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: ascii(name[:20]))
async def test_no_name_is_read_as_an_expression(stage: PrometheusStage, name: str, operator: str) -> None:
    matchers = f'service{operator}"{{service}}", revision{operator}"{{revision}}", run="{stage.run}"'
    stage.metrics.settings = settings(stage.server.url, matchers)
    for service, revision in ((name, STABLE), ("web", RevisionId(name))):
        now = stage.now()
        found = await stage.metrics.read(Query(PRODUCTION, service), revision, Window(now - SECOND, now))
        assert isinstance(found, NoData), found
    assert isinstance(await reading(stage), Sample)


async def test_a_prometheus_that_hangs_costs_five_seconds(stage: PrometheusStage) -> None:
    os.kill(stage.server.process.pid, signal.SIGSTOP)
    began = time.monotonic()
    try:
        assert "did not answer within 5 s" in await reason(stage)
        assert time.monotonic() - began < 7
    finally:
        os.kill(stage.server.process.pid, signal.SIGCONT)


async def test_a_window_in_the_future_is_no_data(stage: PrometheusStage) -> None:
    later = stage.now() + timedelta(minutes=1)
    for window in (Window(later - SECOND, later), Window(later, stage.now())):
        found = await stage.metrics.read(WEB, STABLE, window)
        assert isinstance(found, NoData)
        assert "clock" in found.reason


async def test_reading_a_window_again_says_the_same(stage: PrometheusStage) -> None:
    since = await start(stage)
    await stage.visit("quotes", STABLE, 4)
    window = Window(since, stage.now())
    first = await stage.metrics.read(QUOTES, STABLE, window)
    await stage.visit("quotes", STABLE, 4)
    assert first == await stage.metrics.read(QUOTES, STABLE, window) == Sample(4, 0, getattr(first, "latency", {}))
