"""A world that hangs or breaks is named; the look ends all the same."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.decide.given import revision

from headgate.engine import look as room
from headgate.engine.look import Look
from headgate.engine.world import World
from headgate.model.ids import EnvironmentId, RevisionId
from headgate.model.measurements import Query, Reading, Sample, Window
from headgate.model.rollouts import EnvironmentState
from headgate.model.rules import Environment
from headgate.ports import AdapterError
from headgate.testing.fakes.metrics import FakeMetrics
from headgate.testing.fakes.router import FakeRouter
from headgate.testing.fakes.source import FakeSource

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
PRODUCTION = EnvironmentId("pcw/production")


class Halved:
    """One of its machines is away."""

    async def observe(self, environment: EnvironmentId) -> Any:
        return ()

    def unseen(self, environment: EnvironmentId) -> Any:
        return ("host 10.0.0.5: it is away",)


async def test_a_machine_that_cannot_be_seen_is_named_beside_what_was_seen() -> None:
    world = World({"p": Halved()}, {"envoy": FakeRouter()}, {"envoy": FakeMetrics()}, FakeSource(), Path())
    look = Look(world, EnvironmentState(PRODUCTION), Environment("production", platform="p"))
    seen = await look.take(NOW, {}, {}, measure=False)
    assert (seen.instances, seen.unknown) == ((), ("host 10.0.0.5: it is away",))


class Hanging:
    async def observe(self, environment: EnvironmentId) -> Any:
        await asyncio.Event().wait()


class Refusing:
    async def observe(self, environment: EnvironmentId) -> Any:
        raise AdapterError("the host is down")


class Broken:
    async def observe(self, environment: EnvironmentId) -> Any:
        raise KeyError("oops")


@pytest.mark.parametrize(
    ("platform", "sentence"),
    [
        pytest.param(Hanging(), "the platform cannot be seen: no answer within 0 s", id="hangs"),
        pytest.param(Refusing(), "the platform cannot be seen: the host is down", id="refuses"),
        pytest.param(
            Broken(),
            "the platform cannot be seen: KeyError (a defect of the adapter; see the server's log)",
            id="is broken",
        ),
    ],
)
async def test_what_cannot_be_seen_is_named(platform: Any, sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "LIMIT", timedelta(seconds=0.05))
    world = World({"p": platform}, {"envoy": FakeRouter()}, {"envoy": FakeMetrics()}, FakeSource(), Path())
    look = Look(world, EnvironmentState(PRODUCTION), Environment("production", platform="p"))
    seen = await asyncio.wait_for(look.take(NOW, {}, {}, measure=True), 2)
    assert seen.instances is None
    assert seen.unknown == (sentence,)
    assert seen.routes is not None


async def test_a_metric_source_is_asked_with_what_the_file_says_of_it() -> None:
    class Asked(FakeMetrics):
        async def read(self, query: Query, revision: RevisionId, window: Window) -> Reading:
            asked.append(query)
            return Sample()

    asked: list[Query] = []
    world = World({"p": Hanging()}, {"envoy": FakeRouter()}, {"mine": Asked()}, FakeSource(), Path())
    rules = Environment("production", platform="p", metrics="mine", metric_settings={"url": "http://a"})
    look = Look(world, EnvironmentState(PRODUCTION), rules)
    await look.samples(revision("v1", services=("web", "quotes")), Window(NOW, NOW))
    assert asked == [Query(PRODUCTION, name, {"url": "http://a"}) for name in ("web", "quotes")]
