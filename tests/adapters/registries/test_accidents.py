"""A registry that is down, full, slow, or lies: a sentence that names the step, and nothing that counts as made."""

import asyncio
import hashlib
import json
import os
import subprocess
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web
from tests.adapters.registries.proxy import Proxy, proxied
from tests.adapters.registries.server import RegistryServer
from tests.adapters.registries.yard import Counting, Yard, dockerfile

from headgate.adapters.registries.docker.registry import DockerRegistry
from headgate.ports import AdapterError

pytestmark = [pytest.mark.real("docker-registry"), pytest.mark.usefixtures("docker")]
SOON = timedelta(seconds=2)


@pytest.fixture
def files() -> dict[str, str]:
    return {"Dockerfile": dockerfile("COPY file /"), "file": uuid.uuid4().hex}


@pytest.fixture
async def proxy(plain: RegistryServer) -> AsyncIterator[Proxy]:
    async with proxied(plain.url) as made:
        yield made


@pytest.fixture
def yard(tmp_path: Path, proxy: Proxy) -> Yard:
    return Yard(tmp_path, {"url": proxy.url}, DockerRegistry(patience=SOON))


async def refused(yard: Yard, files: dict[str, str], match: str) -> None:
    """Not made, and not taken for made afterwards."""
    order = yard.order(files)
    with pytest.raises(AdapterError, match=match):
        await yard.images.make(order)
    builds = yard.engine.builds
    with pytest.raises(AdapterError, match=match):
        await yard.again().make(order)
    assert yard.engine.builds == builds + 1


async def mended(yard: Yard, proxy: Proxy, files: dict[str, str]) -> None:
    proxy.rule, proxy.refuse, proxy.hold = None, lambda request: None, lambda request: False
    made = await yard.again().make(yard.order(files))
    assert await yard.registry.resolve(yard.web, "c" * 40) == made.digest


class TestDown:
    async def test_before_the_push(self, yard: Yard, plain: RegistryServer, files: dict[str, str]) -> None:
        settings = {"url": plain.url}
        down = Yard(yard.folder, settings)
        plain.stop()
        await refused(down, files, r"image of web at ccccccc: pushing: .*connection refused")
        plain.start()
        assert await down.images.make(down.order(files))

    async def test_after_it(self, yard: Yard, plain: RegistryServer, files: dict[str, str]) -> None:
        down = Yard(yard.folder, {"url": plain.url})
        made = await down.images.make(down.order(files))
        plain.stop()
        with pytest.raises(AdapterError, match=r"cannot be reached .*see that it runs"):
            await down.registry.exists(down.web, made.digest)
        plain.start()
        assert await down.registry.exists(down.web, made.digest)


class TestSlow:
    async def test_an_answer_that_does_not_come_is_given_up(
        self, yard: Yard, proxy: Proxy, files: dict[str, str]
    ) -> None:
        made = await yard.images.make(yard.order(files))
        proxy.hold = lambda request: "/manifests/" in request.path
        with pytest.raises(AdapterError, match="did not answer within 2 s"):
            await yard.registry.exists(yard.web, made.digest)
        proxy.go_on.set()
        await mended(yard, proxy, files)

    async def test_a_push_that_does_not_end_is_given_up(
        self, yard: Yard, proxy: Proxy, files: dict[str, str]
    ) -> None:
        proxy.hold = lambda request: request.method in ("PATCH", "PUT")
        engine = Counting(pushing=SOON)
        yard.registry = DockerRegistry(engine)
        with pytest.raises(AdapterError, match=r"pushing: Docker did not push to 127\.0\.0\.1:\d+/shop/web within 2 s"):
            await yard.again().make(yard.order(files))
        proxy.go_on.set()
        yard.registry = DockerRegistry()
        await mended(yard, proxy, files)

    async def test_a_push_that_was_killed_is_repeated(self, yard: Yard, proxy: Proxy, files: dict[str, str]) -> None:
        proxy.hold = lambda request: request.method in ("PATCH", "PUT")
        making = asyncio.create_task(yard.images.make(yard.order(files)))
        async with asyncio.timeout(20):
            await proxy.held.wait()
        making.cancel()
        await asyncio.gather(making, return_exceptions=True)
        assert await yard.registry.tags(yard.web) == {}
        proxy.go_on.set()
        await mended(yard, proxy, files)


def fill(folder: Path) -> None:
    """Until not a byte more can be written there."""
    with (folder / "filler").open("wb", buffering=0) as filler, suppress(OSError):
        while True:
            filler.write(b"x" * 4096)


