"""Secrets between stores and platforms: looked at beside the wheel, handed over in exact versions, refused in words."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.engine.test_configuring import Shop, shop  # noqa: F401 - a fixture

from headgate.bootstrap import by_reference
from headgate.engine.engine import Engine
from headgate.engine.refusals import Rejected
from headgate.engine.secrets import readable, values
from headgate.model import commands as c
from headgate.model import events as e
from headgate.model.checks import Job
from headgate.model.releases import Revision
from headgate.model.rules import Environment
from headgate.model.secrets import SecretReference, SecretRules
from headgate.model.services import Value
from headgate.ports import AdapterError, Host, Unusable, takes_references
from headgate.testing.fakes.platform import FakePlatform
from headgate.testing.fakes.secrets import FakeSecrets

REASON = "the configuration changed: secret shop/db v1 -> v2"


class Hanging(FakeSecrets):
    """Answers once it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.answers = asyncio.Event()
        self.answers.set()

    async def version(self, reference: str, store: SecretRules) -> str:
        await self.answers.wait()
        return await super().version(reference, store)


def rules_of(shop: Shop) -> Environment:  # noqa: F811
    assert shop.shop.state.specification is not None
    return shop.shop.state.specification.environments[0]


async def test_a_store_that_hangs_holds_up_no_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headgate.engine.configuring.GRACE", timedelta(milliseconds=1))
    made = Shop(tmp_path / "releases")
    store = made.world.secrets["fake"] = Hanging()  # type: ignore[index]
    store.write("shop/db", "correct horse")
    await made.apply()
    await made.release()
    await made.turn()
    store.answers.clear()
    store.write("shop/db", "battery staple")
    made.clock.advance(timedelta(minutes=1))
    async with asyncio.timeout(2):
        await made.turn(40)
    assert len(await made.requested()) == 1
    store.answers.set()
    await asyncio.sleep(0.01)
    await made.turn(40)
    assert (await made.requested())[1:] == [REASON]
    made.shop.configuring.close()


async def test_a_store_that_hangs_as_a_release_goes_on_holds_up_no_wheel(tmp_path: Path) -> None:
    made = Shop(tmp_path / "releases")
    store = made.world.secrets["fake"] = Hanging()  # type: ignore[index]
    store.write("shop/db", "correct horse")
    await made.apply()
    await made.release()
    await made.turn()
    store.answers.clear()
    asked = asyncio.create_task(made.release("2"))
    made.clock.advance(timedelta(minutes=1))
    async with asyncio.timeout(2):
        for _ in range(2):
            await made.engine._turn(made.shop, made.shop.wheel("production"))
    store.answers.set()
    second = await asked
    await made.turn(40)
    assert made.stable.release == second
    await made.engine.stop()


async def test_versions_are_looked_at_as_often_as_the_file_says(shop: Shop) -> None:  # noqa: F811
    specification = shop.shop.state.specification
    assert specification is not None
    seldom = tuple(replace(one, secrets_every=timedelta(hours=1)) for one in specification.environments)
    shop.shop.state = replace(shop.shop.state, specification=replace(specification, environments=seldom))
    await shop.turn(5)
    shop.secrets.write("shop/db", "battery staple")
    await shop.turn(60)
    assert len(await shop.requested()) == 1
    shop.clock.advance(timedelta(hours=1))
    await shop.turn(5)
    assert (await shop.requested())[1:] == [REASON]


UNFIT = {
    "long": ("x" * (128 << 10), False, "128 KiB is more than a variable can hold; add `as: file`"),
    "long in bytes alone": ("ä" * (65 << 10), False, "more than a variable can hold"),
    "zero byte": ("one\0two", False, "a zero byte, which no variable can"),
}
FIT = {"lines": ("one\ntwo\n", False), "long, in a file": ("x" * (128 << 10), True), "empty": ("", False)}


