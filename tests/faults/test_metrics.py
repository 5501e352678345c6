"""Metrics of the file in a real rollout: an address on this machine, and a command against the candidate."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from tests.adapters.metrics.prometheus.server import PrometheusServer
from tests.faults.stage import Stage

from headgate.model.events import MeasurementTaken
from headgate.model.measurements import Value

pytestmark = [pytest.mark.real("envoy"), pytest.mark.timeout(90)]

METRICS = """\
      deadline: 20s
      metrics:
        - name: sales
          web: {{url: "{url}?revision={{revision}}", json_path: $.sales.count}}
          success: ">= 3"
          interval: 1s
          failure_limit: 1
        - name: work
          job: {{run: '{run}', timeout: 10s}}
          interval: 1s
          count: 2
"""
COMPARED = """\
      deadline: 60s
      metrics:
        - name: memory
          web: {{url: "{url}?revision={{revision}}", json_path: $.sales.count}}
          worse_by: 30%
          interval: 1s
        - name: tried
          query: {{source: prometheus, url: "{prometheus}", expression: 'vector(2) * count(vector(1))'}}
          success: "> 100"
          interval: 1s
          dry_run: true
"""
ASKS_THE_CANDIDATE = 'python3 -c "import os, urllib.request as u; u.urlopen(os.environ[\\"BASE_URL\\"]).read()"'


class Shop:
    """What the address answers, by revision; a test says how."""

    def __init__(self) -> None:
        self.sales: Callable[[str], object] = lambda revision: 5
        self.asked: list[str] = []
        application = web.Application()
        application.router.add_get("/numbers", self._answer)
        self.server = TestServer(application, host="127.0.0.1")

    async def _answer(self, request: web.Request) -> web.Response:
        revision = request.query["revision"]
        self.asked.append(revision)
        return web.json_response({"sales": {"count": self.sales(revision)}})


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    made = Shop()
    await made.server.start_server()
    yield made
    await made.server.close()


def file(stage: Stage, shop: Shop, run: str = ASKS_THE_CANDIDATE) -> None:
    url = str(shop.server.make_url("/numbers"))
    stage.repository.edit("      deadline: 20s\n", METRICS.format(url=url, run=run))


def values(stage: Stage, name: str) -> list[Value]:
    """Of the file's metric, in the order of the log."""
    taken = [one.event.measurement for one in stage.journal.events() if isinstance(one.event, MeasurementTaken)]
    return [one.values[name] for one in taken if name in one.values]


def marker(stage: Stage) -> str:
    """A command that leaves one line for each time it is run."""
    return f"echo run >> {stage.folder}/runs; sleep 1"


async def test_a_good_release_is_promoted_once_its_metrics_pass_too(stage: Stage, shop: Shop) -> None:
    file(stage, shop)
    await stage.serves("v1")
    await stage.deploy("v2")
    assert await stage.ended() == "promoted"
    assert Value(5.0) in values(stage, "sales")
    assert values(stage, "work")
    assert {one.candidate for one in values(stage, "work")} == {1.0}
    assert set(shop.asked) == {(await stage.shown())["stable"]["revision"]}
    assert any("metric work: 1 against == 1: succeeded 2 of 2 times" in line for line in stage.journal.lines())
    await stage.well("v2")
    await stage.no_request_failed()


async def test_one_that_sells_less_is_put_back_with_the_number(stage: Stage, shop: Shop) -> None:
    file(stage, shop)
    await stage.serves("v1")
    shop.sales = lambda revision: 2.1
    await stage.deploy("v2")
    assert await stage.ended() == "aborted"
    assert "metric sales: 2.1 against >= 3: failed 2 times, 1 is allowed" in stage.why()
    await stage.well("v1")
    await stage.no_request_failed()


async def test_an_address_that_says_nothing_is_an_error_and_never_a_success(stage: Stage, shop: Shop) -> None:
    file(stage, shop)
    await stage.serves("v1")
    shop.sales = lambda revision: None
    await stage.deploy("v2")
    assert await stage.ended() == "aborted"
    assert "metric sales could not be read 5 times in a row, 4 are allowed: $.sales.count leads to null" in stage.why()


async def test_a_job_that_fails_puts_the_candidate_back_with_its_words(stage: Stage, shop: Shop) -> None:
    file(stage, shop, run="echo nobody could buy anything; exit 4")
    await stage.serves("v1")
    await stage.deploy("v2")
    assert await stage.ended() == "aborted"
    assert "metric work: 0 (" in stage.why()
    assert "nobody could buy anything" in stage.why()


async def test_a_job_that_ran_when_the_server_was_killed_is_adopted_and_not_run_again(
    stage: Stage, shop: Shop
) -> None:
    file(stage, shop, run=marker(stage))
    await stage.serves("v1")
    await stage.deploy("v2")
    runs = stage.folder / "runs"

    async def begun() -> bool:
        return runs.exists()

    await stage.until(begun, "the job begins", pause=0.01)
    assert len(values(stage, "work")) == 0
    stage.kill_server()
    await stage.serve()
    assert await stage.ended() == "promoted"
    recorded = len(values(stage, "work"))
    started = len(runs.read_text().splitlines())
    assert recorded <= started <= recorded + 2  # one of each of the three steps may still run as its step ends
    assert values(stage, "work")[0] == Value(1.0)


@pytest.fixture
def prometheus(tmp_path: Path) -> Iterator[PrometheusServer]:
    folder = tmp_path / "prometheus"
    folder.mkdir()
    server = PrometheusServer(folder)
    yield server
    server.kill()


def compare(stage: Stage, shop: Shop, prometheus: PrometheusServer) -> None:
    url = str(shop.server.make_url("/numbers"))
    stage.repository.edit("      deadline: 20s\n", COMPARED.format(url=url, prometheus=prometheus.url))


@pytest.mark.real("prometheus")
async def test_one_that_needs_twice_the_memory_is_put_back_and_people_see_how_it_stands(
    stage: Stage, shop: Shop, prometheus: PrometheusServer
) -> None:
    compare(stage, shop, prometheus)
    await stage.serves("v1")
    stable = (await stage.shown())["stable"]["revision"]
    shop.sales = lambda revision: 0  # of which no ratio is known: nothing is decided until people have looked
    await stage.deploy("v2")

    async def told() -> str:
        text = (await asyncio.to_thread(stage.command, "why", "production")).stdout
        return text if "2 against > 100" in text and "not proven yet" in text else ""

    text = await stage.until(told, "why tells of the query", pause=0.3)
    assert "metrics of the file:\n" in text
    assert "fail: metric tried (dry run): 2 against > 100: failed" in text
    assert "metric memory: 0 against the stable's 0" in text
    assert "memory in 0 of the 5 pairs of numbers above 0 that it takes" in text
    shop.sales = lambda revision: 100 if revision == stable else 200
    assert await stage.ended() == "aborted"
    assert "memory 100 % higher in" in stage.why()
    assert "that it is worse than the 10 % allowed" in stage.why()
    assert any("; metric memory 200 against the stable's 100" in line for line in stage.journal.lines())
    await stage.well("v1")
    await stage.no_request_failed()


@pytest.mark.real("prometheus")
async def test_one_that_needs_as_much_is_promoted_whatever_a_dry_run_says(
    stage: Stage, shop: Shop, prometheus: PrometheusServer
) -> None:
    compare(stage, shop, prometheus)
    await stage.serves("v1")
    await stage.deploy("v2")
    assert await stage.ended() == "promoted"
    assert Value(5.0, 5.0) in values(stage, "memory")
    assert Value(2.0) in values(stage, "tried")
    await stage.well("v2")
