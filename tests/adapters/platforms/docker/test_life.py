"""How containers die, stop, and are left alone."""

import asyncio
import socket
from datetime import timedelta
from pathlib import Path

import pytest
from tests.adapters.platforms.docker.stage import DockerStage, staged
from tests.adapters.platforms.process.stage import get

from headgate.adapters.platforms.docker import DockerPlatform
from headgate.adapters.platforms.docker.containers import labels, read_labels
from headgate.ports import AdapterError
from headgate.testing.contracts.platform import PRODUCTION, STAGING, observed, ready

pytestmark = pytest.mark.real("dockerd")


async def test_a_crash_loop_is_told_with_its_last_lines(stage: DockerStage) -> None:
    revision = stage.revision("one", behaviour="crash")
    for _ in range(200):
        await stage.platform.run(revision)
        (one,) = await stage.platform.observe(PRODUCTION)
        if one.restarts >= 2:
            break
        await stage.wait(0.05)
    assert one.restarts >= 2
    assert "exited with code 3 after " in one.detail
    assert one.detail.endswith("; last lines: no table 'tariffs'"), "of this life, not of all"


async def test_the_engines_version_is_told(stage: DockerStage) -> None:
    await stage.platform.run(stage.revision("one"))
    about = await stage.engine.json("GET", "/version")
    assert await stage.platform.version(PRODUCTION) == f"Docker {about['Version']} (linux/{about['Arch']})"


async def test_a_container_removed_by_hand_is_made_again(stage: DockerStage) -> None:
    revision = stage.revision("one")
    await stage.platform.run(revision)
    (one,) = await ready(stage, 1)
    await stage.engine.json("DELETE", f"/containers/{stage.name(one.id)}", {"force": "1"})
    await observed(stage, lambda seen: not seen)
    await stage.platform.run(revision)
    await ready(stage, 1)


async def test_what_was_restarted_by_hand_is_found_again(stage: DockerStage) -> None:
    """And is not called ready for having been ready before, also when its death was not heard of."""
    await stage.platform.run(stage.revision("one", behaviour="late"))
    (before,) = await ready(stage, 1)
    (slot,) = (await stage.platform._place(PRODUCTION)).fleet.slots.values()
    async with slot._changing:  # what the engine tells is read when it runs again already
        await stage.engine.json("POST", f"/containers/{stage.name(before.id)}/restart")
    await slot.refresh()
    assert slot.seen().state == "starting"
    (one,) = await ready(stage, 1)
    assert await get(one, "/healthz") == "ok"


async def test_the_port_of_a_dead_one_is_nobody_elses(stage: DockerStage) -> None:
    """Envoy may still send there."""
    revision = stage.revision("one")
    await stage.platform.run(revision)
    (one,) = await ready(stage, 1)
    await stage.kill(one)
    await observed(stage, lambda seen: seen[0].state == "exited")
    await stage.platform.run(stage.revision("two", environment=STAGING, replicas=2))
    others = {other.address for other in await stage.platform.observe(STAGING)}
    assert len(others) == 2
    assert one.address not in others
    await stage.wait(0.5)
    await stage.platform.run(revision)
    (again,) = await ready(stage, 1)
    assert again.address == one.address


async def test_a_port_that_someone_took_meanwhile_is_given_up(stage: DockerStage) -> None:
    revision = stage.revision("one")
    await stage.platform.run(revision)
    (one,) = await ready(stage, 1)
    await stage.kill(one)
    await observed(stage, lambda seen: seen[0].state == "exited")
    with socket.create_server(("127.0.0.1", int(one.address.rpartition(":")[2]))):
        await stage.wait(0.5)
        with pytest.raises(AdapterError, match=r"already (allocated|in use)"):
            await stage.platform.run(revision)
        await stage.platform.run(revision)
        (again,) = await ready(stage, 1)
    assert again.address != one.address


async def test_a_request_in_flight_is_answered_and_the_log_is_kept(stage: DockerStage) -> None:
    revision = stage.revision("one")
    await stage.platform.run(revision)
    (one,) = await ready(stage, 1)
    await get(one, "/print?goodbye")
    answer = asyncio.create_task(get(one, "/slow?0.8"))
    await stage.wait(0.2)
    await stage.platform.stop(PRODUCTION, revision.id)
    assert await answer == "ok"
    await observed(stage, lambda seen: not seen)
    kept = [line async for line in stage.platform.logs(PRODUCTION, "web", 10, follow=False)]
    assert f"{one.id} | goodbye" in kept