def asking(shop: Shop, as_file: bool = False) -> Revision:  # noqa: F811
    service = shop.stable.service("web")
    value = Value("secret", "shop/db", as_file=as_file, origin="services.web.env (headgate.yaml:7)")
    changed = replace(shop.stable, services=(replace(service, env={"PASSWORD": value}),))
    return replace(changed, secret_versions={"shop/db": "2"})


@pytest.mark.parametrize(("value", "as_file", "said"), UNFIT.values(), ids=UNFIT)
async def test_what_no_process_can_be_given_is_refused_unseen(
    shop: Shop, value: str, as_file: bool, said: str  # noqa: F811
) -> None:
    shop.secrets.write("shop/db", value)
    with pytest.raises(Unusable) as caught:
        await values(shop.world, rules_of(shop), asking(shop, as_file), "web")
    assert said in str(caught.value)
    assert "secret shop/db of services.web.env (headgate.yaml:7)" in str(caught.value)
    assert value[:3] not in str(caught.value)


@pytest.mark.parametrize(("value", "as_file"), FIT.values(), ids=FIT)
async def test_what_can_be_given_is_given_as_it_is(shop: Shop, value: str, as_file: bool) -> None:  # noqa: F811
    shop.secrets.write("shop/db", value)
    assert await values(shop.world, rules_of(shop), asking(shop, as_file), "web") == {"PASSWORD": value}


async def test_a_key_that_is_not_there_is_named_with_its_line(shop: Shop) -> None:  # noqa: F811
    del shop.secrets.values["shop/db"]
    with pytest.raises(AdapterError) as caught:
        await shop.shop.composed(rules_of(shop), shop.shop.releases[shop.stable.release])
    said = "secret shop/db of environments.production.env (headgate.yaml:10): there is no secret shop/db"
    assert str(caught.value) == said


class Listening(FakePlatform):
    """Knows what was masked when a check began."""

    shop: Shop
    masked: tuple[str, ...] = ()

    async def run_job(self, job: Job) -> None:
        self.masked = tuple(self.shop.world.hidden.values())
        await super().run_job(job)


async def test_what_a_check_may_print_is_known_before_it_begins_also_to_a_server_that_came_back(tmp_path: Path) -> None:
    """Whose instances ran already: it never had to read what they were given."""
    made = Shop(tmp_path / "releases")
    platform = Listening(made.clock)
    platform.shop = made
    made.engine.world = made.world = replace(made.world, platforms={"process": platform})
    made.secrets.write("shop/db", "correct horse")
    await made.apply()
    await made.release()
    await made.turn()
    assert "correct horse" in platform.masked


# --- what a platform that starts instances meets


class Asking(FakePlatform):
    """Starts nothing without its secrets, as every real one."""

    engine: Engine

    async def run(self, revision: Revision) -> None:
        known = {one.revision for one in await self.observe(revision.environment)}
        for service in revision.services if revision.id not in known else ():
            await self.engine.secrets(revision, service.name)
        await super().run(revision)


@pytest.fixture
async def asked(shop: Shop) -> Shop:  # noqa: F811
    platform = Asking(shop.clock)
    platform.engine, platform.copies = shop.engine, shop.platform.copies
    shop.platform = shop.world.platforms["process"] = platform  # type: ignore[index]
    return shop


async def test_a_store_that_is_away_for_a_while_is_waited_for(asked: Shop) -> None:
    before = asked.stable
    asked.secrets.unreadable = "connection refused"
    second = await asked.release("2")
    await asked.turn(60)
    assert (asked.stable, asked.state.rollout is not None) == (before, True)
    said = [failure.why for failure in asked.state.failures]
    place = "secret shop/db of environments.production.env (headgate.yaml:10)"
    assert said[-1] == f"{place} cannot be read: connection refused"
    asked.secrets.unreadable = ""
    await asked.turn(60)
    assert asked.stable.release == second


async def test_a_store_that_stays_away_blames_no_release(asked: Shop) -> None:
    before = asked.stable
    asked.secrets.unreadable = "connection refused"
    second = await asked.release("2")
    await asked.turn(200)
    assert asked.state.rollout is None
    assert asked.stable == before
    assert "connection refused" in asked.state.past[-1].why
    assert asked.shop.state.quarantined == {}
    asked.secrets.unreadable = ""
    await asked.engine.deploy("shop", "production", second, "ann")
    await asked.turn(30)
    assert asked.stable.release == second


