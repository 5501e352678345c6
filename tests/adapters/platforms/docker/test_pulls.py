"""An image that is not there is pulled by its digest: with the login, once; what goes wrong is told with a remedy."""

import hashlib
import json
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from tests.adapters.platforms.docker.stage import DockerStage
from tests.adapters.registries.proxy import Proxy, proxied
from tests.adapters.registries.server import PASSWORD, USER, RegistryServer
from tests.adapters.registries.stage import tar_of

from headgate.adapters.docker_engine import DockerEngine
from headgate.adapters.docker_images import DockerImages
from headgate.adapters.platforms.docker.pulls import Pull
from headgate.ports import Access, AdapterError, Away, no_login
from headgate.testing.contracts.platform import PRODUCTION, observed, ready

REAL = pytest.mark.real("dockerd", "docker-registry")
DIGEST = f"sha256:{'1' * 64}"


@dataclass
class Shelf:
    """A registry with a login and one image, which the engine has not; a proxy counts what is asked for."""

    stage: DockerStage
    server: RegistryServer
    proxy: Proxy
    access: Access
    reference: str = ""
    asked: int = 0

    async def fill(self) -> None:
        digest = await DockerImages().push(self.stage.image, self.access, "v1")
        self.reference = f"{self.access.name}@{digest}"
        await self.empty()
        self.proxy.refuse = self.count

    async def empty(self) -> None:
        """Out of the engine; its layers stay there, under another name."""
        for name in (self.reference, f"{self.access.name}:v1"):
            await self.stage.engine.json("DELETE", f"/images/{name}", {"noprune": "1"}, accept=(404, 409))

    def count(self, request: web.Request) -> web.Response | None:
        self.asked += 1
        return None

    async def login(self, application: str, image: str) -> Access | None:
        assert (application, image) == ("pcw", self.reference)
        return self.access


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    made = RegistryServer(tmp_path_factory.mktemp("registry"), login=True)
    yield made
    made.stop()


@pytest.fixture
async def shelf(stage: DockerStage, server: RegistryServer) -> AsyncIterator[Shelf]:
    async with proxied(server.url) as proxy:
        name = f"{proxy.url.removeprefix('http://')}/shop/web"
        made = Shelf(stage, server, proxy, Access(name, USER, PASSWORD))
        await made.fill()
        stage.login = made.login
        await stage.restart()
        yield made
        proxy.go_on.set()
        await stage.clear()
        await made.empty()


@REAL
class TestPull:
    async def test_once_and_with_the_login(self, shelf: Shelf) -> None:
        stage = shelf.stage
        await stage.platform.run(stage.revision("one", image=shelf.reference))
        (one,) = await ready(stage, 1)
        image = (await stage.inspect(one.id))["Image"]
        found = await stage.engine.json("GET", f"/images/{image}/json")
        assert shelf.reference in found["RepoDigests"]
        asked = shelf.asked
        assert asked
        await stage.platform.run(stage.revision("two", image=shelf.reference))
        await ready(stage, 2)
        assert shelf.asked == asked

    async def test_what_takes_long_is_shown_and_goes_on_by_itself(self, shelf: Shelf) -> None:
        stage, proxy = shelf.stage, shelf.proxy
        proxy.hold = lambda request: "/manifests/" in request.path
        revision = stage.revision("one", replicas=2, image=shelf.reference)
        await stage.platform.run(revision)
        seen = await stage.platform.observe(PRODUCTION)
        assert [(one.state, one.id) for one in seen] == [("starting", f"web.{revision.id}.{n}") for n in (1, 2)]
        assert "its image is being pulled" in seen[0].detail
        await stage.platform.run(revision)
        assert len(await stage.platform.observe(PRODUCTION)) == 2
        proxy.go_on.set()
        await ready(stage, 2)

    async def test_a_stop_ends_it(self, shelf: Shelf) -> None:
        stage = shelf.stage
        shelf.proxy.hold = lambda request: "/manifests/" in request.path
        revision = stage.revision("one", image=shelf.reference)
        await stage.platform.run(revision)
        await stage.platform.stop(PRODUCTION, revision.id)
        assert list(await stage.platform.observe(PRODUCTION)) == []
        shelf.proxy.go_on.set()
        await stage.wait(0.5)
        assert list(await stage.platform.observe(PRODUCTION)) == []

    async def test_what_fails_late_is_told_to_who_asks_next(self, shelf: Shelf) -> None:
        stage, proxy = shelf.stage, shelf.proxy
        proxy.hold = lambda request: "/manifests/" in request.path
        revision = stage.revision("one", image=shelf.reference)
        await stage.platform.run(revision)
        proxy.refuse = lambda request: web.Response(status=404) if "/manifests/" in request.path else None
        proxy.go_on.set()
        await observed(stage, lambda seen: not seen)
        with pytest.raises(AdapterError, match="could not pull the image"):
            await stage.platform.run(revision)
        proxy.refuse, proxy.hold = lambda request: None, lambda request: False
        await stage.platform.run(revision)
        await ready(stage, 1)


