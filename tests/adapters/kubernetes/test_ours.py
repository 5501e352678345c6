"""Names that others have chosen too: environments of one namespace, a team's own objects, services of one name."""

from typing import Any

import pytest

from headgate.adapters.kubernetes.cluster import Cluster
from headgate.adapters.kubernetes.kinds import SERVICE
from headgate.adapters.kubernetes.names import ROLE, environment_labels
from headgate.adapters.kubernetes.names import SERVICE as OF
from headgate.adapters.kubernetes.ours import apply_ours
from headgate.model.ids import EnvironmentId
from headgate.ports import AdapterError

SPACE = "shared"
PRODUCTION, STAGING = EnvironmentId("pcw/production"), EnvironmentId("pcw/staging")


def service(labels: dict[str, str], port: int = 80) -> dict[str, Any]:
    metadata = {"name": "web-preview", "namespace": SPACE, "labels": labels}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [{"port": port}]}}


OURS = {**environment_labels(PRODUCTION), OF: "web", ROLE: "preview"}


@pytest.mark.parametrize(
    ("theirs", "said"),
    [
        ({"app": "web"}, "not Headgate's: name yours otherwise"),
        ({**environment_labels(STAGING), OF: "web", ROLE: "preview"}, "of environment pcw/staging: give each"),
        ({**environment_labels(PRODUCTION), OF: "web-preview", ROLE: "stable"}, r"\(service web-preview, role stable"),
        (environment_labels(PRODUCTION), r"something else \(a team's own\)"),
    ],
    ids=["somebody's", "another environment's", "another service's", "of a team's manifests"],
)
async def test_what_is_another_s_is_left_as_it_is(cluster: Cluster, theirs: dict[str, str], said: str) -> None:
    made = await cluster.apply(service(theirs, 8000))
    with pytest.raises(AdapterError, match=f"Service shared/web-preview is there already, and is .*{said}"):
        await apply_ours(cluster, service(OURS))
    assert await cluster.get(SERVICE, SPACE, "web-preview") == made


async def test_what_is_handed_over_by_its_labels_is_ours_from_then_on(cluster: Cluster) -> None:
    await cluster.create(service({}))
    with pytest.raises(AdapterError) as refused:
        await apply_ours(cluster, service(environment_labels(PRODUCTION)))
    named = str(refused.value).split("services/web-preview ")[1].rstrip("`").split()
    labels = dict(one.split("=") for one in named)
    await cluster.patch(SERVICE, SPACE, "web-preview", {"metadata": {"labels": labels}})
    await apply_ours(cluster, service(environment_labels(PRODUCTION)))


async def test_what_a_mirror_knows_is_not_asked_for(cluster: Cluster) -> None:
    known = await apply_ours(cluster, service(OURS))
    assert (await apply_ours(cluster, service(OURS, 81), known))["spec"]["ports"] == [{"port": 81}]
    with pytest.raises(AdapterError, match="something else"):
        await apply_ours(cluster, service({**OURS, ROLE: "stable"}), known)