async def test_a_rotation_whose_value_cannot_be_read_is_put_back_and_not_asked_for_for_ever(asked: Shop) -> None:
    before = asked.stable
    asked.secrets.unreadable = "permission denied; allow secretsmanager:GetSecretValue"
    asked.secrets.write("shop/db", "battery staple")
    asked.clock.advance(timedelta(minutes=1))
    await asked.turn(400)
    assert (await asked.requested())[1:] == [REASON]
    assert asked.stable == before
    assert asked.shop.state.quarantined == {}
    assert "secretsmanager:GetSecretValue; `headgate deploy production" in asked.waits_for()[-1]


@pytest.mark.parametrize("kept", [True, False])
async def test_a_rollback_past_a_rotation(asked: Shop, kept: bool) -> None:
    """As it was, or refused in one sentence where the store keeps no earlier values."""
    before = asked.stable
    asked.secrets.keeps_versions = kept
    asked.secrets.write("shop/db", "battery staple")
    asked.clock.advance(timedelta(minutes=1))
    await asked.turn(60)
    after = asked.stable
    assert after.secret_versions == {"shop/db": "2"}
    rollback = c.Rollback(asked.engine.rollout_id(), "ann")
    if not kept:
        with pytest.raises(Rejected, match=r"cannot come back as it was: secret shop/db .* version 1 .* is gone"):
            await asked.engine.command("shop", "production", rollback)
        assert asked.stable == after
        return
    await asked.engine.command("shop", "production", rollback)
    await asked.turn(60)
    assert asked.stable == before
    assert asked.secrets.read[-1] == ("shop/db", "1")


# --- by reference


class Orchestrator(Asking):
    """Has a system of its own that reads some stores, as ECS and Kubernetes do."""

    async def run(self, revision: Revision) -> None:
        self.handed = {one.name: self.engine.references(revision, one.name) for one in revision.services}
        await super().run(revision)


async def test_what_the_platform_reads_itself_is_never_read_here(tmp_path: Path) -> None:
    made = Shop(tmp_path / "releases")
    platform = Orchestrator(made.clock)
    platform.engine = made.engine
    made.world.platforms["process"] = platform  # type: ignore[index]
    made.world.by_reference["process"] = {"fake"}  # type: ignore[index]
    await made.apply()
    await made.release()
    await made.turn()
    assert platform.handed == {"web": {"PASSWORD": SecretReference(SecretRules("fake"), "shop/db", "1")}}
    made.secrets.write("shop/db", "battery staple")
    made.secrets.unreadable = "permission denied: nor may it"
    made.clock.advance(timedelta(minutes=1))
    await made.turn()
    assert (await made.requested())[1:] == [REASON]
    assert platform.handed["web"]["PASSWORD"].version == "2"
    rules = rules_of(made)
    rollback = c.Rollback(made.engine.rollout_id(), "ann")
    await made.engine.command("shop", "production", rollback)
    await made.turn()
    assert platform.handed["web"]["PASSWORD"].version == "1"
    assert await readable(made.world, rules, made.stable.service("web").env["PASSWORD"]) == "2"
    assert made.secrets.read == [], "no value of it was ever asked for"
    specification = made.shop.state.specification
    assert specification is not None
    await made.shop.record([e.SpecificationApplied(replace(specification, environments=()), "ann")])
    # What runs where the file names no environment any more is started again with what it had.
    assert made.engine.references(made.stable, "web")["PASSWORD"].version == "1"


def test_a_platform_declares_it() -> None:
    @takes_references("aws-ssm", "aws-secrets-manager")
    def create(host: Host) -> FakePlatform:
        raise NotImplementedError

    assert create.takes_references == {"aws-ssm", "aws-secrets-manager"}  # type: ignore[attr-defined]
    assert by_reference()["process"] == frozenset(), "who is handed values is handed them"
