"""A cluster in memory, with a controller; and the router of it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import kmock
import pytest
from tests.adapters.kubernetes.api import Api, kubeconfig
from tests.adapters.traffic.gateway_api.stage import Stage

from headgate.adapters.kubernetes.names import namespace_of
from headgate.adapters.traffic.gateway_api.router import GatewayRouter
from headgate.model.entrances import Entrance
from headgate.model.rules import Environment, Strategy
from headgate.testing.contracts.traffic import PRODUCTION

SHOP, PREVIEW = "shop.example.org", "preview.shop.example.org"


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
    yield made
    await made.end()


@pytest.fixture
def rules(stage: Stage) -> Environment:
    entrance = Entrance(stage.gateway, "tls", hostnames={"web": (SHOP,)}, previews={"web": PREVIEW})
    return Environment("production", "kubernetes", entrance=entrance, strategy=Strategy("canary"))


@pytest.fixture
async def router(rules: Environment) -> AsyncIterator[GatewayRouter]:
    made = GatewayRouter(lambda environment: rules, lambda name: None)
    yield made
    await made.close()


@pytest.fixture
async def impatient(rules: Environment) -> AsyncIterator[GatewayRouter]:
    made = GatewayRouter(lambda environment: rules, lambda name: None, timedelta(seconds=0.2))
    yield made
    await made.close()
