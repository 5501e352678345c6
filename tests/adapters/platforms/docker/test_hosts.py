"""One environment on two machines: spread evenly, each with its own health, and nothing runs twice."""

import asyncio
import json
import os
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from tests.adapters.platforms.docker.hosts import TestHost, machines
from tests.adapters.platforms.docker.hosts_stage import HostsStage, spread_over
from tests.adapters.platforms.process.stage import get
from tests.adapters.registries.server import HTPASSWD, PASSWORD, USER

from headgate.adapters.docker_engine import DockerEngine, socket_path
from headgate.adapters.docker_images import DockerImages
from headgate.adapters.envoy_admin import EnvoySettings
from headgate.adapters.platforms.docker.tunnel import Tunnel
from headgate.adapters.traffic.envoy import EnvoyRouter
from headgate.model.releases import Revision
from headgate.model.routes import Backend, Routes
from headgate.model.rules import ContainerHost
from headgate.model.services import Health, Value
from headgate.ports import Access, AdapterError
from headgate.testing.contracts.platform import PRODUCTION, PlatformContract, observed, ready

pytestmark = [pytest.mark.real("dockerd", "docker", "sshd", "ssh", "ip", "nsenter"), pytest.mark.timeout(120)]
Two = tuple[list[TestHost], Path]


@pytest.fixture(scope="module")
def two() -> Iterator[Two]:
    if os.geteuid():
        pytest.skip("only root may make machines of its own")
    with machines(2) as made:
        yield made


@pytest.fixture
async def stage(tmp_path: Path, two: Two) -> AsyncIterator[HostsStage]:
    async with spread_over(tmp_path, *two) as made:
        yield made


ONE_IS_ENOUGH = None  # held by one machine in test_contract.py, with the same code: each costs two seconds here


class TestContract(PlatformContract):
    test_a_job_that_never_started_is_unknown = ONE_IS_ENOUGH  # type: ignore[assignment]
    test_a_job_ends_as_its_check_says = ONE_IS_ENOUGH  # type: ignore[assignment]
    test_nothing_runs_before_it_is_asked_for = ONE_IS_ENOUGH  # type: ignore[assignment]
    test_running_again_starts_nothing_more = ONE_IS_ENOUGH  # type: ignore[assignment]
    test_revisions_run_side_by_side = ONE_IS_ENOUGH  # type: ignore[assignment]
    test_a_revision_runs_again_while_its_earlier_instances_stop = ONE_IS_ENOUGH  # type: ignore[assignment]
    test_environments_do_not_see_each_other = ONE_IS_ENOUGH  # type: ignore[assignment]
    test_only_the_revision_named_is_stopped = ONE_IS_ENOUGH  # type: ignore[assignment]
    test_stopping_takes_its_time_and_is_seen = ONE_IS_ENOUGH  # type: ignore[assignment]
    test_what_ends_is_seen_with_the_reason_and_not_started_at_once = ONE_IS_ENOUGH  # type: ignore[assignment]
    test_a_job_is_found_again = ONE_IS_ENOUGH  # type: ignore[assignment]
    test_each_death_in_a_row_is_counted_and_waits_longer = ONE_IS_ENOUGH  # type: ignore[assignment]
    test_stopping_what_never_ran_is_no_error = ONE_IS_ENOUGH  # type: ignore[assignment]
    test_what_died_can_be_stopped = ONE_IS_ENOUGH  # type: ignore[assignment]
    test_what_does_not_answer_well_is_not_ready_and_says_why = ONE_IS_ENOUGH  # type: ignore[assignment]

    @pytest.fixture
    async def stage(self, tmp_path: Path, two: Two) -> AsyncIterator[HostsStage]:
        async with spread_over(tmp_path, *two) as made:
            yield made


async def test_instances_are_spread_evenly(stage: HostsStage) -> None:
    one, two = stage.engines
    await stage.platform.run(stage.revision("one", replicas=3))
    seen = await ready(stage, 3)
    assert await stage.spread() == Counter({one: 2, two: 1})
    assert [await get(each, "/healthz") for each in seen] == ["ok"] * 3
    await stage.platform.run(stage.revision("two", replicas=1))
    await ready(stage, 4)
    assert await stage.spread() == Counter({one: 2, two: 2}), "of two with as many of the same, the emptier one"


