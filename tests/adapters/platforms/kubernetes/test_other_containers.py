"""What is seen of pods that hold more than our container, as a mesh's and a team's do, and how much is remembered."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from headgate.adapters.kubernetes.cluster import Cluster
from headgate.adapters.kubernetes.login import Access
from headgate.adapters.platforms.kubernetes.place import Place
from headgate.adapters.platforms.kubernetes.sight import Sight, kept_pod
from headgate.model.ids import EnvironmentId

PROXY = {"name": "istio-proxy", "restartCount": 0, "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}}
ENDED = {"exitCode": 3, "startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:00:02Z"}


def pod(uid: str, restarts: int = 0) -> dict[str, Any]:
    """As the API has it: statuses in the order of names, and a proxy that waits for nobody stands first."""
    main = {"name": "main", "restartCount": restarts, "state": {"terminated": ENDED}}
    both = {"istio-proxy": 15090, "main": 8000}
    ports = [{"name": name, "ports": [{"containerPort": port}]} for name, port in both.items()]
    labels = {"headgate.dev/revision": "rev_1", "headgate.dev/service": "web"}
    owner = [{"uid": "owner", "controller": True}]
    metadata = {"name": f"web-1-{uid}", "namespace": "a", "uid": uid, "labels": labels, "ownerReferences": owner}
    status = {"podIP": "10.0.0.1", "containerStatuses": [PROXY, main]}
    return {"metadata": metadata, "spec": {"containers": ports}, "status": status}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Whose last words were asked for."""
    found: list[tuple[str, str]] = []

    async def lines(self: Cluster, namespace: str, name: str, query: dict[str, str]) -> Any:
        found.append((name, query["container"]))
        yield "no database"

    monkeypatch.setattr(Cluster, "lines", lines)
    return found


@pytest.fixture
def sight(tmp_path: Path) -> Sight:
    access = Access(str(tmp_path / "none"))
    one = Sight(Cluster(access), Place(EnvironmentId("pcw/production"), "a", access), lambda: None)
    one.deployments.objects["a", "web-1"] = {
        "metadata": {"name": "web-1", "namespace": "a", "uid": "deployment"}, "wanted": 1, "drift": (), "status": {}
    }
    one.replica_sets.objects["a", "web-1-x"] = {
        "metadata": {"uid": "owner", "ownerReferences": [{"uid": "deployment", "controller": True}]}
    }
    return one


async def look(sight: Sight, uid: str, restarts: int) -> Any:
    sight.pods.objects = {("a", uid): kept_pod(pod(uid, restarts))}
    sight.instances()
    await asyncio.gather(*sight._reading)
    (found,) = sight.instances()
    return found


async def test_a_proxy_that_stands_first_is_not_taken_for_the_service(
    sight: Sight, asked: list[tuple[str, str]]
) -> None:
    found = await look(sight, "a", 0)
    assert (found.state, found.address) == ("exited", "10.0.0.1:8000")
    assert found.detail.endswith("no database")
    assert asked == [("web-1-a", "main")]


async def test_last_words_of_earlier_lives_and_of_pods_that_are_gone_are_forgotten(
    sight: Sight, asked: list[tuple[str, str]]
) -> None:
    for restarts in range(3):
        await look(sight, "a", restarts)
    await look(sight, "b", 0)
    assert (len(asked), list(sight._words)) == (4, [("b", 0)])
