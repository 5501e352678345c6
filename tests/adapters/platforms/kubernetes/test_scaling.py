"""Autoscalers follow who carries the traffic: whichever revision it is moved to has as many instances already."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.adapters.kubernetes.controllers import scale
from tests.adapters.platforms.kubernetes.stage import KubernetesStage, on_stage
from tests.adapters.platforms.kubernetes.test_drift import SPACE, seen

from headgate.adapters.kubernetes.kinds import AUTOSCALER, DEPLOYMENT
from headgate.adapters.platforms.kubernetes.objects import MADE, REPLICAS
from headgate.adapters.platforms.kubernetes.scaling import beside, floor, held, kept_bounds, lacking, late
from headgate.model.clusters import Autoscale
from headgate.model.ids import RevisionId
from headgate.testing.contracts.platform import PRODUCTION


def runs(revision: str, replicas: int, service: str = "web", **more: Any) -> dict[str, Any]:
    labels = {"headgate.dev/service": service, "headgate.dev/revision": revision}
    return {"metadata": {"labels": labels, **more}, "replicas": replicas}


@pytest.mark.parametrize(
    ("there", "most"),
    [
        pytest.param([], 0, id="it is the first"),
        pytest.param([runs("one", 9)], 0, id="itself is not beside it"),
        pytest.param([runs("two", 6), runs("three", 4)], 6, id="whoever runs most"),
        pytest.param([runs("two", 6, "quotes")], 0, id="another service"),
        pytest.param([runs("two", 6, deletionTimestamp="now")], 0, id="what goes carries nothing"),
    ],
)
def test_what_stands_beside_a_revision(there: list[dict[str, Any]], most: int) -> None:
    assert beside(there, "web", "one") == most


@pytest.mark.parametrize(("others", "kept"), [(0, 2), (6, 6), (40, 10)])
def test_an_autoscaler_keeps_what_the_other_runs_within_what_the_file_allows(others: int, kept: int) -> None:
    assert floor(2, 10, others) == kept


def scaler(api: str = AUTOSCALER.api, **spec: Any) -> dict[str, Any]:
    written = {"minReplicas": 2, "maxReplicas": 10, **spec}
    return {"apiVersion": api, "kind": "HorizontalPodAutoscaler", "metadata": {"name": "web"}, "spec": written}


def test_what_is_waited_for_is_what_it_begins_with() -> None:
    deployment, made = held([{"kind": "Deployment", "metadata": {"name": "web"}}, scaler()], 6)
    assert deployment["metadata"]["annotations"][REPLICAS] == "6"
    assert made["spec"]["minReplicas"] == 6
    assert kept_bounds(made) == {"least": 2, "now": 6, "most": 10}


@pytest.mark.parametrize(
    ("now", "wanted", "made", "lack"),
    [
        pytest.param(1, "6", "{}", 6, id="it was made just now"),
        pytest.param(8, "6", "{}", 0, id="its autoscaler has more"),
        pytest.param(0, "6", "{}", 0, id="somebody lets it rest"),
        pytest.param(1, "6", '{"replicas":1}', 0, id="nobody scales it"),
    ],
)
def test_what_a_deployment_lacks(now: int, wanted: str, made: str, lack: int) -> None:
    notes = {REPLICAS: wanted, MADE: made}
    assert lacking({"metadata": {"annotations": notes}, "spec": {"replicas": now}}) == lack


def test_it_is_told_once_it_should_keep_another_number() -> None:
    kept = {"bounds": {"least": 2, "now": 6, "most": 10}}
    assert late(kept, 6) == ""
    assert late(kept, 8) == "it keeps at least 6, and the revision beside it runs 8: 8 from now on"
    assert late(kept, 0) == "it keeps at least 6, and nothing beside it runs more: 2 from now on"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[KubernetesStage]:
    async with on_stage(tmp_path, autoscale={"web": Autoscale(10)}) as one:
        yield one


async def least(stage: KubernetesStage, name: str) -> int:
    found = await stage.cluster.get(AUTOSCALER, SPACE, f"web-{name}")
    assert found is not None
    return int(found["spec"]["minReplicas"])


async def replicas(stage: KubernetesStage, name: str) -> int:
    found = await stage.cluster.get(DEPLOYMENT, SPACE, f"web-{name}")
    assert found is not None
    return int(found["spec"]["replicas"])


async def ready(stage: KubernetesStage, revision: RevisionId, count: int) -> None:
    def enough(told: list[str]) -> bool:
        there = stage.platform._here[PRODUCTION].sight.instances()
        return sum(one.revision == revision and one.state == "ready" for one in there) == count

    await seen(stage, enough)


def says(*ends: str) -> Callable[[list[str]], bool]:
    return lambda told: len(told) == len(ends) and all(map(str.endswith, told, ends))


async def test_a_candidate_begins_with_what_the_stable_has_grown_to_and_is_handed_over_afterwards(
    stage: KubernetesStage,
) -> None:
    one, two = stage.revision("one", replicas=2), stage.revision("two", replicas=2)
    await stage.platform.run(one)
    await ready(stage, one.id, 2)
    await scale(stage.cluster, SPACE, "web-one", 6)
    await ready(stage, one.id, 6)
    await stage.platform.run(two)
    assert await replicas(stage, "two") == 6, "at once, and not only in the autoscaler's next round"
    assert stage.api.state.owners["deployments", SPACE, "web-two"][".spec.replicas"] != "headgate", "nor held since"
    counted = [x for x in await stage.platform.observe(PRODUCTION) if x.revision == two.id]
    assert len(counted) == 6, "all of them are waited for, not only the first that are there"
    await ready(stage, two.id, 6)
    # And it is the same the other way round: an abort finds the stable as large as it was.
    await seen(stage, says("it keeps at least 2, and the revision beside it runs 6: 6 from now on"))
    assert [x.by_hand for x in stage.platform.drift(PRODUCTION)] == [False]
    await stage.platform.run(one)
    assert (await least(stage, "one"), await least(stage, "two")) == (6, 6)
    await stage.platform.stop(PRODUCTION, one.id)
    await seen(stage, says("it keeps at least 6, and nothing beside it runs more: 2 from now on"))
    await stage.platform.run(two)
    assert await least(stage, "two") == 2
    assert await replicas(stage, "two") == 6, "how many there are is its autoscaler's again"
    assert await seen(stage, lambda told: True) == []
