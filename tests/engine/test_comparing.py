"""Parity as the engine sees it: what is stable elsewhere, the versions of platforms, and a gate that waits for it."""

from dataclasses import replace

import pytest
from tests.engine.test_configuring import Shop

from headgate.engine.comparing import parity
from headgate.engine.refusals import Rejected
from headgate.model import events as e
from headgate.model.ids import EnvironmentId
from headgate.model.parity import Accepted, Parity, ParityGate
from headgate.ports import AdapterError
from headgate.testing.fakes.platform import FakePlatform

ACCEPTED = Accepted("replicas *", "one is enough to try things")


class Told(FakePlatform):
    versions: dict[str, str] = {}  # noqa: RUF012 - a test's own

    async def version(self, environment: EnvironmentId) -> str:
        name = environment.partition("/")[2]
        if name not in self.versions:
            raise AdapterError("connection refused")
        return self.versions[name]


async def applied(shop: Shop, *accept: Accepted) -> None:
    """Production, and a staging beside it with one replica of the service's two."""
    specification = shop.shop.state.specification
    assert specification is not None
    production = next(one for one in specification.environments if one.name == "production")
    rules = replace(
        production, replicas={"web": 2}, gates=(ParityGate("staging"),), parity={"staging": Parity(1.0, accept)}
    )
    staging = replace(production, name="staging", replicas={"web": 1}, gates=(), parity={})
    await shop.shop.record([e.SpecificationApplied(replace(specification, environments=(rules, staging)), "ann")])
    shop.shop.retry()
    await shop.shop.remember()


@pytest.fixture
async def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    made = Shop(tmp_path_factory.mktemp("shop") / "releases")
    made.platform = Told(made.clock)
    made.platform.versions = {"production": "Docker 28", "staging": "Docker 28"}
    made.world = replace(made.world, platforms={"process": made.platform})
    made.engine.world = made.world
    await made.apply()
    await applied(made)
    return made


async def turn(shop: Shop, times: int = 10) -> None:
    for _ in range(times):
        await shop.shop.wheel("staging").turn()
        await shop.turn(1)


async def test_a_gate_waits_for_a_replica_and_says_what_differs(shop: Shop) -> None:
    await shop.release()
    assert "nothing is stable there" in shop.waits_for()[0]
    await turn(shop)
    assert shop.shop.wheel("staging").state.stable is not None
    assert shop.state.stable is None
    (why,) = shop.waits_for()
    assert "staging is no replica of production: replicas web: 1 in staging, 2 in production: `headgate parity" in why
    await applied(shop, ACCEPTED)
    await turn(shop)
    assert shop.stable.service("web").replicas == 2
    found = await parity(shop.shop, "staging", "production")
    assert found["replica"] is True
    assert [(one["what"], one["accepted"]) for one in found["differences"]] == [("replicas web", ACCEPTED.why)]


async def test_a_platform_that_cannot_be_asked_is_no_replica(shop: Shop) -> None:
    await applied(shop, ACCEPTED)
    shop.platform.versions = {"production": "Docker 28"}  # type: ignore[attr-defined]
    await shop.release()
    await turn(shop)
    assert "platform version: that of staging cannot be told" in shop.waits_for()[0]
    shop.platform.versions = {"production": "Docker 28", "staging": "Docker 27"}  # type: ignore[attr-defined]
    await turn(shop, 2)
    assert "platform-version: Docker 27 in staging, Docker 28 in production" in shop.waits_for()[0]


async def test_compared_with_itself(shop: Shop) -> None:
    await applied(shop, ACCEPTED)
    await shop.release()
    await turn(shop)
    with pytest.raises(Rejected, match="compared with itself"):
        await parity(shop.shop, "staging", "staging")