class TestFull:
    @pytest.fixture
    def small(self, tmp_path: Path) -> Iterator[Path]:
        """A disk of one MiB."""
        folder = tmp_path / "small"
        folder.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
        if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("only root may mount a disk that is soon full")
        yield folder
        subprocess.run(["umount", "--lazy", str(folder)], check=True)

    async def test_a_disk_that_is_full(self, small: Path, tmp_path: Path, files: dict[str, str]) -> None:
        # Full between two pushes of the same layer: a layer that is refused is sent again by Docker itself after 5, 10,
        # 15 and 20 s, which cannot be set; what it sends after the layers is not.
        server = RegistryServer(small / "registry")
        yard = Yard(tmp_path, {"url": server.url})
        order = yard.order(files)
        try:
            first = await yard.images.make(order)
            fill(small)
            with pytest.raises(AdapterError, match=r"image of web at ddddddd: pushing: ") as told:
                await yard.images.make(replace(order, commit="d" * 40, tree="d" * 40))
            assert "its disk may be full" in str(told.value)
            assert {*(await yard.registry.tags(yard.web)).values()} == {first.digest}
        finally:
            server.stop()

    async def test_a_registry_that_says_so(self, yard: Yard, proxy: Proxy, files: dict[str, str]) -> None:
        proxy.refuse = lambda request: (
            web.json_response({"errors": [{"code": "DENIED", "message": "quota exceeded"}]}, status=507)
            if request.method == "PUT" and "/manifests/" in request.path
            else None
        )
        await refused(yard, files, r"pushing: .*507 Insufficient Storage; its disk may be full")
        await mended(yard, proxy, files)


class TestLying:
    def lie(self, proxy: Proxy, change: str) -> None:
        async def rule(request: web.Request, true: web.Response) -> web.Response | None:
            if request.method != "GET" or "/manifests/" not in request.path or true.status != 200:
                return None
            headers = {name: value for name, value in true.headers.items() if name.lower() != "content-length"}
            body = bytes(true.body or b"")  # type: ignore[arg-type]
            if change != "header":
                content = json.loads(body)
                content["config"]["digest"] = f"sha256:{hashlib.sha256(b'evil').hexdigest()}"
                body = json.dumps(content).encode()
            if change != "body":
                headers["Docker-Content-Digest"] = f"sha256:{hashlib.sha256(body + b'').hexdigest()}"
            if change == "header":
                headers["Docker-Content-Digest"] = f"sha256:{'0' * 64}"
            return web.Response(status=200, headers=headers, body=body)

        proxy.rule = rule

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            ("body", r"says shop/web is sha256:\w+, and sends sha256:\w+; nothing from it is deployed"),
            ("header", r"says shop/web is sha256:0{64}, and sends sha256:\w+"),
            ("both", r"has something else than was pushed: .* was pushed as sha256:\w+ and read back as sha256:\w+"),
        ],
    )
    async def test_what_is_read_back_must_be_what_was_pushed(
        self, yard: Yard, proxy: Proxy, files: dict[str, str], change: str, told: str
    ) -> None:
        self.lie(proxy, change)
        await refused(yard, files, rf"image of web at ccccccc: pushing: registry http://127.* {told}")
        await mended(yard, proxy, files)

    @pytest.mark.parametrize("change", ["body", "header", "both"])
    async def test_what_was_good_once_is_looked_at_again(
        self, yard: Yard, proxy: Proxy, files: dict[str, str], change: str
    ) -> None:
        made = await yard.images.make(yard.order(files))
        self.lie(proxy, change)
        with pytest.raises(AdapterError, match=r"and sends sha256:\w+; nothing from it is deployed"):
            await yard.registry.exists(yard.web, made.digest)

    async def test_a_manifest_that_was_taken_and_is_not_there(
        self, yard: Yard, proxy: Proxy, files: dict[str, str]
    ) -> None:
        proxy.refuse = lambda request: (
            web.Response(status=404) if request.method == "GET" and "/manifests/" in request.path else None
        )
        await refused(yard, files, r"took 127.* and does not have it")
        await mended(yard, proxy, files)

    async def test_a_layer_that_was_taken_and_is_not_there(
        self, yard: Yard, proxy: Proxy, files: dict[str, str]
    ) -> None:
        pushed = False

        def refuse(request: web.Request) -> web.Response | None:
            nonlocal pushed
            pushed = pushed or (request.method == "PUT" and "/manifests/" in request.path)
            lost = pushed and request.method == "HEAD" and "/blobs/" in request.path
            return web.Response(status=404) if lost else None

        proxy.refuse = refuse
        order = yard.order(files)
        with pytest.raises(AdapterError, match=r"does not have its part sha256:\w+; push it again"):
            await yard.images.make(order)
        await mended(yard, proxy, files)

    @pytest.mark.parametrize("body", [b"hello", b"[]", b"\xff", b"{}"])
    async def test_what_is_no_registry_is_told(
        self, yard: Yard, proxy: Proxy, files: dict[str, str], body: bytes
    ) -> None:
        proxy.refuse = lambda request: web.Response(body=body) if request.method == "GET" else None
        if body == b"{}":
            assert await yard.registry.tags(yard.web) == {}
        else:
            with pytest.raises(AdapterError, match="is no registry"):
                await yard.registry.tags(yard.web)

    async def test_an_answer_without_end_is_cut(self, yard: Yard, proxy: Proxy) -> None:
        proxy.refuse = lambda request: web.Response(body=b"x" * (9 << 20))
        with pytest.raises(AdapterError, match="over 8 MiB"):
            await yard.registry.resolve(yard.web, "v1")