async def test_a_host_that_cannot_be_reached_is_named_and_the_other_goes_on(stage: HostsStage) -> None:
    machine = stage.machines[0]
    one, two = stage.engines
    revision = stage.revision("one", replicas=2)
    await stage.platform.run(revision)
    before = await ready(stage, 2)
    machine.kill_sshd()
    try:
        told = await unseen(stage, "Connection refused")
        assert told.startswith(f"host {machine.address}: ")
        assert list(await stage.platform.observe(PRODUCTION)) == list(before), "they answer, so they serve"
        await stage.platform.run(revision)
        assert await stage.containers() == Counter({one: 1, two: 1})
        await stage.platform.run(stage.revision("two", replicas=2))
        await ready(stage, 4)
        assert await stage.containers() == Counter({one: 1, two: 3})
        await stage.restart()
        assert await ready(stage, 4), "what was there is remembered"
        await stage.platform.stop(PRODUCTION, revision.id)
    finally:
        machine.start("sshd")
    await stage.until(one=0, two=2)
    await observed(stage, lambda seen: len(seen) == 2)
    async with asyncio.timeout(20):
        while stage.platform.unseen(PRODUCTION):
            await stage.platform.observe(PRODUCTION)
            await asyncio.sleep(0.05)


async def unseen(stage: HostsStage, why: str = "") -> str:
    async with asyncio.timeout(20):
        while True:
            await stage.platform.observe(PRODUCTION)
            told = stage.platform.unseen(PRODUCTION)
            if told and why in told[0]:
                return told[0]
            await asyncio.sleep(0.05)


async def test_an_engine_that_stops_takes_nothing_with_it_but_its_own(stage: HostsStage) -> None:
    machine = stage.machines[1]
    revision = stage.revision("one", replicas=2)
    await stage.platform.run(revision)
    await ready(stage, 2)
    machine.stop_engine()
    try:
        await unseen(stage)
        seen = await observed(stage, lambda seen: sorted(one.state for one in seen) == ["ready", "unready"])
        (lost,) = (one for one in seen if one.state == "unready")
        assert "whether it runs is not known" in lost.detail
        assert f"{machine.engine} cannot be reached (" in lost.detail
        await stage.platform.run(revision)
        assert len(await stage.platform.observe(PRODUCTION)) == 2, "nothing is started twice for a short outage"
    finally:
        machine.start("dockerd")
        machine.await_engine()
    await observed(stage, lambda seen: any(one.state == "exited" for one in seen))
    await stage.wait(1.0)
    await stage.platform.run(revision)
    assert len({one.address.partition(":")[0] for one in await ready(stage, 2)}) == 2


async def test_what_is_lost_for_long_is_started_elsewhere_and_ends_when_it_comes_back(stage: HostsStage) -> None:
    machine = stage.machines[0]
    stage.settings = stage.settings.model_copy(update={"lost_after": timedelta(seconds=1)})
    await stage.restart()
    quick = Health("/healthz", interval=timedelta(seconds=0.2), timeout=timedelta(seconds=0.3))
    revision = stage.revision("one", replicas=2, health=quick)
    await stage.platform.run(revision)
    await ready(stage, 2)
    machine.kill_sshd()
    await unseen(stage)  # by silence alone ssh would know it after 9 s
    machine.unplug()
    try:
        seen = await observed(stage, lambda seen: any(one.state == "exited" for one in seen))
        (lost,) = (one for one in seen if one.state == "exited")
        assert lost.detail.startswith(f"given up, with host {machine.address}: ")
        assert lost.retry_at is None
        await stage.platform.run(revision)
        await observed(stage, lambda seen: sorted(one.state for one in seen) == ["exited", "ready", "ready"])
        await stage.until(one=1, two=2)
    finally:
        machine.start("sshd")
        machine.plug()
    await ready(stage, 2)
    await stage.until(one=0, two=2)


async def test_all_hosts_away_is_not_knowing_anything(stage: HostsStage) -> None:
    stage.named = [replace(host, engine=host.engine.replace("2222", "1")) for host in stage.named]
    with pytest.raises(AdapterError, match=r"host 10\.231.* cannot be reached .*; host 10\.231"):
        await stage.platform.observe(PRODUCTION)


async def test_a_host_that_is_named_no_more_gets_nothing_new(stage: HostsStage) -> None:
    one, two = stage.engines
    first = stage.revision("one", replicas=2)
    await stage.platform.run(first)
    await ready(stage, 2)
    del stage.named[0]
    await stage.restart()
    assert await stage.spread() == Counter({one: 1, two: 1}), "what runs there goes on"
    await stage.platform.run(stage.revision("two", replicas=2))
    await ready(stage, 4)
    await stage.platform.stop(PRODUCTION, first.id)
    await stage.until(one=0, two=2)
    await observed(stage, lambda seen: len(seen) == 2)
    assert {one.address.partition(":")[0] for one in await stage.platform.observe(PRODUCTION)} == {two}
    remembered = json.loads((stage.settings.data / "environments" / PRODUCTION / "hosts.json").read_text())
    assert remembered["leaving"] == []


