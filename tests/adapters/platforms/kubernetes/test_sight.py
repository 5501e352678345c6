"""What is kept of events, beside what pods say themselves."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.adapters.platforms.kubernetes.stage import KubernetesStage, on_stage

from headgate.adapters.kubernetes.cluster import MERGE, Object
from headgate.adapters.kubernetes.kinds import POD
from headgate.testing.contracts.platform import PRODUCTION

REFUSED = 'Failed to pull image "r/web": not found'


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[KubernetesStage]:
    async with on_stage(tmp_path) as one:
        yield one


def warning(pod: str, name: str, message: str) -> Object:
    """As a kubelet writes it."""
    metadata = {"name": name, "namespace": "pcw-production"}
    about = {"kind": "Pod", "name": pod, "namespace": "pcw-production"}
    said = {"type": "Warning", "reason": "Failed", "message": message, "lastTimestamp": "2026-11-24T04:00:00Z"}
    return {"apiVersion": "v1", "kind": "Event", "metadata": metadata, "involvedObject": about, **said}


async def test_the_registrys_words_outlast_those_that_say_nothing(stage: KubernetesStage) -> None:
    """The kubelet writes all three, one after the other, with the same reason."""
    await stage.platform.run(stage.revision("one", "takes long"))
    while not (seen := await stage.platform.observe(PRODUCTION)) or "missing" in seen[0].id:
        await stage.wait(0.01)
    for number, message in enumerate((REFUSED, "Error: ErrImagePull", "Error: ImagePullBackOff")):
        await stage.cluster.create(warning(seen[0].id, str(number), message))
    waiting = {"state": {"waiting": {"reason": "ImagePullBackOff"}}, "name": "main", "restartCount": 0}
    path = POD.path("pcw-production", seen[0].id, "status")
    await stage.cluster.json("PATCH", path, "wait", {}, {"status": {"containerStatuses": [waiting]}}, MERGE)
    while "ImagePullBackOff" not in (detail := (await stage.platform.observe(PRODUCTION))[0].detail):
        await stage.wait(0.01)
    assert detail == f"ImagePullBackOff: {REFUSED}"
