"""Infrastructure around a rollout: its outputs, the plan that approvals are for, and its apply before the candidate."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

from headgate.engine import approving, provisioned_views
from headgate.engine.application import Application
from headgate.engine.engine import Engine
from headgate.engine.refusals import Rejected
from headgate.engine.reviewing import review
from headgate.engine.views import summary
from headgate.engine.world import World
from headgate.model import events as e
from headgate.model.rollouts import EnvironmentState
from headgate.ports import AdapterError
from headgate.spec.compile import application as compiled
from headgate.spec.read import read
from headgate.testing.fakes.clock import FakeClock
from headgate.testing.fakes.eventlog import MemoryEventLog
from headgate.testing.fakes.metrics import FakeMetrics
from headgate.testing.fakes.platform import FakePlatform
from headgate.testing.fakes.provisioner import FakeProvisioner
from headgate.testing.fakes.router import FakeRouter
from headgate.testing.fakes.source import FakeSource

SHOP = "/repositories/shop"
FILE = """\
application: shop
services:
  web: {build: web, command: [serve], port: 8000}
environments:
  production:
    platform: process
    deploy: on-request
    keep_warm: 0s
    env: {CACHE: {terraform: OUTPUT}}
    terraform: {folder: infrastructure, destroy: DESTROY, variables: VARIABLES}
    gates: GATES
