"""Canary annotations set and read back at an API server in memory."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import kmock
import pytest
from tests.adapters.kubernetes.api import Api, kubeconfig
from tests.adapters.traffic.gateway_api.stage import ENDPOINTS, Stage, written

from headgate.adapters.kubernetes.kinds import INGRESS, INGRESS_CLASS
from headgate.adapters.kubernetes.names import REVISION, namespace_of
from headgate.adapters.traffic.ingress_nginx.rendering import PREFIX
from headgate.adapters.traffic.ingress_nginx.router import IngressRouter
from headgate.model.entrances import Entrance
from headgate.model.routes import Backend, Routes
from headgate.model.rules import Audience, Environment
from headgate.ports import AdapterError
from headgate.testing.contracts.traffic import BETA, CANDIDATE, PRODUCTION, STABLE, Split

RULES = Environment(
    "production",
    "kubernetes",
    entrance=Entrance("", "", "nginx", {"web": ("shop.example.org",)}, {"web": "p.example.org"}),
)


def routes(weight: int = 0, **more: Any) -> Routes:
    return Split(ENDPOINTS)(weight, **more)


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with Api() as one, kmock.Server(one):
        yield one


@pytest.fixture
async def stage(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    file = kubeconfig(tmp_path, str(api.url))
    monkeypatch.setenv("KUBECONFIG", str(file))
    made = Stage(file, namespace_of(PRODUCTION))
    await made.begin()
    await made.cluster.create(written(INGRESS_CLASS, None, "nginx", spec={"controller": "k8s.io/ingress-nginx"}))
    yield made
    await made.end()


@pytest.fixture
async def router(stage: Stage) -> AsyncIterator[IngressRouter]:
    made = IngressRouter(lambda environment: RULES, lambda name: None)
    yield made
    await made.close()


async def held(stage: Stage, name: str) -> tuple[str, dict[str, str]]:
    """Where an Ingress leads, and its annotations without their prefix."""
    found = await stage.cluster.get(INGRESS, stage.namespace, name)
    assert found is not None
    (backend,) = {one["http"]["paths"][0]["backend"]["service"]["name"] for one in found["spec"]["rules"]}
    notes = found["metadata"].get("annotations") or {}
    return backend, {key.removeprefix(PREFIX): value for key, value in notes.items() if key.startswith(PREFIX)}


ASKED = (
    Routes(PRODUCTION, (Backend(CANDIDATE, 0, ENDPOINTS[CANDIDATE]),), preview=CANDIDATE),
    routes(0),
    routes(37),
    routes(100),
    routes(5, preview=CANDIDATE),
    routes(0, preview=CANDIDATE, audience=BETA),
    routes(25, preview=CANDIDATE, audience=BETA),
    Split(ENDPOINTS).only(STABLE),
    Routes(PRODUCTION, ()),
)


async def test_what_was_set_is_read_back(router: IngressRouter) -> None:
    assert (await router.observe(PRODUCTION)).routes is None
    for wanted in (*ASKED, *reversed(ASKED)):
        await router.set_routes(wanted)
        assert (await router.observe(PRODUCTION)).routes == wanted


async def test_a_canary_has_its_share_and_the_rest_goes_where_users_go(stage: Stage, router: IngressRouter) -> None:
    await router.set_routes(routes(5, preview=CANDIDATE, audience=BETA))
    assert await held(stage, "web") == ("web-000000000001", {})
    chosen = {"canary-by-header": "X-Beta", "canary-by-header-value": "1"}
    assert await held(stage, "web-candidate") == (
        "web-000000000002",
        {"canary": "true", "canary-weight": "5", **chosen},
    )
    assert (await held(stage, "web-preview"))[0] == "web-preview"
    assert (await stage.led("web-preview"))[REVISION] == CANDIDATE


async def test_whoever_has_all_is_where_users_go_and_no_canary(stage: Stage, router: IngressRouter) -> None:
    for weight, home in ((50, "web-000000000001"), (100, "web-000000000002"), (0, "web-000000000001")):
        await router.set_routes(routes(weight))
        backend, notes = await held(stage, "web-candidate")
        assert (await held(stage, "web"))[0] == home
        assert (notes["canary-weight"], backend) == (("50", "web-000000000002") if weight == 50 else ("0", home))


async def test_what_annotations_cannot_say(router: IngressRouter) -> None:
    with pytest.raises(AdapterError, match="keeps nobody on the stable's side"):
        await router.set_routes(routes(5, sticky=True))
    with pytest.raises(AdapterError, match="chosen by one header"):
        await router.set_routes(routes(5, preview=CANDIDATE, audience=Audience({"A": "1", "B": "2"})))
    assert (await router.observe(PRODUCTION)).routes is None


async def test_another_controllers_class(stage: Stage, router: IngressRouter) -> None:
    assert await router.unable(PRODUCTION, RULES) == []
    await stage.cluster.delete(INGRESS_CLASS, None, "nginx")
    (why,) = await router.unable(PRODUCTION, RULES)
    assert "has no IngressClass nginx" in why
    spec = {"controller": "nginx.org/ingress-controller"}
    await stage.cluster.create(written(INGRESS_CLASS, None, "nginx", spec=spec))
    (why,) = await router.unable(PRODUCTION, RULES)
    assert "is nginx.org/ingress-controller's" in why


async def test_an_annotation_that_somebody_changed_is_seen_and_told(stage: Stage, router: IngressRouter) -> None:
    await router.set_routes(routes(5))
    body = {"metadata": {"annotations": {f"{PREFIX}canary-weight": "60"}}}
    await stage.change(INGRESS, "web-candidate", body)
    with pytest.raises(AdapterError, match="is somebody's; nothing was changed"):
        await router.set_routes(routes(6))


async def test_nothing_is_routed_to_what_its_service_does_not_lead_to(stage: Stage, router: IngressRouter) -> None:
    await stage.ready("web", CANDIDATE, ())
    with pytest.raises(AdapterError, match="leads to 0 of 1 instances"):
        await router.set_routes(routes(5))
