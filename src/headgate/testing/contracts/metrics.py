"""What every metric source must hold. Subclass, and give a fixture `stage`: a source, and traffic for it to count."""

import asyncio
import math
from datetime import datetime, timedelta
from typing import Protocol

import pytest

from headgate.model.ids import RevisionId
from headgate.model.measurements import NoData, Query, Sample, Window, edge
from headgate.ports import MetricSource

PRODUCTION = "pcw/production"
STABLE = RevisionId("rev_000000000001")
CANDIDATE = RevisionId("rev_000000000002")
WEB = Query(PRODUCTION, "web")
QUOTES = Query(PRODUCTION, "quotes")
SECOND = timedelta(seconds=1)
BUCKET = 1.1  # how far a latency may be off: a bucket of the model is 9 % wide, one of a source may be 10 %


class Stage(Protocol):
    """An environment of which `web` and `quotes` run in both revisions, with nothing counted yet."""

    metrics: MetricSource

    def now(self) -> datetime: ...

    async def visit(
        self, service: str, revision: RevisionId, count: int = 1, status: int = 200, takes: timedelta = timedelta(0)
    ) -> None:
        """Users' requests that this revision answers with this status after this time; returns after the last one."""
        ...

    async def preview(self, service: str, count: int) -> None:
        """Requests to the candidate's own address."""
        ...

    async def die(self, service: str, revision: RevisionId) -> None:
        """From now on nothing accepts connections where its instances were."""
        ...

    async def restart(self) -> None:
        """The server dies and comes back: `metrics` is a new one."""
        ...

    async def go_blind(self) -> None:
        """What the source reads from is no longer there."""
        ...


async def start(stage: Stage) -> datetime:
    """A moment from which on windows can be counted."""
    now = stage.now()
    await stage.metrics.read(WEB, STABLE, Window(now - SECOND, now))
    return now


async def counted(stage: Stage, since: datetime, query: Query = WEB, revision: RevisionId = STABLE) -> Sample:
    found = await stage.metrics.read(query, revision, Window(since, stage.now()))
    assert isinstance(found, Sample), found
    return found