"""
APPROVED = "[{approval: {from: [bob]}}]"


class Shop:
    def __init__(self, folder: Path) -> None:
        self.clock, self.source, self.numbers = FakeClock(), FakeSource(), count(1)
        self.log, self.platform = MemoryEventLog(self.clock), FakePlatform(self.clock)
        self.terraform = FakeProvisioner({"endpoint": "cache-1:6379"})
        self.world = World(
            {"process": self.platform},
            {"envoy": FakeRouter()},
            {"envoy": FakeMetrics()},
            self.source,
            folder,
            provisioners={"terraform": self.terraform},
        )
        self.repository = SHOP
        self.start()

    def start(self) -> None:
        """A server that knows what is in the log, and nothing else."""
        self.engine = Engine(self.world, self.log, self.clock, lambda prefix: f"{prefix}_{next(self.numbers):012x}")

    async def know(self) -> None:
        application = Application("shop", self.world, self.log, self.clock, self.engine.new_id, self.engine.line)
        await application.remember()
        self.engine.applications["shop"] = application

    async def apply(
        self, gates: str = "[]", destroy: str = "never", variables: str = "{}", output: str = "endpoint"
    ) -> None:
        text = FILE.replace("GATES", gates).replace("DESTROY", destroy)
        text = text.replace("VARIABLES", variables).replace("OUTPUT", output)
        if "shop" not in self.engine.applications:
            await self.know()
        rules = compiled(read(text, "headgate.yaml"), self.repository, "headgate.yaml")
        await self.shop.record([e.SpecificationApplied(rules, "ann")])
        self.shop.retry()

    @property
    def shop(self) -> Application:
        return self.engine.applications["shop"]

    @property
    def state(self) -> EnvironmentState:
        return self.shop.wheel("production").state

    async def release(self, web: str = "1") -> str:
        text = FILE.replace("GATES", "[]").replace("DESTROY", "never").replace("VARIABLES", "{}")
        commit = self.source.commit(self.repository, {"headgate.yaml": text, "web/app.py": web}, "Change", "main")
        made = await self.engine.release("shop", commit.sha, "ann")
        return str(made.id)

    async def deploy(self, web: str = "1") -> None:
        await self.engine.deploy("shop", "production", await self.release(web), "ann", "")

    async def deploy_newest(self, web: str) -> None:
        """Not by its name, which would pin it."""
        await self.release(web)
        await self.engine.deploy("shop", "production", None, "ann", "")

    async def infra_apply(self, why: str = "") -> None:
        shown = await provisioned_views.planned(self.shop, "production")
        command = await provisioned_views.ordered(self.shop, "production", shown["plan"], "ann", why)
        await self.engine.command("shop", "production", command)
        await self.turn(4)

    async def turn(self, times: int = 25) -> None:
        wheel = self.shop.wheel("production")
        for _ in range(times):
            if await wheel.turn() or self.shop.configuring.due():
                await self.shop.advance()
            self.clock.advance(timedelta(seconds=1))

    async def turn_until(self, there: Callable[[], bool]) -> None:
        """For what takes real time."""
        async with asyncio.timeout(120):
            while not there():
                await self.turn(1)
                await asyncio.sleep(0.05)

    def given(self) -> str:
        assert self.state.stable is not None
        return self.state.stable.service("web").env["CACHE"].text

    async def events(self, kind: type) -> list[e.Event]:
        recorded = await self.log.read("environment:shop/production")
        return [one.event for one in recorded if isinstance(one.event, kind)]

    def waits_for(self) -> str:
        return "; ".join(summary(self.shop, "production", self.clock.now())["waits_for"])

    async def infrastructure(self) -> str:
        found = await review(self.shop, "production", self.clock.now())
        return "\n".join(next(one["lines"] for one in found["told"]["sections"] if one["title"] == "infrastructure"))


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    one = Shop(tmp_path)
    await one.apply()
    yield one
    for wheel in one.shop.wheels.values():
        wheel.close()
    one.shop.configuring.close()


async def test_an_output_reaches_the_variable_once_it_is_there(shop: Shop) -> None:
    with pytest.raises(AdapterError, match=r"output endpoint of environments\.production\.env \(.*not in the state"):
        await shop.deploy()
    await shop.infra_apply()
    await shop.deploy()
    await shop.turn()
    assert shop.given() == "cache-1:6379"


async def test_an_output_that_changes_is_another_configuration_and_comes_as_a_release(shop: Shop) -> None:
    await shop.infra_apply()
    await shop.deploy()
    await shop.turn()
    shop.terraform.applied["endpoint"] = "cache-2:6379"  # by somebody's own terraform
    await shop.turn(40)
    assert "CACHE cache-1:6379 -> cache-2:6379" in shop.waits_for()
    assert shop.given() == "cache-1:6379"
    await shop.engine.deploy("shop", "production", shop.state.stable.label if shop.state.stable else "", "ann", "")
    await shop.turn()
    assert shop.given() == "cache-2:6379"


async def test_a_dollar_in_an_output_names_no_variable(shop: Shop) -> None:
    shop.terraform.wanted["endpoint"] = "a$PORT"
    await shop.infra_apply()
    await shop.deploy()
    await shop.turn()
    assert shop.given() == "a$$PORT"


async def test_a_sensitive_output_is_refused_and_shown_to_nobody(shop: Shop) -> None:
    shop.terraform.wanted, shop.terraform.sensitive = {"endpoint": "hush-hush"}, {"endpoint"}
    await shop.infra_apply()
    with pytest.raises(AdapterError, match=r"is sensitive.*keep it in a secret store") as refused:
        await shop.deploy()
    assert "hush-hush" not in str(refused.value)
    assert "hush-hush" not in str(await provisioned_views.outputs(shop.shop, "production"))
    assert shop.world.hidden.hide("it is hush-hush") == "it is ***"


async def test_a_state_that_cannot_be_read_names_the_place_in_the_file(shop: Shop) -> None:
    shop.terraform.away = "no answer of the bucket"
    with pytest.raises(AdapterError, match=r"environments\.production\.terraform \(headgate\.yaml:10\): no answer"):
        await shop.deploy()


async def served(shop: Shop) -> None:
    await shop.infra_apply()
    await shop.deploy()
    await shop.turn()


async def test_the_plan_is_applied_before_the_candidate_starts(shop: Shop) -> None:
    await served(shop)
    shop.terraform.wanted["topic"] = "news"
    await shop.deploy("2")
    await shop.turn(1)
    assert shop.state.rollout is not None
    started = shop.state.rollout.revision.id
    assert "infrastructure (1 to create, outputs topic)" in shop.waits_for()
    assert not [one for one in await shop.platform.observe(shop.state.id) if one.revision == started]
    await shop.turn()
    assert shop.terraform.applied["topic"] == "news"
    assert shop.state.stable is not None
    assert shop.state.stable.id == started
    assert shop.terraform.applies == 2


async def test_nothing_to_change_is_no_step(shop: Shop) -> None:
    await served(shop)
    await shop.deploy("2")
    await shop.turn(1)
    assert shop.state.rollout is not None
    assert "infrastructure" not in shop.waits_for()


async def test_an_apply_that_fails_aborts_in_its_own_words_and_blames_no_release(shop: Shop) -> None:
    await served(shop)
    shop.terraform.wanted["topic"], shop.terraform.refuses = "news", "aws_sns_topic.news: AccessDenied"
    await shop.deploy("2")
    await shop.turn()
    [ended] = await shop.events(e.RolloutAborted)
    assert isinstance(ended, e.RolloutAborted)
    assert "the infrastructure could not be changed" in ended.why
    assert "aws_sns_topic.news: AccessDenied" in ended.why
    assert not shop.shop.quarantined(shop.state.id)
    assert shop.given() == "cache-1:6379"


async def test_a_plan_that_cannot_be_told_holds_the_start_and_says_why(shop: Shop) -> None:
    await served(shop)
    shop.terraform.unplannable = "main.tf:3: Unsupported argument"
    await shop.deploy("2")
    await shop.turn(2)
    assert "the infrastructure plan cannot be told" in shop.waits_for()
    assert "main.tf:3: Unsupported argument" in shop.waits_for()
    assert await shop.infrastructure() in shop.waits_for().replace("the infrastructure plan cannot", "it cannot")
    shop.clock.advance(timedelta(days=2))
    await shop.turn(2)
    assert shop.state.waiting is None
    assert shop.state.rollout is None


async def test_a_plan_that_can_be_told_again_lets_it_start(shop: Shop) -> None:
    await served(shop)
    shop.terraform.unplannable = "no credentials"
    await shop.deploy("2")
    await shop.turn(2)
    shop.terraform.unplannable = ""
    await shop.turn(60)
    assert len(shop.state.past) == 2


async def test_what_destroys_is_never_applied_by_itself(shop: Shop) -> None:
    await served(shop)
    shop.terraform.wanted = {"endpoint": "cache-2:6379"}
    shop.terraform.replaced = {"endpoint"}
    await shop.deploy("2")
    await shop.turn()
    assert shop.state.rollout is None
    assert "the plan would replace fake_value.endpoint, and `destroy: never` holds" in shop.waits_for()
    with pytest.raises(Rejected, match="destroy: never"):
        await shop.infra_apply()
    assert shop.terraform.applies == 1


async def test_an_approval_is_for_that_very_plan(shop: Shop) -> None:
    await served(shop)
    await shop.apply(APPROVED, "approved")
    shop.terraform.wanted, shop.terraform.replaced = {"endpoint": "cache-2:6379"}, {"endpoint"}
    await shop.deploy("2")
    await shop.turn(2)
    shown = await review(shop.shop, "production", shop.clock.now())
    told = await shop.infrastructure()
    assert told.splitlines()[:2] == [
        "THIS DESTROYS OR REPLACES 1 OF WHAT THERE IS, AND WHAT IS IN IT",
        "REPLACE fake_value.endpoint",
    ]
    await approving.approve(shop.engine, "shop", "production", "bob", "", shown["set"])
    assert shop.state.rollout is not None
    await shop.turn()
    assert shop.terraform.applied["endpoint"] == "cache-2:6379"


async def test_outputs_that_a_rollout_changed_come_next_by_themselves_with_approvals_of_their_own(shop: Shop) -> None:
    await served(shop)
    await shop.apply(APPROVED, "approved")
    shop.terraform.wanted = {"endpoint": "cache-2:6379"}
    await shop.deploy_newest("2")
    await shop.turn(2)
    later = "outputs that change: endpoint; services get them with the configuration that follows this rollout"
    assert later in await shop.infrastructure()
    await approving.approve(shop.engine, "shop", "production", "bob", "")
    await shop.turn()
    assert shop.given() == "cache-1:6379"
    assert shop.state.waiting is not None
    assert shop.state.waiting.why == "the configuration changed: CACHE cache-1:6379 -> cache-2:6379"
    assert shop.state.waiting.revision.release == shop.state.stable.release if shop.state.stable else False
    await approving.approve(shop.engine, "shop", "production", "bob", "")
    await shop.turn()
    assert shop.given() == "cache-2:6379"
    assert shop.state.waiting is None


async def test_a_plan_that_changed_voids_the_approval(shop: Shop) -> None:
    await served(shop)
    await shop.apply("[{approval: {from: [bob, eve], count: 2}}]", "approved")
    shop.terraform.wanted["topic"] = "news"
    await shop.deploy("2")
    await shop.turn(2)
    shown = await review(shop.shop, "production", shop.clock.now())
    await approving.approve(shop.engine, "shop", "production", "bob", "", shown["set"])
    shop.terraform.wanted["topic"] = "gossip"
    shop.clock.advance(timedelta(minutes=6))
    await shop.turn(2)
    with pytest.raises(Rejected, match="this is not what would happen now: the infrastructure plan changed"):
        await approving.approve(shop.engine, "shop", "production", "eve", "", shown["set"])
    await approving.approve(shop.engine, "shop", "production", "eve", "")
    await shop.turn(3)
    assert "1 of 2 approvals" in shop.waits_for()


async def test_what_changed_after_the_start_is_not_applied(shop: Shop) -> None:
    """The world moved between the last look and the apply: nothing is done that nobody was shown."""
    await served(shop)
    await shop.apply(APPROVED)
    shop.terraform.wanted["topic"] = "news"
    await shop.deploy("2")
    await shop.turn(2)
    shop.terraform.wanted["topic"] = "gossip"
    await approving.approve(shop.engine, "shop", "production", "bob", "")
    await shop.turn()
    [ended] = await shop.events(e.RolloutAborted)
    assert "another than the one that was shown" in str(ended)
    assert "topic" not in shop.terraform.applied


async def test_a_server_that_ends_in_an_apply_does_it_once(shop: Shop) -> None:
    await served(shop)
    shop.terraform.wanted["topic"] = "news"
    await shop.deploy("2")
    wheel = shop.shop.wheel("production")
    while not wheel.state.provisioning or wheel.state.provisioning.rollout is None:
        await wheel.turn()
    wheel.close()
    shop.start()
    await shop.know()
    await shop.turn()
    assert shop.terraform.applied["topic"] == "news"
    assert shop.terraform.applies == 2
    assert shop.state.stable is not None
    assert shop.state.rollout is None


async def test_where_gates_hold_infrastructure_alone_goes_through_them_as_a_rollout_of_what_is_stable(
    shop: Shop,
) -> None:
    await served(shop)
    await shop.apply(APPROVED, "approved")
    before = shop.state.stable
    shop.terraform.wanted, shop.terraform.replaced = {"endpoint": "cache-2:6379"}, {"endpoint"}
    await shop.infra_apply("the old one is too small")
    assert "0 of 1 approvals" in shop.waits_for()
    assert shop.terraform.applies == 1
    assert "REPLACE fake_value.endpoint" in await shop.infrastructure()
    await approving.approve(shop.engine, "shop", "production", "bob", "")
    await shop.turn()
    assert shop.terraform.applied["endpoint"] == "cache-2:6379"
    assert before is not None
    assert shop.state.stable is not None
    assert shop.state.stable.id != before.id
    assert shop.state.stable.is_as(before)


async def test_what_somebody_applied_meanwhile_needs_no_rollout(shop: Shop) -> None:
    await served(shop)
    await shop.apply(APPROVED)
    shop.terraform.wanted["topic"] = "news"
    await shop.infra_apply()
    assert shop.state.waiting is not None
    shop.terraform.made = dict(shop.terraform.wanted)
    shop.clock.advance(timedelta(minutes=6))
    await shop.turn(2)
    assert shop.state.waiting is None
    assert len(shop.state.past) == 1


async def test_another_plan_than_the_one_named_is_refused(shop: Shop) -> None:
    shown = await provisioned_views.planned(shop.shop, "production")
    shop.terraform.wanted["topic"] = "news"
    with pytest.raises(Rejected, match=r"another than the one that was shown.*`headgate infra plan production`"):
        await provisioned_views.ordered(shop.shop, "production", shown["plan"], "ann", "")


async def test_a_failed_apply_is_told_until_one_passes(shop: Shop) -> None:
    shop.terraform.refuses = "no rights"
    await shop.infra_apply()
    assert "the latest apply of infrastructure failed" in shop.waits_for()
    assert (provisioned_views.latest(shop.state) or {})["state"] == "failed"
    shop.terraform.refuses = ""
    await shop.infra_apply()
    assert shop.waits_for() == ""


async def test_drift_is_told_and_left_alone(shop: Shop) -> None:
    await shop.infra_apply()
    shop.terraform.made = {"endpoint": "changed by hand"}
    found = await provisioned_views.drift(shop.shop, "production")
    assert [one["told"] for one in found["drift"]] == ["fake_value.endpoint was changed: input"]
    assert shop.terraform.made == {"endpoint": "changed by hand"}


async def test_without_terraform_in_the_file_it_is_said(shop: Shop) -> None:
    text = FILE.split("    env:")[0]
    rules = compiled(read(text, "headgate.yaml"), SHOP, "headgate.yaml")
    await shop.shop.record([e.SpecificationApplied(rules, "ann")])
    with pytest.raises(Rejected, match="production has no `terraform` in the applied file"):
        await provisioned_views.planned(shop.shop, "production")
