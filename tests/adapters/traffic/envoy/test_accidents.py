"""What happens to Envoy, to its files and to the instances behind it."""

import asyncio
import json
import os
import resource
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from tests.adapters.traffic.envoy.stage import EnvoyStage, staged

from headgate.adapters.envoy_admin import EnvoySettings, admin_socket, owner
from headgate.adapters.traffic.envoy import EnvoyRouter
from headgate.adapters.traffic.envoy.doors import Ports
from headgate.model.routes import Backend, Routes
from headgate.ports import AdapterError
from headgate.testing.contracts.traffic import CANDIDATE, PRODUCTION, STABLE, STAGING

pytestmark = pytest.mark.real("envoy")


def envoy_of(stage: EnvoyStage) -> int:
    pid = owner(admin_socket(stage.settings.folder))
    assert pid is not None
    return pid


async def web_of(stage: EnvoyStage) -> str:
    return (await stage.router.addresses(PRODUCTION, {"web": None}))["web"].public


def one(weight_of_candidate: int, stable: str, candidate: str) -> Routes:
    shares = ((CANDIDATE, weight_of_candidate, candidate), (STABLE, 100 - weight_of_candidate, stable))
    return Routes(PRODUCTION, tuple(Backend(rev, weight, {"web": (at,)}) for rev, weight, at in shares))


async def two(stage: EnvoyStage) -> tuple[str, str]:
    return await stage.instance("stable"), await stage.instance("candidate")


async def test_envoy_outlives_the_router_and_is_adopted(stage: EnvoyStage) -> None:
    await stage.router.set_routes(one(100, *await two(stage)))
    first = envoy_of(stage)
    await stage.restart()
    await stage.router.observe(PRODUCTION)
    assert envoy_of(stage) == first
    assert os.getsid(first) == first, "it has a session of its own"


async def test_envoy_killed_comes_back_with_the_same_routes(stage: EnvoyStage) -> None:
    routes = one(100, *await two(stage))
    await stage.router.set_routes(routes)
    url = await web_of(stage)
    first = envoy_of(stage)
    os.kill(first, signal.SIGKILL)
    started = time.monotonic()
    seen = await stage.router.observe(PRODUCTION)
    assert seen.routes == routes
    assert envoy_of(stage) != first
    assert (await stage.ask(url)).by == "candidate"
    assert time.monotonic() - started < 5


async def test_envoy_killed_is_started_by_a_change_too(stage: EnvoyStage) -> None:
    stable, candidate = await two(stage)
    await stage.router.set_routes(one(0, stable, candidate))
    os.kill(envoy_of(stage), signal.SIGKILL)
    await stage.router.set_routes(one(100, stable, candidate))
    assert (await stage.router.observe(PRODUCTION)).routes == one(100, stable, candidate)


async def test_two_routers_start_one_envoy(stage: EnvoyStage) -> None:
    other = EnvoyRouter(stage.settings)
    found = await asyncio.gather(*(router.addresses(PRODUCTION, {"web": None}) for router in (stage.router, other)))
    await other.close()
    assert found[0] == found[1]


async def test_an_envoy_that_cannot_start_is_not_tried_all_the_time(tmp_path: Path) -> None:
    broken = tmp_path / "envoy"
    broken.write_text("#!/bin/sh\necho started >> " + str(tmp_path / "starts") + "\necho no such luck >&2\nexit 3\n")
    broken.chmod(0o755)
    router = EnvoyRouter(EnvoySettings(tmp_path / "data", binary=broken))
    messages = []
    for _ in range(20):
        with pytest.raises(AdapterError) as raised:
            await router.observe(PRODUCTION)
        messages.append(str(raised.value))
        await asyncio.sleep(0.02)
    await router.close()
    assert len((tmp_path / "starts").read_text().split()) <= 2
    assert "code 3" in messages[0]
    assert all("no such luck" in message for message in messages)