class MetricSourceContract:
    @pytest.fixture
    def stage(self) -> Stage:
        raise NotImplementedError("give a fixture `stage`: a source, and traffic for it to count")

    async def test_requests_are_counted(self, stage: Stage) -> None:
        since = await start(stage)
        await stage.visit("web", STABLE, 40)
        found = await counted(stage, since)
        assert (found.requests, found.errors) == (40, 0)

    async def test_nothing_sent_is_nothing_counted(self, stage: Stage) -> None:
        since = await start(stage)
        assert await counted(stage, since) == Sample()

    @pytest.mark.parametrize(("status", "errors"), [(500, 7), (502, 7), (503, 7), (200, 0), (404, 0), (302, 0)])
    async def test_answers_of_class_5xx_are_errors(self, stage: Stage, status: int, errors: int) -> None:
        since = await start(stage)
        await stage.visit("web", STABLE, 5)
        await stage.visit("web", STABLE, 7, status)
        found = await counted(stage, since)
        assert (found.requests, found.errors) == (12, errors)

    async def test_requests_that_nobody_answered_are_errors_once_each(self, stage: Stage) -> None:
        since = await start(stage)
        await stage.visit("web", STABLE, 3)
        await stage.die("web", STABLE)
        await stage.visit("web", STABLE, 9, status=503)
        found = await counted(stage, since)
        assert (found.requests, found.errors) == (12, 9)

    async def test_revisions_and_services_are_apart(self, stage: Stage) -> None:
        since = await start(stage)
        await stage.visit("web", STABLE, 6)
        await stage.visit("web", CANDIDATE, 4, status=500)
        await stage.visit("quotes", STABLE, 2)
        assert (await counted(stage, since)).requests == 6
        assert (await counted(stage, since, WEB, CANDIDATE)).errors == 4
        assert (await counted(stage, since, QUOTES)).requests == 2
        assert (await counted(stage, since, QUOTES, CANDIDATE)) == Sample()

    async def test_preview_traffic_is_not_counted(self, stage: Stage) -> None:
        since = await start(stage)
        await stage.preview("web", 10)
        await stage.visit("web", CANDIDATE, 3)
        assert (await counted(stage, since, WEB, CANDIDATE)).requests == 3

    async def test_adjacent_windows_add_up(self, stage: Stage) -> None:
        """Traffic flows while it is read, and no request is counted twice or never."""
        since = moment = await start(stage)
        flowing = asyncio.create_task(stage.visit("web", STABLE, 300))
        windows = []
        while not flowing.done():
            now = stage.now()
            windows.append(await stage.metrics.read(WEB, STABLE, Window(moment, now)))
            moment = now
            await asyncio.sleep(0.02)
        await flowing
        windows.append(await stage.metrics.read(WEB, STABLE, Window(moment, stage.now())))
        samples = [one for one in windows if isinstance(one, Sample)]
        assert len(samples) == len(windows)
        assert sum((one.requests for one in samples), 0) == 300
        assert sum((sum(one.latency.values()) for one in samples), 0) == 300
        assert (await counted(stage, since)).requests == 300

    @pytest.mark.parametrize("milliseconds", [15, 40, 130])
    async def test_latency_is_right_within_a_bucket(self, stage: Stage, milliseconds: int) -> None:
        """A busy machine makes every answer slower: of three tries one is taken without it."""
        for left in (2, 1, 0):
            since = await start(stage)
            await stage.visit("web", STABLE, 60, takes=timedelta(milliseconds=milliseconds))
            await stage.visit("web", STABLE, 4, takes=timedelta(milliseconds=milliseconds * 5))
            found = await counted(stage, since)
            assert sum(found.latency.values()) == 64
            median, slowest = nth(found, 32), nth(found, 64)
            assert median >= milliseconds / BUCKET
            assert slowest >= milliseconds * 5 / BUCKET
            calm = median <= milliseconds * BUCKET + 8 and slowest <= milliseconds * 5 * BUCKET + 20  # ms
            if calm:
                return
            assert left, f"{median} ms and {slowest} ms, of {milliseconds} and {milliseconds * 5}"

    async def test_a_window_before_the_first_look_is_no_data(self, stage: Stage) -> None:
        await stage.visit("web", STABLE, 5)
        now = stage.now()
        found = await stage.metrics.read(WEB, STABLE, Window(now - 60 * SECOND, now))
        assert isinstance(found, NoData)
        assert found.reason

    async def test_after_a_restart_the_first_window_is_no_data_and_the_next_is_counted(self, stage: Stage) -> None:
        since = await start(stage)
        await stage.restart()
        await stage.visit("web", STABLE, 5)
        now = stage.now()
        assert isinstance(await stage.metrics.read(WEB, STABLE, Window(since - 5 * SECOND, now)), NoData)
        await stage.visit("web", STABLE, 8)
        assert (await counted(stage, now)).requests == 8

    async def test_a_revision_that_is_not_there_is_no_data(self, stage: Stage) -> None:
        since = await start(stage)
        found = await stage.metrics.read(WEB, RevisionId("rev_00000000dead"), Window(since, stage.now()))
        assert isinstance(found, NoData)
        assert "rev_00000000dead" in found.reason

    async def test_a_source_that_is_down_is_no_data(self, stage: Stage) -> None:
        since = await start(stage)
        await stage.go_blind()
        found = await stage.metrics.read(WEB, STABLE, Window(since, stage.now()))
        assert isinstance(found, NoData)
        assert found.reason

    @pytest.mark.parametrize("environment", ["../etc", "pcw", "", "pcw/*", "pcw/.*"])
    async def test_a_name_that_is_none_is_no_data(self, stage: Stage, environment: str) -> None:
        since = await start(stage)
        await stage.visit("web", STABLE, 1)
        found = await stage.metrics.read(Query(environment, "web"), STABLE, Window(since, stage.now()))
        assert isinstance(found, NoData)


def nth(sample: Sample, rank: int) -> float:
    """Upper edge, in milliseconds, of the bucket in which the rank-th quickest request is."""
    for index, count in sorted(sample.latency.items()):
        rank -= count
        if rank <= 0:
            return edge(index)
    return math.inf
