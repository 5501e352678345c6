"""Mirrors: current within moments, through ends of watches, forgotten versions and servers that are away."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import kmock
import pytest
from tests.adapters.kubernetes.api import Api

from headgate.adapters.kubernetes import watching
from headgate.adapters.kubernetes.cluster import Cluster, Object
from headgate.adapters.kubernetes.kinds import CONFIG_MAP
from headgate.adapters.kubernetes.watching import Change, Mirror, Selection, slim
from headgate.ports import AdapterError, Away

SPACE = "pcw-production"


def config(name: str, **data: str) -> dict[str, Any]:
    labels = {"app": "web"}
    metadata = {"name": name, "namespace": SPACE, "labels": labels}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


class Seen:
    def __init__(self) -> None:
        self.changes: list[tuple[Change, str]] = []
        self.sights = 0
        self.moved = asyncio.Event()

    def heard(self, change: Change, object: Object) -> None:
        self.changes.append((change, object["metadata"]["name"]))
        self.moved.set()

    def sight(self) -> None:
        self.sights += 1
        self.moved.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not holds():
                self.moved.clear()
                await self.moved.wait()


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
async def mirror(cluster: Cluster, seen: Seen, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Mirror]:
    monkeypatch.setattr(watching, "FIRST_PAUSE", 0.01)
    one = Mirror(cluster, Selection(CONFIG_MAP, SPACE, "app=web"), seen.heard, sight=seen.sight)
    yield one
    await one.close()


def watched(api: Api) -> Callable[[], bool]:
    return lambda: bool(api.state.watches)


async def watching_now(api: Api) -> None:
    async with asyncio.timeout(5):
        while not api.state.watches:
            await asyncio.sleep(0.005)


async def test_what_was_there_and_what_comes_changes_and_goes_is_seen(
    api: Api, cluster: Cluster, mirror: Mirror, seen: Seen
) -> None:
    await cluster.create(config("one"))
    assert [name for _, name in await mirror.current()] == ["one"]
    await watching_now(api)
    await cluster.create(config("two", a="1"))
    await cluster.apply(config("two", a="2"))
    await cluster.delete(CONFIG_MAP, SPACE, "one")
    await seen.until(lambda: ("DELETED", "one") in seen.changes)
    assert seen.changes == [("ADDED", "one"), ("ADDED", "two"), ("MODIFIED", "two"), ("DELETED", "one")]
    assert {name: one["data"] for (_, name), one in mirror.objects.items()} == {"two": {"a": "2"}}


async def test_a_watch_that_ends_goes_on_where_it_was(api: Api, cluster: Cluster, mirror: Mirror, seen: Seen) -> None:
    await mirror.current()
    await watching_now(api)
    api.state.break_watches()
    await cluster.create(config("meanwhile"))
    await seen.until(lambda: ("ADDED", "meanwhile") in seen.changes)
    assert api.count(kmock.action.LIST) == 1


async def test_a_version_that_is_forgotten_is_listed_again_and_what_went_meanwhile_is_told(
    api: Api, cluster: Cluster, mirror: Mirror, seen: Seen
) -> None:
    await cluster.create(config("goes"))
    await mirror.current()
    await watching_now(api)
    api.state.break_watches(expired=True)
    api.state.watches.clear()  # nothing is told of what is done now
    await cluster.delete(CONFIG_MAP, SPACE, "goes")
    await seen.until(lambda: ("DELETED", "goes") in seen.changes)
    assert api.count(kmock.action.LIST) == 2
    assert seen.sights == 0


async def test_a_server_that_is_away_is_told_and_what_it_says_when_it_is_back(
    api: Api, cluster: Cluster, mirror: Mirror, seen: Seen
) -> None:
    away = [True]

    def listed(request: kmock.Request) -> Any:
        if away[0]:
            raise kmock.KubernetesError(500, "InternalError", "etcdserver: no leader", {})
        return {"metadata": {"resourceVersion": "5"}, "items": [config("one")]}

    api["list"] << listed
    with pytest.raises(Away, match="no leader"):
        await mirror.current()
    away[0] = False
    await seen.until(lambda: seen.sights == 2)
    assert len(await mirror.current()) == 1


async def test_what_we_wrote_is_seen_before_the_watch_says_so_and_never_back_in_time(
    cluster: Cluster, mirror: Mirror
) -> None:
    first = await cluster.apply(config("one", a="1"))
    await mirror.current()
    second = await cluster.apply(config("one", a="2"))
    mirror.put(second)
    mirror.put(first)
    assert mirror.objects[SPACE, "one"]["data"] == {"a": "2"}


def test_what_nobody_reads_is_not_kept() -> None:
    notes = {"kubectl.kubernetes.io/last-applied-configuration": "{}", "mine": "1"}
    object = {"metadata": {"name": "a", "managedFields": [{}], "annotations": notes}, "spec": {}}
    assert slim(object) == {"metadata": {"name": "a", "annotations": {"mine": "1"}}, "spec": {}}
    assert "managedFields" in object["metadata"]


async def test_a_quiet_cluster_that_is_back_is_current_at_once(api: Api, mirror: Mirror, seen: Seen) -> None:
    """Nothing happens there that a watch could bring."""
    await mirror.current()
    await watching_now(api)
    broken = [True]

    def breaks(request: kmock.Request) -> Any:
        if broken[0]:
            raise kmock.KubernetesError(500, "InternalError", "etcdserver: no leader", {})
        return (b"", ...)

    api["watch"] << breaks
    api.state.break_watches()
    await seen.until(lambda: seen.sights == 1)
    with pytest.raises(Away):
        await mirror.current()
    broken[0] = False
    await seen.until(lambda: seen.sights == 2)
    assert await mirror.current() == {}


async def test_what_cannot_be_read_is_unknown_and_not_what_was_there_before(
    cluster: Cluster, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A defect of ours, or an object that nobody foresaw: the mirror's task ended, and its copy was taken for true."""
    monkeypatch.setattr(watching, "FIRST_PAUSE", 0.01)
    broken = [False]

    def keep(object: Object) -> Object:
        if broken[0]:
            raise KeyError("unforeseen")
        return slim(object)

    mirror = Mirror(cluster, Selection(CONFIG_MAP, SPACE), keep=keep, sight=seen.sight)
    await mirror.current()
    broken[0] = True
    await cluster.create(config("one"))
    await seen.until(lambda: seen.sights == 1)
    with pytest.raises(AdapterError, match="unforeseen"):
        await mirror.current()
    broken[0] = False
    await seen.until(lambda: seen.sights == 2)
    assert [name for _, name in await mirror.current()] == ["one"]
    await mirror.close()
