"""The image store with a real engine and a real registry: once, from exactly its folder, known by digest."""

import asyncio
import os
import uuid
from dataclasses import replace
from pathlib import Path

import pytest
from tests.adapters.registries.server import RegistryServer
from tests.adapters.registries.yard import Yard, dockerfile

from headgate.adapters.docker_images import DockerImages
from headgate.adapters.registries.images.store import Images, parts
from headgate.model.images import RegistryRules
from headgate.model.services import Dockerfile
from headgate.ports import AdapterError

pytestmark = [pytest.mark.real("docker-registry"), pytest.mark.usefixtures("docker")]


@pytest.fixture
def yard(tmp_path: Path, plain: RegistryServer) -> Yard:
    return Yard(tmp_path, {"url": plain.url})


@pytest.fixture
def files() -> dict[str, str]:
    return {"Dockerfile": dockerfile("COPY file /"), "file": uuid.uuid4().hex}


class TestMaking:
    async def test_it_is_pushed_tagged_and_labelled(self, yard: Yard, files: dict[str, str]) -> None:
        made = await yard.images.make(yard.order(files, version="v1.4"))
        assert made.reference == f"{yard.settings['url'].removeprefix('http://')}/shop/web@{made.digest}"
        assert await yard.registry.tags(yard.web) == {"c" * 40: made.digest, "v1.4": made.digest}
        assert await yard.labels(made.reference) == {
            "org.opencontainers.image.revision": "c" * 40,
            "org.opencontainers.image.source": "/repositories/shop",
            "org.opencontainers.image.created": "2026-11-23T12:00:00Z",
            "org.opencontainers.image.version": "v1.4",
        }

    async def test_equal_content_is_built_once(self, yard: Yard, files: dict[str, str]) -> None:
        first = await yard.images.make(yard.order(files))
        later = await yard.images.make(yard.order(files, commit="d" * 40))
        restarted = await yard.again().make(yard.order(files, commit="e" * 40))
        assert yard.engine.builds == 1
        assert {first.digest} == {later.digest, restarted.digest}
        assert later.built_from == "c" * 40
        assert set(await yard.registry.tags(yard.web)) == {"c" * 40, "d" * 40, "e" * 40}

    async def test_other_content_is_another_image(self, yard: Yard, files: dict[str, str]) -> None:
        first = await yard.images.make(yard.order(files))
        second = await yard.images.make(yard.order({**files, "file": "other"}, commit="d" * 40))
        assert first.digest != second.digest

    async def test_it_is_built_as_its_file_says(self, yard: Yard) -> None:
        stages = ("ARG BASE", "FROM scratch AS empty", "FROM ${BASE} AS web", "ARG NAME", "COPY a ${NAME}")
        text = "\n".join((*stages, "FROM web", "COPY b /"))
        files = {"build/web.Dockerfile": text, "a": uuid.uuid4().hex, "b": "b"}
        how = Dockerfile("build/web.Dockerfile", "web", {"BASE": "empty", "NAME": "/one $(id); x"})
        first = await yard.images.make(yard.order(files, dockerfile=how))
        assert await yard.files(first.reference) == {"one $(id); x"}
        again = await yard.images.make(yard.order(files, dockerfile=how, commit="d" * 40))
        assert (again.digest, yard.engine.builds) == (first.digest, 1)
        other = replace(how, args={**how.args, "NAME": "/two"})
        second = await yard.images.make(yard.order(files, dockerfile=other))
        assert (await yard.files(second.reference), yard.engine.builds) == ({"two"}, 2)

    async def test_at_the_same_time_it_is_built_once(self, yard: Yard, files: dict[str, str]) -> None:
        made = await asyncio.gather(*(yard.images.make(yard.order(files)) for _ in range(3)))
        assert (len(set(made)), yard.engine.builds) == (1, 1)

    async def test_what_the_registry_lost_is_made_again(self, yard: Yard, files: dict[str, str]) -> None:
        first = await yard.images.make(yard.order(files))
        await yard.registry.delete(yard.web, first.digest)
        again = await yard.images.make(yard.order(files))
        assert (again, yard.engine.builds) == (first, 2)  # the engine's cache still had every layer
        assert await yard.registry.exists(yard.web, first.digest)

    async def test_a_moved_tag_is_not_believed(self, yard: Yard, files: dict[str, str]) -> None:
        first = await yard.images.make(yard.order(files))
        other = await yard.images.make(yard.order({**files, "file": "other"}, commit="d" * 40))
        await yard.registry.tag(yard.web, other.digest, "c" * 40)
        assert (await yard.images.make(yard.order(files))).digest == first.digest

    @pytest.mark.parametrize("version", ["v1; touch /tmp/x", "release/1.0", "-v", "$(id)", "v" * 200])
    async def test_a_version_that_is_no_tag_is_a_label_only(
        self, yard: Yard, files: dict[str, str], version: str
    ) -> None:
        made = await yard.images.make(yard.order(files, version=version))
        assert set(await yard.registry.tags(yard.web)) == {"c" * 40}
        assert (await yard.labels(made.reference))["org.opencontainers.image.version"] == version

    async def test_a_build_that_was_killed_leaves_nothing_and_is_repeated(
        self, yard: Yard, files: dict[str, str]
    ) -> None:
        files["Dockerfile"] = dockerfile(*(f"COPY file /{number}" for number in range(15)))
        making = asyncio.create_task(yard.images.make(yard.order(files)))
        async with asyncio.timeout(20):
            while not yard.engine.builds:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        making.cancel()
        await asyncio.gather(making, return_exceptions=True)
        assert making.cancelled()
        assert await yard.registry.tags(yard.web) == {}
        assert [path.name for path in (yard.folder / "images").iterdir()] == []
        made = await yard.again().make(yard.order(files))
        assert await yard.registry.exists(yard.web, made.digest)

    def test_what_a_killed_server_left_is_swept_out(self, yard: Yard) -> None:
        (yard.folder / "images").mkdir()
        (yard.folder / "images" / "left.tar").touch()
        yard.again()
        assert list((yard.folder / "images").iterdir()) == []

    async def test_a_login_is_for_its_own_registry(self, yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("REGISTRY_LOGIN", "ada:secret")
        rules = RegistryRules("docker", {"url": "https://r.example.org", "login_from": "REGISTRY_LOGIN"})
        known = await yard.images.login("r.example.org/shop/web@sha256:1", rules)
        assert known is not None
        assert (known.name, known.user, known.password) == ("r.example.org/shop/web", "ada", "secret")
        for other in ("r.example.org.evil.org/shop/web", "r.example.org:5000/shop/web", "shop/web"):
            assert await yard.images.login(f"{other}@sha256:1", rules) is None

    async def test_someone_elses_tag_is_pinned(self, yard: Yard, files: dict[str, str]) -> None:
        made = await yard.images.make(yard.order(files, version="1.4"))
        name = made.reference.partition("@")[0]
        rules = RegistryRules("docker", yard.settings)
        assert (await yard.images.pin("cache", f"{name}:1.4", rules)).reference == made.reference
        assert (await yard.images.pin("cache", made.reference, rules)).reference == made.reference
        with pytest.raises(AdapterError, match="push it first"):
            await yard.images.pin("cache", made.reference.replace(made.digest, f"sha256:{'0' * 64}"), rules)
        elsewhere = RegistryRules("docker", {"url": "https://registry.example.org"})
        assert (await yard.images.pin("cache", f"{name}:1.4", elsewhere)).reference == made.reference
        with pytest.raises(AdapterError, match="service cache: there is no image"):
            await yard.images.pin("cache", f"{name}:2", rules)


class TestTheContext:
    async def refused(self, yard: Yard, files: dict[str, str], match: str) -> None:
        with pytest.raises(AdapterError, match=match):
            await yard.images.make(yard.order(files))
        assert await yard.registry.tags(yard.web) == {}

    async def test_a_dockerfile_that_reads_outside_is_told(self, yard: Yard, files: dict[str, str]) -> None:
        (yard.folder / "secret").write_text("x")
        for path in ("../secret", "../../../../etc/passwd"):
            files["Dockerfile"] = dockerfile(f"COPY {path} /")
            what = rf"image of web at ccccccc: the build failed at `COPY {path} /`: .*nothing outside it; move the file"
            await self.refused(yard, files, what)

    async def test_a_link_that_leads_out_is_not_followed(self, yard: Yard, files: dict[str, str]) -> None:
        (yard.folder / "outside").mkdir()
        (yard.folder / "outside" / "secret").write_text("x")
        for target in (str(yard.folder / "outside"), "../outside"):
            order = yard.order({**files, "Dockerfile": dockerfile("COPY link/secret /")})
            os.symlink(target, Path(order.folder) / "link")
            with pytest.raises(AdapterError, match="nothing outside it"):
                await yard.images.make(order)

    async def test_a_dockerfile_that_is_missing_is_told(self, yard: Yard) -> None:
        await self.refused(yard, {"file": "x"}, "image of web at ccccccc: building: there is no Dockerfile in it")

    async def test_a_dockerfile_that_is_a_link_is_none(self, yard: Yard, files: dict[str, str]) -> None:
        (yard.folder / "theirs").write_text(dockerfile())
        order = yard.order({"file": files["file"]})
        os.symlink(yard.folder / "theirs", Path(order.folder) / "Dockerfile")
        with pytest.raises(AdapterError, match="there is no Dockerfile"):
            await yard.images.make(order)

    @pytest.mark.parametrize(
        ("line", "told"),
        [("RUN nothing", "RUN nothing"), ("COPI file /", "COPI"), ("COPY missing /", "COPY missing /")],
    )
    async def test_a_step_that_fails_is_named(
        self, yard: Yard, files: dict[str, str], line: str, told: str
    ) -> None:
        files["Dockerfile"] = dockerfile("COPY file /", line)
        await self.refused(yard, files, f"the build failed.*{told}")

    async def test_what_is_ignored_is_not_there(self, yard: Yard, files: dict[str, str]) -> None:
        files |= {".dockerignore": "*\n!file\n", "secret": "x"}
        files["Dockerfile"] = dockerfile("COPY file /", "COPY secret /")
        await self.refused(yard, files, "COPY secret /")


async def test_an_engine_that_is_not_there_is_told(yard: Yard, files: dict[str, str]) -> None:
    images = Images(yard.folder / "images", {"docker": yard.registry}, DockerImages("unix:///nowhere/docker.sock"))
    with pytest.raises(AdapterError, match=r"building: The Docker Engine does not answer on /nowhere"):
        await images.make(yard.order(files))


@pytest.mark.parametrize(
    ("image", "host", "path", "tag"),
    [
        ("postgres", "docker.io", "library/postgres", "latest"),
        ("postgres:16", "docker.io", "library/postgres", "16"),
        ("grafana/loki:3", "docker.io", "grafana/loki", "3"),
        ("127.0.0.1:5000/a/b:1", "127.0.0.1:5000", "a/b", "1"),
        ("localhost/a", "localhost", "a", "latest"),
        ("r.example.org/a:1@sha256:0", "r.example.org", "a", "1"),
    ],
)
def test_names_are_read_as_docker_reads_them(image: str, host: str, path: str, tag: str) -> None:
    assert parts(image) == (host, path, tag)
