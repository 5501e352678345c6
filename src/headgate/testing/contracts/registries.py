"""What every registry must hold. Subclass, and give a fixture `stage`: a registry, empty, and images to push."""

from typing import Protocol

import pytest

from headgate.model.images import DIGEST, Repository
from headgate.ports import AdapterError, Registry

NOWHERE = f"sha256:{'0' * 64}"


class Stage(Protocol):
    registry: Registry
    settings: dict[str, str]

    async def image(self, content: str) -> str:
        """An image as `push` takes it; another content is another image."""
        ...


def repository(stage: Stage, name: str = "shop/web") -> Repository:
    return Repository(name, stage.settings)


async def pushed(stage: Stage, content: str, tag: str, name: str = "shop/web") -> str:
    return await stage.registry.push(await stage.image(content), repository(stage, name), tag)


class RegistryContract:
    @pytest.fixture
    def stage(self) -> Stage:
        raise NotImplementedError("give a fixture `stage`: a registry, empty, and images to push")

    async def test_what_was_pushed_is_known_by_its_digest_and_its_tag(self, stage: Stage) -> None:
        digest = await pushed(stage, "one", "v1")
        assert DIGEST.fullmatch(digest)
        assert await stage.registry.resolve(repository(stage), "v1") == digest
        assert await stage.registry.exists(repository(stage), digest)

    async def test_pushing_again_changes_nothing(self, stage: Stage) -> None:
        first = await pushed(stage, "one", "v1")
        assert await pushed(stage, "one", "v1") == first
        assert await stage.registry.tags(repository(stage)) == {"v1": first}

    async def test_another_image_has_another_digest(self, stage: Stage) -> None:
        one, two = await pushed(stage, "one", "v1"), await pushed(stage, "two", "v2")
        assert one != two
        assert await stage.registry.tags(repository(stage)) == {"v1": one, "v2": two}

    async def test_what_is_not_there_is_none_and_no_error(self, stage: Stage) -> None:
        nothing = repository(stage, "shop/nothing")
        assert await stage.registry.resolve(nothing, "v1") is None
        assert not await stage.registry.exists(nothing, NOWHERE)
        assert await stage.registry.tags(nothing) == {}
        await pushed(stage, "one", "v1")
        assert await stage.registry.resolve(repository(stage), "v2") is None
        assert not await stage.registry.exists(repository(stage), NOWHERE)

    async def test_one_image_may_have_several_tags(self, stage: Stage) -> None:
        digest = await pushed(stage, "one", "a1b2")
        await stage.registry.tag(repository(stage), digest, "v1.0")
        assert await stage.registry.tags(repository(stage)) == {"a1b2": digest, "v1.0": digest}

    async def test_what_is_not_there_cannot_be_tagged(self, stage: Stage) -> None:
        await pushed(stage, "one", "v1")
        with pytest.raises(AdapterError):
            await stage.registry.tag(repository(stage), NOWHERE, "v2")

    async def test_deleting_takes_the_image_and_its_tags_and_nothing_else(self, stage: Stage) -> None:
        one, two = await pushed(stage, "one", "v1"), await pushed(stage, "two", "v2")
        await stage.registry.delete(repository(stage), one)
        assert not await stage.registry.exists(repository(stage), one)
        assert await stage.registry.resolve(repository(stage), "v1") is None
        assert await stage.registry.tags(repository(stage)) == {"v2": two}

    async def test_deleting_twice_is_no_error(self, stage: Stage) -> None:
        digest = await pushed(stage, "one", "v1")
        for _ in range(2):
            await stage.registry.delete(repository(stage), digest)

    async def test_nothing_is_deleted_by_tag(self, stage: Stage) -> None:
        await pushed(stage, "one", "v1")
        with pytest.raises(AdapterError, match="digest"):
            await stage.registry.delete(repository(stage), "v1")

    async def test_repositories_are_apart(self, stage: Stage) -> None:
        digest = await pushed(stage, "one", "v1")
        assert await pushed(stage, "one", "v1", "shop/other") == digest
        await stage.registry.delete(repository(stage, "shop/other"), digest)
        assert await stage.registry.exists(repository(stage), digest)

    async def test_an_engine_is_told_where_it_is(self, stage: Stage) -> None:
        access = await stage.registry.access(repository(stage))
        assert access.name.endswith("/shop/web")
        assert access.password not in repr(access) or not access.password

    @pytest.mark.parametrize("name", ["Shop/web", "../web", "shop//web", "shop/web?x", "", "shop/w\nb"])
    async def test_what_is_no_name_is_refused(self, stage: Stage, name: str) -> None:
        with pytest.raises(AdapterError):
            await stage.registry.resolve(repository(stage, name), "v1")

    @pytest.mark.parametrize("tag", ["feature/x", "v 1", "-v1", "", "v1\r\nX: y", "x" * 129])
    async def test_what_is_no_tag_is_refused(self, stage: Stage, tag: str) -> None:
        with pytest.raises(AdapterError):
            await stage.registry.resolve(repository(stage), tag)