async def test_a_missing_envoy_is_named(tmp_path: Path) -> None:
    router = EnvoyRouter(EnvoySettings(tmp_path / "data", binary=tmp_path / "nothing"))
    with pytest.raises(AdapterError, match="nothing"):
        await router.observe(PRODUCTION)
    await router.close()


async def test_a_port_that_someone_has_is_named(stage: EnvoyStage) -> None:
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        port = squatter.getsockname()[1]
        with pytest.raises(AdapterError, match=rf"(?s)(?=.*pcw/production)(?=.*{port})(?=.*[Ff]ree the port)"):
            await stage.router.addresses(PRODUCTION, {"web": port})
    assert str(port) in (await stage.router.addresses(PRODUCTION, {"web": port}))["web"].public


async def test_a_port_that_another_server_took_first_is_given_up_for_another(
    stage: EnvoyStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two servers that start together find the same port free; the slower one takes the next."""
    with socket.socket() as quicker:
        allocate, ports = Ports.allocate, []

        def raced(self: Ports, door: str) -> int:
            ports.append(allocate(self, door))
            if len(ports) == 1:
                quicker.bind(("127.0.0.1", ports[0]))
                quicker.listen()
            return ports[-1]

        monkeypatch.setattr(Ports, "allocate", raced)
        address = (await stage.router.addresses(PRODUCTION, {"web": None}))["web"]
        urls = [address.public, address.mesh, address.preview]
        assert not any(url.endswith(f":{ports[0]}") for url in urls)
        assert [(await stage.ask(url)).status for url in urls] == [503, 503, 503], "Envoy listens on all of them"


async def test_a_port_taken_while_envoy_was_away_is_named(stage: EnvoyStage) -> None:
    stable, candidate = await two(stage)
    await stage.router.set_routes(one(0, stable, candidate))
    other = (await stage.router.addresses(STAGING, {"web": None}))["web"]
    url = await web_of(stage)
    await stage.router.close(stop=True)
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        squatter.bind(("127.0.0.1", int(url.rpartition(":")[2])))
        squatter.listen()
        await stage.restart()
        with pytest.raises(AdapterError, match=url.rpartition(":")[2]):
            await web_of(stage)
        assert (await stage.ask(other.public)).status == 503, "the other environment is served all the same"
    assert await web_of(stage) == url
    assert (await stage.ask(url)).by == "stable"


async def test_the_public_port_may_be_changed(stage: EnvoyStage) -> None:
    stable, candidate = await two(stage)
    await stage.router.set_routes(one(0, stable, candidate))
    before = await web_of(stage)
    port = stage.free_port()
    after = (await stage.router.addresses(PRODUCTION, {"web": port}))["web"].public
    assert after == f"http://127.0.0.1:{port}" != before
    assert (await stage.ask(after)).by == "stable"


async def test_only_the_owner_reaches_the_admin_interface(stage: EnvoyStage) -> None:
    await web_of(stage)
    folder = stage.settings.folder
    assert admin_socket(folder).stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    with open("/proc/net/tcp") as table:
        listening = [line.split() for line in table.readlines()[1:] if line.split()[3] == "0A"]
    mine = set(_sockets(envoy_of(stage)))
    hosts = {fields[1].split(":")[0] for fields in listening if f"socket:[{fields[9]}]" in mine}
    assert hosts == {"0100007F"}, "it listens on 127.0.0.1 and nowhere else"


def _sockets(pid: int) -> Iterator[str]:
    for one in os.scandir(f"/proc/{pid}/fd"):
        with suppress(FileNotFoundError):
            yield os.readlink(one.path)


async def test_a_long_data_folder_is_no_obstacle(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 20) / ("longer" * 20)
    router = EnvoyRouter(EnvoySettings(folder))
    try:
        await router.addresses(PRODUCTION, {"web": None})
        assert len(str(admin_socket(folder))) < 100
    finally:
        await router.close(stop=True)


async def edit(stage: EnvoyStage, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the route of users of `quotes` behind the router's back."""
    path = stage.settings.folder / "rds" / "pcw.production.json"
    edited = json.loads(path.read_text())
    quotes = next(host for host in edited["resources"][0]["virtual_hosts"] if host["name"] == "quotes/public")
    change(quotes["routes"][0]["route"])
    edited["version_info"] = "by hand"
    (stage.settings.folder / "drafts" / "edited").write_text(json.dumps(edited))
    (stage.settings.folder / "drafts" / "edited").rename(path)
    await asyncio.sleep(0.2)


async def test_routes_that_someone_edited_are_not_taken_for_set(stage: EnvoyStage) -> None:
    stable, candidate = await two(stage)
    ends = {STABLE: {"quotes": (stable,), "web": (stable,)}, CANDIDATE: {"quotes": (candidate,), "web": (candidate,)}}
    routes = Routes(PRODUCTION, (Backend(CANDIDATE, 10, ends[CANDIDATE]), Backend(STABLE, 90, ends[STABLE])))
    await stage.router.set_routes(routes)
    await edit(stage, lambda route: route["weighted_clusters"]["clusters"][0].update(weight=60))
    seen = (await stage.router.observe(PRODUCTION)).routes
    assert seen is not None
    assert seen != routes
    assert seen.weight(CANDIDATE) == 60
    assert seen.weight(STABLE) == 90, "whoever stops what is not routed to stops neither"
    await stage.router.set_routes(routes)
    assert (await stage.router.observe(PRODUCTION)).routes == routes
    await edit(stage, lambda route: route.update(timeout="1s"))
    assert (await stage.router.observe(PRODUCTION)).routes != routes, "no weight was changed, but something was"


async def test_envoy_is_not_told_to_watch_what_it_cannot(stage: EnvoyStage) -> None:
    """It would abort, and nobody would be served any more."""
    stable, candidate = await two(stage)
    only = Routes(PRODUCTION, (Backend(STABLE, 100, {"web": (stable,)}),))
    await stage.router.set_routes(only)
    first = envoy_of(stage)
    with _no_inotify_left():
        with pytest.raises(AdapterError, match="max_user_instances"):
            await stage.router.set_routes(one(50, stable, candidate))
        with pytest.raises(AdapterError, match="max_user_instances"):
            await stage.router.addresses(STAGING, {"web": None})
        assert (await stage.router.observe(PRODUCTION)).routes == only
    assert envoy_of(stage) == first
    await stage.router.set_routes(one(50, stable, candidate))
    assert (await stage.router.observe(PRODUCTION)).routes == one(50, stable, candidate)


async def test_a_key_hidden_in_baggage_is_found(stage: EnvoyStage) -> None:
    await stage.router.set_routes(one(0, *await two(stage)))
    for hidden in (
        f"a=b,%68eadgate.revision={CANDIDATE}",
        f"HEADGATE.revision={CANDIDATE}",
        f"a=1, headgate.revision ={CANDIDATE}",
    ):
        received = (await stage.ask(await web_of(stage), {"baggage": hidden})).received
        assert received["baggage"] == f"headgate.revision={STABLE}"
    for harmless in ("a=b", "a=b%20c,d=e", "a=b;p=%20"):
        received = (await stage.ask(await web_of(stage), {"baggage": harmless})).received
        assert received["baggage"] == f"{harmless},headgate.revision={STABLE}"


@contextmanager
def _no_inotify_left() -> Iterator[None]:
    """For this process alone: the limit on files says the same as the one on inotify, which all tests here share."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = {int(name) for name in os.listdir("/proc/self/fd")}
    free = [number for number in range(max(taken) + 4) if number not in taken][:1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (free[-1] + 1, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


async def test_what_envoy_refuses_is_told(stage: EnvoyStage) -> None:
    await stage.router.set_routes(one(0, *await two(stage)))
    wrong = Routes(PRODUCTION, (Backend(STABLE, 100, {"web": ("not-an-address:80",)}),))
    stage.router._settings = EnvoySettings(stage.settings.folder, patience=timedelta(seconds=0.5))
    with pytest.raises(AdapterError, match=r"(?s)clusters.*not-an-address"):
        await stage.router.set_routes(wrong)


@pytest.mark.parametrize("torn", ["*ds.json", "rds/*production*", "eds/*production*"])
async def test_damaged_files_are_set_anew(stage: EnvoyStage, torn: str) -> None:
    stable, candidate = await two(stage)
    routes = one(30, stable, candidate)
    other = Routes(STAGING, (Backend(STABLE, 100, {"web": (stable,)}),))
    await stage.router.set_routes(routes)
    await stage.router.set_routes(other)
    await stage.router.close(stop=True)
    for path in stage.settings.folder.glob(torn):
        path.write_text("{ torn")
    await stage.restart()
    assert (await stage.router.observe(PRODUCTION)).routes != routes
    if "production" in torn:
        url = (await stage.router.addresses(STAGING, {"web": None}))["web"].public
        assert (await stage.ask(url)).by == "stable", "the other environment is served all the same"
    await stage.router.set_routes(routes)
    assert (await stage.router.observe(PRODUCTION)).routes == routes
    assert (await stage.ask(await web_of(stage))).status == 200


async def test_a_folder_that_cannot_be_written_is_named(stage: EnvoyStage) -> None:
    stable, candidate = await two(stage)
    await stage.router.set_routes(one(0, stable, candidate))
    drafts = stage.settings.folder / "drafts"
    drafts.rename(stage.settings.folder / "kept")
    drafts.write_text("in the way")
    with pytest.raises(AdapterError, match="cannot be written"):
        await stage.router.set_routes(one(50, stable, candidate))
    assert (await stage.router.observe(PRODUCTION)).routes == one(0, stable, candidate)
    drafts.unlink()
    await stage.router.set_routes(one(50, stable, candidate))


async def test_a_data_folder_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    router = EnvoyRouter(EnvoySettings(tmp_path / "file" / "data"))
    with pytest.raises(AdapterError, match="file"):
        await router.observe(PRODUCTION)
    await router.close()


async def test_one_environment_that_envoy_refuses_does_not_hold_up_another(stage: EnvoyStage) -> None:
    stable, candidate = await two(stage)
    await stage.router.set_routes(one(0, stable, candidate))
    wrong = Routes(STAGING, (Backend(STABLE, 100, {"web": ("not-an-address:80",)}),))
    refused = asyncio.create_task(stage.router.set_routes(wrong))
    await asyncio.sleep(0.2)
    started = time.monotonic()
    await stage.router.set_routes(one(100, stable, candidate))
    assert time.monotonic() - started < 1
    with pytest.raises(AdapterError):
        await refused


async def test_a_revision_that_is_dropped_finishes_its_answers(stage: EnvoyStage) -> None:
    slow = await stage.instance("slow", takes=timedelta(seconds=4))
    quick = await stage.instance("quick")
    await stage.router.set_routes(Routes(PRODUCTION, (Backend(STABLE, 100, {"web": (slow,)}),)))
    url = await web_of(stage)
    asking = [asyncio.create_task(stage.ask(url)) for _ in range(5)]
    await asyncio.sleep(0.3)
    only = Routes(PRODUCTION, (Backend(CANDIDATE, 100, {"web": (quick,)}),))
    await stage.router.set_routes(only)
    assert (await stage.ask(url)).by == "quick"
    for _ in range(12):
        seen = await stage.router.observe(PRODUCTION)
        assert seen.routes == only
        assert seen.active[STABLE] == 5, "it can be seen that it is not idle yet"
        await asyncio.sleep(0.25)
    assert {answer.by for answer in await asyncio.gather(*asking)} == {"slow"}


async def test_clusters_that_nobody_needs_are_removed(stage: EnvoyStage) -> None:
    stable, candidate = await two(stage)
    await stage.router.set_routes(one(50, stable, candidate))
    only = Routes(PRODUCTION, (Backend(CANDIDATE, 100, {"web": (candidate,)}),))
    await stage.router.set_routes(only)
    for _ in range(60):
        if STABLE not in (await stage.router.observe(PRODUCTION)).active:
            break
        await asyncio.sleep(0.1)
    assert STABLE not in (await stage.router.observe(PRODUCTION)).active
    assert not list(stage.settings.folder.glob(f"eds/*{STABLE}*"))
    await stage.router.set_routes(one(50, stable, candidate))
    assert (await stage.router.observe(PRODUCTION)).routes == one(50, stable, candidate)


async def test_an_instance_that_is_gone_costs_no_answer_while_another_is_there(stage: EnvoyStage) -> None:
    alive, dead = await stage.instance("alive"), f"127.0.0.1:{stage.free_port()}"
    ends = {"web": tuple(sorted((alive, dead)))}
    await stage.router.set_routes(Routes(PRODUCTION, (Backend(STABLE, 100, ends),)))
    url = await web_of(stage)
    answers = [await stage.ask(url, method="POST", data=b"x") for _ in range(60)]
    assert Counter(answer.by for answer in answers) == {"alive": 60}


async def _breaks_every_connection() -> tuple[asyncio.Server, str, list[bytes]]:
    """Reads a request and hangs up."""
    seen: list[bytes] = []

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append((await reader.readline()).split()[0])
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    return server, f"127.0.0.1:{server.sockets[0].getsockname()[1]}", seen


async def test_only_what_may_be_sent_twice_is_sent_twice(stage: EnvoyStage) -> None:
    server, address, seen = await _breaks_every_connection()
    alive = await stage.instance("alive")
    ends = {"web": tuple(sorted((alive, address)))}
    await stage.router.set_routes(Routes(PRODUCTION, (Backend(STABLE, 100, ends),)))
    url = await web_of(stage)
    try:
        got = [(await stage.ask(url)).status for _ in range(40)]
        assert set(got) == {200}
        assert seen, "some of them went to the broken instance first"
        seen.clear()
        posted = Counter([(await stage.ask(url, method="POST", data=b"x")).status for _ in range(40)])
        assert posted[503] == len(seen) > 0, "a POST that may have been carried out is not carried out again"
        assert posted[200] == 40 - len(seen)
    finally:
        server.close()


async def test_a_visitor_cannot_make_envoy_repeat_his_posts(stage: EnvoyStage) -> None:
    server, address, seen = await _breaks_every_connection()
    await stage.router.set_routes(Routes(PRODUCTION, (Backend(STABLE, 100, {"web": (address,)}),)))
    wish = {"x-envoy-retry-on": "reset,5xx", "x-envoy-max-retries": "9"}
    try:
        await stage.ask(await web_of(stage), wish, method="POST", data=b"x")
        assert len(seen) == 1
    finally:
        server.close()


async def test_an_instance_that_falls_silent_is_answered_for(tmp_path: Path) -> None:
    async with staged(tmp_path, silence=timedelta(seconds=1)) as stage:
        await _falls_silent(stage)


async def _falls_silent(stage: EnvoyStage) -> None:
    hanging = await stage.instance("hanging", takes=timedelta(seconds=30))
    await stage.router.set_routes(Routes(PRODUCTION, (Backend(STABLE, 100, {"web": (hanging,)}),)))
    started = time.monotonic()
    assert (await stage.ask(await web_of(stage))).status == 504
    assert 0.9 < time.monotonic() - started < 5


async def test_a_long_stream_is_not_cut(tmp_path: Path) -> None:
    async with staged(tmp_path, silence=timedelta(seconds=1)) as stage:
        await _streams_long(stage)


async def _streams_long(stage: EnvoyStage) -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        for _ in range(12):
            await answer.write(b"drop\n")
            await asyncio.sleep(0.3)
        return answer

    app = web.Application()
    app.router.add_get("/", drip)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    stage.instances["drip"] = runner
    address = "{}:{}".format(*runner.addresses[0])
    await stage.router.set_routes(Routes(PRODUCTION, (Backend(STABLE, 100, {"web": (address,)}),)))
    assert (await stage.ask(await web_of(stage))).text == "drop\n" * 12


async def test_websockets_pass(stage: EnvoyStage) -> None:
    async def echo(request: web.Request) -> web.WebSocketResponse:
        talk = web.WebSocketResponse()
        await talk.prepare(request)
        async for message in talk:
            await talk.send_str(message.data + "!")
        return talk

    app = web.Application()
    app.router.add_get("/", echo)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    stage.instances["echo"] = runner
    address = "{}:{}".format(*runner.addresses[0])
    await stage.router.set_routes(Routes(PRODUCTION, (Backend(STABLE, 100, {"web": (address,)}),)))
    async with stage.client.ws_connect(await web_of(stage)) as talk:
        await talk.send_str("hello")
        assert (await talk.receive()).data == "hello!"


async def test_large_uploads_pass(stage: EnvoyStage) -> None:
    await stage.router.set_routes(one(0, *await two(stage)))
    answer = await stage.ask(await web_of(stage), method="POST", data=b"x" * 20_000_000)
    assert answer.by == "stable"


async def test_x_request_id_is_made_by_envoy(stage: EnvoyStage) -> None:
    """A visitor who chose it would choose his bucket."""
    await stage.router.set_routes(one(0, *await two(stage)))
    answer = await stage.ask(await web_of(stage), {"x-request-id": "lucky"})
    assert len(answer.received["x-request-id"]) == 36


async def test_headers_with_underscores_are_dropped(stage: EnvoyStage) -> None:
    """Some servers would read them as the dashed header that we set."""
    await stage.router.set_routes(one(0, *await two(stage)))
    answer = await stage.ask(await web_of(stage), {"x_headgate_revision": CANDIDATE})
    assert "x_headgate_revision" not in answer.received
    assert answer.received["x-headgate-revision"] == STABLE


@pytest.mark.timeout(120)
async def test_no_request_fails_while_weights_switch_and_instances_change(stage: EnvoyStage) -> None:
    stable, candidate = await two(stage)
    more = await stage.instance("stable")
    await stage.router.set_routes(one(0, stable, candidate))
    url = await web_of(stage)
    until = time.monotonic() + 4
    failed: list[str] = []
    by: Counter[str] = Counter()

    async def visit(client: aiohttp.ClientSession) -> None:
        while time.monotonic() < until:
            try:
                async with client.get(url) as answer:
                    by[json.loads(await answer.text()).get("by", "")] += 1
                    if answer.status != 200:
                        failed.append(str(answer.status))
            except (aiohttp.ClientError, OSError) as error:
                failed.append(repr(error))

    async def change() -> None:
        turn = 0
        while time.monotonic() < until:
            turn += 1
            ends = {"web": tuple(sorted((stable, more)[: 1 + turn % 2]))}
            weight = (0, 5, 50, 100)[turn % 4]
            backends = (Backend(CANDIDATE, weight, {"web": (candidate,)}), Backend(STABLE, 100 - weight, ends))
            await stage.router.set_routes(Routes(PRODUCTION, backends))
            await asyncio.sleep(0.03)

    async with aiohttp.ClientSession() as client:
        await asyncio.gather(change(), *(visit(client) for _ in range(8)))
    assert failed == []
    assert by["stable"] > 100
    assert by["candidate"] > 100