@pytest.mark.real("envoy")
@pytest.mark.parametrize("here", [False, True], ids=["both far", "one on the server's own"])
async def test_services_on_two_hosts_reach_each_other_through_envoy(stage: HostsStage, here: bool) -> None:
    if here:
        stage.named[1] = ContainerHost(f"unix://{socket_path()}", "127.0.0.1")
    router = EnvoyRouter(EnvoySettings(stage.settings.envoy))
    try:
        doors = await router.addresses(PRODUCTION, {"prices": None, "web": None})
        revision = both(stage, doors["prices"].mesh, doors["web"].mesh)
        await stage.platform.run(revision)
        prices, web = await ready(stage, 2)
        assert prices.address.partition(":")[0] != web.address.partition(":")[0]
        assert here == any(one.address.startswith("127.0.0.1:") for one in (prices, web))
        endpoints = {"prices": (prices.address,), "web": (web.address,)}
        await router.set_routes(Routes(PRODUCTION, (Backend(revision.id, 100, endpoints),)))
        await router.observe(PRODUCTION)
        for asking, other in ((web, "prices"), (prices, "web")):
            told = json.loads(await get(asking, "/environment"))[f"{other.upper()}_URL"]
            assert told.startswith(f"http://{stage.server}:")
            answer = json.loads(await get(asking, f"/ask?{told}/environment"))
            assert answer["SERVICE"] == other
    finally:
        await router.close(stop=True)


async def test_a_silent_host_that_is_named_no_more_is_forgotten_and_its_part_moves(stage: HostsStage) -> None:
    machine, (silent, _) = stage.machines[0], list(stage.named)
    one, two = stage.engines
    revision = stage.revision("one", replicas=2)
    await stage.platform.run(revision)
    await ready(stage, 2)
    machine.kill_sshd()
    try:
        await unseen(stage)
        stage.named.remove(silent)
        assert await stage.spread() == Counter({two: 1})
        assert stage.platform.unseen(PRODUCTION) == ()
        await stage.platform.run(revision)
        await ready(stage, 2)
        assert await stage.spread() == Counter({two: 2})
        assert await stage.containers() == Counter({one: 1, two: 2})
    finally:
        machine.start("sshd")
    stage.named.append(silent)
    await observed(stage, lambda seen: len(seen) == 2)
    await stage.until(one=0, two=2)


@pytest.mark.real("docker-registry")
async def test_a_host_pulls_what_it_has_not_with_the_login_of_the_server(stage: HostsStage) -> None:
    machine, name = stage.machines[0], "127.0.0.1:5000/shop/web"
    engine, access = stage.engines[machine.address], Access(name, USER, PASSWORD)
    machine.start_registry(HTPASSWD)
    try:
        digest = await pushed(DockerImages(machine.socket), stage.image, access)
        for one in (f"{name}@{digest}", f"{name}:v1"):
            await engine.json("DELETE", f"/images/{one}", {"noprune": "1"}, accept=(404,))
        stage.login, stage.named = partial(known, access), stage.named[:1]
        await stage.restart()
        await stage.platform.run(stage.revision("one", image=f"{name}@{digest}"))
        await ready(stage, 1)
        assert "Id" in await engine.json("GET", f"/images/{name}@{digest}/json")
    finally:
        machine.stop_registry()


async def pushed(images: DockerImages, image: str, access: Access) -> str:
    async with asyncio.timeout(20):
        while True:  # the registry has only just been started
            try:
                return await images.push(image, access, "v1")
            except AdapterError:
                await asyncio.sleep(0.05)


async def known(access: Access, application: str, image: str) -> Access:
    return access


@pytest.mark.parametrize(
    ("change", "remedy"),
    [
        (("UserKnownHostsFile ", "UserKnownHostsFile /nonexistent"), "and accept its key: ssh -F"),
        (("IdentityFile ", "IdentityFile /nonexistent"), "authorized_keys must hold a key of this server's user"),
    ],
)
async def test_a_host_that_is_not_trusted_or_does_not_trust_us(
    two: Two, tmp_path: Path, change: tuple[str, str], remedy: str
) -> None:
    (host, *_), config = two
    (tmp_path / "config").write_text(config.read_text().replace(*change))
    engine = DockerEngine(way=Tunnel(host.engine, tmp_path / "config"))
    try:
        with pytest.raises(AdapterError, match=r"cannot be reached \((Host key|No ED25519|root@).*" + remedy):
            await engine.json("GET", "/version")
    finally:
        await engine.close()


def both(stage: HostsStage, prices: str, web: str) -> Revision:
    revision = stage.revision("one")
    (one,) = revision.services
    first = replace(one, env={**one.env, "PRICES_URL": Value("plain", prices)})
    second = replace(one, name="prices", env={**one.env, "WEB_URL": Value("plain", web)})
    return replace(revision, services=(first, second))


async def test_without_an_address_of_the_server_they_are_refused(stage: HostsStage) -> None:
    stage.server = ""
    with pytest.raises(AdapterError, match="several services on other hosts need `server` beside `hosts`"):
        await stage.platform.run(both(stage, "http://127.0.0.1:1", "http://127.0.0.1:2"))