@REAL
class TestRefused:
    async def refused(self, shelf: Shelf, told: str, image: str = "", away: bool = False) -> None:
        stage, image = shelf.stage, image or shelf.reference
        host = shelf.access.name.partition("/")[0]
        begin = "pcw/production, service web: "
        begin += f"this machine could not pull the image {image} from the registry {host}: "
        with pytest.raises(AdapterError, match=begin) as error:
            await stage.platform.run(stage.revision("one", image=image))
        assert told in str(error.value)
        assert isinstance(error.value, Away) is away
        assert PASSWORD not in str(error.value)
        assert list(await stage.platform.observe(PRODUCTION)) == []

    async def test_a_wrong_password(self, shelf: Shelf) -> None:
        shelf.access = Access(shelf.access.name, USER, f"not-{PASSWORD}")
        await self.refused(shelf, "Check the login in `registry` of the file")

    async def test_no_login_for_a_registry_that_is_not_the_application_s(self, shelf: Shelf) -> None:
        shelf.stage.login = no_login
        await shelf.stage.restart()
        await self.refused(shelf, "It is not the registry that the file names")

    async def test_an_image_that_was_deleted(self, shelf: Shelf) -> None:
        shelf.reference = f"{shelf.access.name}@{DIGEST}"
        await self.refused(shelf, "It was deleted there, or never pushed: release the commit again")

    async def test_a_registry_that_is_down(self, shelf: Shelf, server: RegistryServer) -> None:
        shelf.reference = f"127.0.0.1:1/shop/web@{DIGEST}"
        shelf.access = Access("127.0.0.1:1/shop/web")
        await self.refused(shelf, "See that it runs, and that this machine reaches it", away=True)

    async def test_a_registry_that_lies(self, shelf: Shelf, tmp_path: Path) -> None:
        """Of an image that is new to the engine: a manifest that it ever pulled it does not ask for again."""
        fresh = tar_of(tmp_path, Dockerfile="FROM scratch\nCOPY file /\n", file=uuid.uuid4().hex)
        shelf.stage.image = await DockerImages().build(fresh, {})
        await shelf.fill()
        await shelf.stage.engine.json("DELETE", f"/images/{shelf.stage.image}", accept=(404,))

        async def other(request: web.Request, true: web.Response) -> web.Response | None:
            if request.method != "GET" or "/manifests/" not in request.path or true.status != 200:
                return None
            content = {**json.loads(bytes(true.body or b"")), "annotations": {"a": "b"}}  # type: ignore[arg-type]
            headers = {name: true.headers[name] for name in ("Content-Type", "Docker-Content-Digest")}
            return web.Response(body=json.dumps(content).encode(), headers=headers)

        shelf.proxy.rule = other
        await self.refused(shelf, "is not what its digest says, and nothing of it runs")

    async def test_a_login_that_cannot_be_had(self, shelf: Shelf) -> None:
        async def unset(application: str, image: str) -> Access | None:
            raise AdapterError("set the variable REGISTRY_LOGIN")

        shelf.stage.login = unset
        await shelf.stage.restart()
        with pytest.raises(AdapterError, match=r"service web: the image .* cannot be pulled: set the variable"):
            await shelf.stage.platform.run(shelf.stage.revision("one", image=shelf.reference))

    async def test_one_that_does_not_end(self, shelf: Shelf) -> None:
        shelf.proxy.hold = lambda request: "/manifests/" in request.path
        shelf.stage.settings = shelf.stage.settings.model_copy(update={"pulling": timedelta(seconds=0.5)})
        await shelf.stage.restart()
        await self.refused(shelf, "after 0.5 s", away=True)


class TestTold:
    """What an engine says while it pulls, from one that is made up."""

    @pytest.fixture
    async def engine(self, tmp_path: Path) -> AsyncIterator[tuple[DockerEngine, list[dict[str, Any]]]]:
        said: list[dict[str, Any]] = []

        async def answer(request: web.Request) -> web.Response:
            if request.path == "/version":
                return web.json_response({"ApiVersion": "1.41"})
            return web.Response(text="\n".join(map(json.dumps, said)))

        app = web.Application()
        app.router.add_route("*", "/{rest:.*}", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.UnixSite(runner, str(tmp_path / "d.sock")).start()
        made = DockerEngine(f"unix://{tmp_path}/d.sock")
        yield made, said
        await made.close()
        await runner.cleanup()

    @pytest.mark.parametrize(
        ("said", "remedy"),
        [
            ("write /x: no space left on device", "host b has no room for it"),
            ("filesystem layer verification failed for digest sha256:1", "not what its digest says"),
            ("x509: certificate signed by unknown authority", "/etc/docker/certs.d/r.example.org/ca.crt"),
            ("dial tcp: lookup r.example.org: no such host", "host b reaches it"),
            ("toomanyrequests", "Check the login"),
        ],
    )
    async def test_each_trouble_has_a_remedy(self, engine: Any, said: str, remedy: str) -> None:
        made, messages = engine
        messages.append({"errorDetail": {"message": said}, "error": said})
        access = Access("r.example.org/shop/web", "ada", hashlib.sha256(b"x").hexdigest())
        pull = Pull("shop/qa, service web", f"r.example.org/shop/web@{DIGEST}", "host b", access, timedelta(seconds=5))
        with pytest.raises(AdapterError, match=remedy) as told:
            await pull.run(made)
        assert said in str(told.value)
        assert access.password not in str(told.value)

    async def test_how_far_it_is(self, engine: Any) -> None:
        made, messages = engine
        messages += [
            {"status": "Pulling from shop/web", "id": "sha256:1"},
            {"status": "Pulling fs layer", "progressDetail": {}, "id": "a"},
            {"status": "Already exists", "progressDetail": {}, "id": "b"},
            {"status": "Downloading", "progressDetail": {"current": 2_500_000, "total": 5_000_000}, "id": "a"},
        ]
        pull = Pull("x", f"r.example.org/shop/web@{DIGEST}", "host b", None, timedelta(seconds=5))
        await pull.run(made)
        assert str(pull) == "its image is being pulled: 1 of 2 layers, 2.5 MB loaded"
