"""Platform `kubernetes` with a team's own manifests, on a stage: an API server in memory and pods that answer."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.adapters.platforms.kubernetes.manifests.written import SHOP as WHOLE
from tests.adapters.platforms.kubernetes.stage import KubernetesStage, on_stage

from headgate.adapters.kubernetes.kinds import CONFIG_MAP, CRON_JOB, DEPLOYMENT, SERVICE
from headgate.adapters.platforms.kubernetes.drift import drifted
from headgate.adapters.platforms.kubernetes.manifests.manifest import Refused
from headgate.model.ids import EnvironmentId, ReleaseId
from headgate.model.manifests import Manifests
from headgate.model.releases import Revision
from headgate.model.rules import Environment
from headgate.testing.contracts.platform import PRODUCTION

pytestmark = pytest.mark.slow  # each has a cluster of its own, and waits for its pods
# Nothing scales here: no controller of autoscalers is on the stage.
SHOP = "---".join(one for one in WHOLE.split("---") if "kind: HorizontalPodAutoscaler" not in one)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[KubernetesStage]:
    async with on_stage(tmp_path) as one:
        yield one


def revision(stage: KubernetesStage, name: str, text: str = SHOP) -> Revision:
    """Of a release of its own, whose source holds these manifests."""
    release = ReleaseId(f"rel_{name}")
    folder = stage.folder / "releases" / release / "deploy"
    folder.mkdir(parents=True)
    (folder / "shop.yaml").write_text(text)
    made = stage.revision(name, replicas=2)
    services = tuple(replace(one, command=()) for one in made.services)
    return replace(made, release=release, services=services, manifests=Manifests("deploy"))


async def ready(stage: KubernetesStage, wanted: Revision, count: int = 2) -> None:
    async with asyncio.timeout(10):
        while True:
            found = await stage.platform.observe(PRODUCTION)
            if [one.state for one in found if one.revision == wanted.id] == ["ready"] * count:
                return
            await asyncio.sleep(0.02)


async def there(stage: KubernetesStage, kind: Any, name: str) -> dict[str, Any] | None:
    space = next(iter({key[1] for key in stage.api.state.objects if key[0] == "deployments"}))
    return await stage.cluster.get(kind, space, name)


async def test_two_revisions_run_side_by_side_and_going_back_restores_what_stands_beside(
    stage: KubernetesStage,
) -> None:
    old, new = revision(stage, "1"), revision(stage, "2", SHOP.replace("red", "blue").replace("0 3", "0 4"))
    for one in (old, new):
        await stage.platform.run(one)
        await ready(stage, one)
    deployed = [await there(stage, DEPLOYMENT, name) for name in ("web-1", "web-2")]
    assert all(one and one["spec"]["template"]["spec"]["serviceAccountName"] == "web" for one in deployed)
    settings = [one["spec"]["template"]["spec"]["containers"][0]["envFrom"][0] for one in deployed if one]
    assert settings[0] != settings[1]
    nightly = await there(stage, CRON_JOB, "nightly")
    assert nightly is not None
    assert nightly["spec"]["schedule"] == "0 4 * * *"

    await stage.platform.stop(PRODUCTION, new.id)
    nightly = await there(stage, CRON_JOB, "nightly")
    assert nightly is not None
    assert nightly["spec"]["schedule"] == "0 3 * * *"
    assert await there(stage, CONFIG_MAP, settings[0]["configMapRef"]["name"]) is not None
    assert await there(stage, CONFIG_MAP, settings[1]["configMapRef"]["name"]) is None
    await ready(stage, old)


async def test_what_the_api_server_adds_is_no_drift_and_what_a_person_changes_is(stage: KubernetesStage) -> None:
    one = revision(stage, "1")
    await stage.platform.run(one)
    await ready(stage, one)
    assert list(stage.platform.drift(PRODUCTION)) == []
    found = await there(stage, DEPLOYMENT, "web-1")
    assert found is not None
    pod = found["spec"]["template"]["spec"]
    pod |= {"restartPolicy": "Always", "dnsPolicy": "ClusterFirst", "schedulerName": "default-scheduler"}
    pod["containers"][0] |= {"imagePullPolicy": "IfNotPresent", "terminationMessagePath": "/dev/termination-log"}
    pod["containers"][0]["resources"] = {"requests": {"cpu": "0.1"}}
    pod["volumes"][0]["secret"]["defaultMode"] = 420
    assert drifted(found) == ()
    pod["containers"][1]["image"] = "other"
    (told,) = drifted(found)
    assert told == 'template.spec.containers[proxy].image is "other", made as "registry.example.org/proxy:1"'


async def test_a_service_of_theirs_has_no_selector_that_reaches_a_candidate(stage: KubernetesStage) -> None:
    await stage.platform.run(revision(stage, "1"))
    found = await there(stage, SERVICE, "shop-web")
    assert found is not None
    assert "selector" not in found["spec"]


async def test_what_is_not_allowed_is_refused_before_anything_is_applied(stage: KubernetesStage) -> None:
    role = "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: all}\n"
    with pytest.raises(Refused, match=r"release 1: deploy/shop.yaml:\d+, document 9 \(Role/all\)"):
        await stage.platform.run(revision(stage, "1", f"{SHOP}{role}"))
    assert not [key for key in stage.api.state.objects if key[0] not in ("namespaces",)]


async def test_what_was_allowed_when_it_ran_first_is_judged_by_the_rules_of_the_day(stage: KubernetesStage) -> None:
    claim = SHOP.replace("serviceAccountName: web", "hostNetwork: true")
    one = revision(stage, "1", claim)
    allowing = Manifests("deploy", allow=("hostNetwork",))

    def ruled(environment: EnvironmentId) -> Environment:
        return replace(KubernetesStage.ruled(stage, environment), manifests=allowing)

    stage.platform._rules = ruled
    await stage.platform.run(one)
    stage.platform._rules = stage.ruled
    with pytest.raises(Refused, match="hostNetwork"):
        await stage.platform.run(one)


async def test_an_environment_that_is_left_leaves_nothing_but_its_namespace(stage: KubernetesStage) -> None:
    one = revision(stage, "1")
    await stage.platform.run(one)
    await ready(stage, one)
    await stage.platform.stop_all(PRODUCTION)
    assert await there_is_left(stage) == set()


async def there_is_left(stage: KubernetesStage) -> set[str]:
    kinds = {"deployments", "services", "configmaps", "secrets", "statefulsets", "cronjobs", "serviceaccounts"}
    return {key[2] for key in stage.api.state.objects if key[0] in kinds}