async def test_what_does_not_listen_is_ended_by_force(tmp_path: Path) -> None:
    async with staged(tmp_path, grace=timedelta(seconds=0.5)) as stage:
        revision = stage.revision("one", behaviour="deaf")
        await stage.platform.run(revision)
        await ready(stage, 1)
        await stage.platform.stop(PRODUCTION, revision.id)
        assert [one.state for one in await stage.platform.observe(PRODUCTION)] == ["stopping"]
        await observed(stage, lambda seen: not seen)


async def test_new_lines_are_followed_also_of_what_comes_later(stage: DockerStage) -> None:
    one = stage.revision("one")
    await stage.platform.run(one)
    (first,) = await ready(stage, 1)
    followed: list[str] = []

    async def follow() -> None:
        async for line in stage.platform.logs(PRODUCTION, None, 10, follow=True):
            followed.append(line)  # noqa: PERF401 - read while it grows

    following = asyncio.create_task(follow())
    await stage.wait(0.3)
    await get(first, "/print?first")
    await stage.platform.run(stage.revision("two"))
    second = next(seen for seen in await ready(stage, 2) if seen.id != first.id)
    await get(second, "/print?second")
    wanted = {f"{first.id} | first", f"{second.id} | second"}
    for _ in range(100):
        if wanted <= set(followed):
            break
        await stage.wait(0.05)
    following.cancel()
    assert sorted(followed) == sorted(wanted), "each line once"


async def test_strangers_are_never_touched(stage: DockerStage, tmp_path: Path) -> None:
    """Another server's, one without labels, and one that has our labels from an image made of ours."""
    revision = stage.revision("one")
    await stage.platform.run(revision)
    (one,) = await ready(stage, 1)
    ours = (await stage.inspect(one.id))["Config"]["Labels"]
    tag = read_labels(ours)
    assert tag is not None
    named = {"bare": {}, "inherited": ours, "another": labels("ffffffff", tag)}
    names = {f"headgate-test-stranger-{stage.platform.server}-{name}": given for name, given in named.items()}
    try:
        for name, given in names.items():
            body = {"Image": stage.image, "Labels": given, "Env": ["PORT=8000"], "HostConfig": {"NetworkMode": "none"}}
            await stage.engine.json("POST", "/containers/create", {"name": name}, body)
            await stage.engine.json("POST", f"/containers/{name}/start")
        await stage.restart()
        assert [seen.id for seen in await stage.platform.observe(PRODUCTION)] == [one.id]
        await stage.platform.stop_all(PRODUCTION)
        for name in names:
            found = await stage.engine.json("GET", f"/containers/{name}/json")
            assert found["State"]["Running"], name
    finally:
        for name in names:
            await stage.engine.json("DELETE", f"/containers/{name}", {"force": "1"}, accept=(404,))


async def test_two_servers_of_one_engine_do_not_see_each_other(stage: DockerStage, tmp_path: Path) -> None:
    revision = stage.revision("one")
    await stage.platform.run(revision)
    await ready(stage, 1)
    settings = stage.settings.model_copy(update={"data": tmp_path / "other"})
    other = DockerPlatform(settings)
    try:
        assert list(await other.observe(PRODUCTION)) == []
        await other.stop(PRODUCTION, revision.id)
        await other.stop_all(PRODUCTION)
    finally:
        await other.close()
    await ready(stage, 1)


async def test_what_an_environment_keeps_goes_only_when_that_is_asked_for(stage: DockerStage) -> None:
    await stage.platform.run(stage.revision("one"))
    await ready(stage, 1)
    await stage.platform.stop_all(PRODUCTION)
    volume = f"/volumes/{stage.name('').rstrip('.')}"
    assert (await stage.engine.json("GET", volume))["Labels"]
    await stage.platform.remove_data(PRODUCTION)
    assert "Labels" not in await stage.engine.json("GET", volume, accept=(404,))
