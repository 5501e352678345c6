"""A release of images: made once, pinned by digest, signed, verified before it is deployed anywhere."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.engine.test_builds import passing, until
from tests.web.world import IMAGES_FILE as FILE
from tests.web.world import IMAGES_PRESENT as HERE
from tests.web.world import REPOSITORY, Shop, with_images
from tests.web.world import shop as opened

from headgate.adapters.signing import Ed25519Signer
from headgate.engine import applying, proving, retaining, views
from headgate.engine.ci import BuildWheel
from headgate.engine.refusals import AdapterError, Immutable, Rejected
from headgate.engine.releasing import PLAIN, Wanted
from headgate.model import commands as c
from headgate.model.events import ProvenanceSigned, ReleaseCreated, ReleaseRefused
from headgate.model.ids import EnvironmentId, application_stream, release_stream
from headgate.model.images import Repository, digest_of
from headgate.model.releases import Release
from headgate.ports import Unusable
from headgate.testing.fakes.images import FakeImages
from headgate.testing.fakes.registry import FakeRegistry


@dataclass
class Yard:
    """A shop whose platform runs images."""

    shop: Shop
    registry: FakeRegistry
    images: FakeImages

    async def apply(self, file: str = FILE) -> None:
        await applying.apply(self.shop.engine, applying.understand(file, "headgate.yaml", REPOSITORY, HERE), "ann")

    async def release(self, file: str = FILE, **files: str) -> Release:
        content = {"headgate.yaml": file, "web/Dockerfile": "1", "quotes/Dockerfile": "1", **files}
        self.shop.source.commit(REPOSITORY, content)
        return await self.again()

    async def again(self, reference: str = "HEAD", wanted: Wanted = PLAIN) -> Release:
        made = await self.shop.engine.release("shop", reference, "ann", wanted)
        assert isinstance(made, Release)
        return made

    async def stable(self) -> str:
        wheel = self.shop.engine.application("shop").wheel("staging")
        async with asyncio.timeout(10):
            while wheel.state.stable is None or wheel.state.rollout:
                await asyncio.sleep(0.01)
        return wheel.state.stable.release

    async def problem(self, release: Release) -> str | None:
        engine = self.shop.engine
        rules = engine.application("shop").state.specification
        assert rules
        shown = await proving.shown(release, rules, engine.world, engine.log)
        problem: str | None = shown["problem"]
        return problem


@pytest.fixture
async def yard(tmp_path: Path) -> AsyncIterator[Yard]:
    shop = opened(tmp_path)
    images = with_images(shop, tmp_path)
    await shop.engine.start()
    made = Yard(shop, images.registry, images)
    await made.apply()
    yield made
    await shop.engine.stop()


class TestMaking:
    async def test_services_are_pinned_by_digest(self, yard: Yard) -> None:
        release = await yard.release()
        for service in release.services:
            assert service.image == f"registry.example.org/shop/{service.name}@{release.images[service.name]}"
            assert await yard.registry.exists(Repository(f"shop/{service.name}"), release.images[service.name])

    async def test_the_same_commit_is_the_same_release_and_builds_nothing_again(self, yard: Yard) -> None:
        first = await yard.release()
        assert await yard.shop.engine.release("shop", "HEAD", "bob") == first
        assert len(yard.images.built) == 2

    async def test_a_release_that_changes_one_service_builds_one_image(self, yard: Yard) -> None:
        first = await yard.release()
        second = await yard.release(**{"web/Dockerfile": "2"})
        assert [service for service, _ in yard.images.built].count("web") == 2
        assert len(yard.images.built) == 3
        assert second.images["quotes"] == first.images["quotes"]
        assert second.images["web"] != first.images["web"]

    async def test_a_platform_is_told_the_login_and_the_rules(self, yard: Yard) -> None:
        release, engine = await yard.release(), yard.shop.engine
        image = release.services[0].image or ""
        known = await engine.login("shop", image)
        assert known is not None
        assert known.name == image.partition("@")[0]
        assert await engine.login("shop", "elsewhere.example.org/cache@sha256:1") is None
        assert await engine.login("unknown", image) is None
        rules = engine.rules(EnvironmentId("shop/staging"))
        assert rules is not None
        assert rules.name == "staging"
        assert engine.rules(EnvironmentId("shop/nowhere")) is engine.rules(EnvironmentId("unknown/staging")) is None

    async def test_a_moved_tag_changes_nothing(self, yard: Yard) -> None:
        first = await yard.release()
        second = await yard.release(**{"web/Dockerfile": "2"})
        await yard.registry.tag(Repository("shop/web"), second.images["web"], first.commit)
        again = await yard.again(first.commit)
        assert again.images["web"] == first.images["web"]
        await yard.shop.engine.deploy("shop", "staging", first.id, "ann")
        assert await yard.stable() == first.id

    async def test_someone_elses_image_is_pinned_too(self, yard: Yard) -> None:
        theirs = await yard.registry.push("theirs", Repository("other/cache"), "1.4")
        file = FILE.replace("registry:", "  cache: {image: 'other/cache:1.4', port: 1}\nregistry:")
        release = await yard.release(file)
        (cache,) = [service for service in release.services if service.name == "cache"]
        assert cache.image == f"other/cache@{theirs}"
        assert await yard.problem(release) is None

    async def test_where_no_platform_runs_images_none_are_made(self, yard: Yard) -> None:
        file = FILE.replace("docker, deploy", "process, deploy").replace("port: 8000", "command: [serve], port: 8000")
        await yard.apply(file)
        release = await yard.release(file)
        assert (yard.images.built, release.services[0].image) == ([], None)

    async def test_a_build_that_fails_makes_no_release_and_can_be_repeated(self, yard: Yard) -> None:
        yard.images.broken = "the build failed at `RUN make`"
        with pytest.raises(AdapterError, match=r"image of .* at .*: the build failed at `RUN make`"):
            await yard.release()
        assert not yard.shop.engine.application("shop").releases
        yard.images.broken = ""
        assert await yard.again()


class TestProving:
    async def test_the_statement_is_signed_with_the_release(self, yard: Yard) -> None:
        release = await yard.release()
        recorded = await yard.shop.engine.log.read(release_stream(release.id))
        assert [type(one.event) for one in recorded] == [ReleaseCreated, ProvenanceSigned]
        assert await yard.problem(release) is None

    async def test_a_release_that_verifies_is_deployed(self, yard: Yard) -> None:
        release = await yard.release()
        await yard.shop.engine.deploy("shop", "staging", None, "ann")
        assert await yard.stable() == release.id

    async def refused(self, yard: Yard, release: Release, why: str) -> None:
        with pytest.raises(Rejected, match=why):
            await yard.shop.engine.deploy("shop", "staging", release.id, "ann")
        wheel = yard.shop.engine.application("shop").wheel("staging")
        assert wheel.state.waiting is wheel.state.rollout is wheel.state.stable is None
        assert await yard.problem(release)

    async def test_an_image_that_is_gone_is_refused(self, yard: Yard) -> None:
        release = await yard.release()
        await yard.registry.delete(Repository("shop/web"), release.images["web"])
        await self.refused(yard, release, r"the image of web, .* is no longer in the registry")

    async def test_and_is_there_again_when_the_release_is_made_again(self, yard: Yard) -> None:
        release = await yard.release()
        await yard.registry.delete(Repository("shop/web"), release.images["web"])
        assert await yard.shop.engine.release("shop", "HEAD", "ann") == release
        assert await yard.problem(release) is None

    async def test_but_never_as_another_image(self, yard: Yard) -> None:
        release = await yard.release()
        await yard.registry.delete(Repository("shop/web"), release.images["web"])
        yard.images.salt = "another"
        with pytest.raises(Rejected, match="a release never changes: commit once more"):
            await yard.shop.engine.release("shop", "HEAD", "ann")
        await self.refused(yard, release, "is no longer in the registry")

    async def test_another_image_than_the_one_signed_is_refused(self, yard: Yard) -> None:
        release = await yard.release()
        other = await yard.registry.push("evil", Repository("shop/web"), "evil")
        services = tuple(
            replace(one, image=(one.image or "").replace(release.images["web"], other)) for one in release.services
        )
        forged = replace(release, services=services, images={**release.images, "web": other})
        yard.shop.engine.application("shop").releases[release.id] = forged
        await self.refused(yard, forged, f"web runs {other}, which the statement does not name")

    async def test_an_image_by_tag_is_refused(self, yard: Yard) -> None:
        release = await yard.release()
        services = tuple(replace(one, image="registry.example.org/shop/web:latest") for one in release.services)
        forged = replace(release, services=services)
        assert digest_of(services[0].image or "") is None
        yard.shop.engine.application("shop").releases[release.id] = forged
        await self.refused(yard, forged, "web names no image by digest")

    async def test_another_servers_signature_is_refused(self, yard: Yard, tmp_path: Path) -> None:
        release = await yard.release()
        other = Ed25519Signer(tmp_path / "other.pem")
        other.sign("a", b"b")
        application = yard.shop.engine.application("shop")
        application.world = replace(application.world, signer=other)
        yard.shop.engine.world = application.world
        await self.refused(yard, release, "its provenance does not verify, it is signed with the key")

    async def test_one_without_provenance_is_refused(self, yard: Yard) -> None:
        file = FILE.replace("docker, deploy", "process, deploy").replace("port: 8000", "command: [serve], port: 8000")
        await yard.apply(file)
        release = await yard.release(file)
        await yard.apply()
        await self.refused(yard, release, "it has no provenance")

    async def test_one_that_would_come_by_itself_is_refused_once_and_comes_when_it_is_made_again(
        self, yard: Yard
    ) -> None:
        release = await yard.release()
        await yard.registry.delete(Repository("shop/web"), release.images["web"])
        engine, application = yard.shop.engine, yard.shop.engine.application("shop")
        await yard.apply(FILE.replace("on-request", "on-build, branches: [main]"))
        await application.advance()
        due = application.delayed["staging"].again_at
        for _ in range(3):
            await application.advance()
        events = [one.event for one in await engine.log.read(application_stream("shop"))]
        (refused,) = [event for event in events if isinstance(event, ReleaseRefused)]
        assert (refused.release, refused.environment) == (release.id, "staging")
        assert application.delayed["staging"].again_at == due  # it was not looked at again
        assert "the image of web, " in refused.why
        assert refused.why in views.summary(application, "staging", engine.clock.now())["waits_for"]
        await engine.release("shop", "HEAD", "ann")  # makes the image again
        assert await yard.stable() == release.id
        assert not application.delayed

    async def test_a_registry_that_is_away_is_asked_again_and_nothing_is_refused(
        self, yard: Yard, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("headgate.engine.application.AWAY", timedelta(seconds=0.1))
        release = await yard.release()
        application = yard.shop.engine.application("shop")
        yard.registry.down = "registry https://registry.example.org cannot be reached"
        await yard.apply(FILE.replace("on-request", "on-build, branches: [main]"))
        await application.advance()
        assert (application.state.refused, application.delayed["staging"].why) == ({}, yard.registry.down)
        (there,) = views.released(application, release)["environments"]
        assert there == {"environment": "staging", "state": "held up", "why": yard.registry.down}
        yard.registry.down = ""
        await asyncio.sleep(0.1)
        assert await application.advance() == ["staging"]
        yard.shop.engine.wake("shop/staging")
        assert await yard.stable() == release.id

    async def test_a_registry_that_is_down_refuses_nothing_for_good(self, yard: Yard) -> None:
        release = await yard.release()
        yard.registry.down = "registry https://registry.example.org cannot be reached"
        with pytest.raises(AdapterError, match="cannot be reached"):
            await yard.shop.engine.deploy("shop", "staging", release.id, "ann")
        yard.registry.down = ""
        await yard.shop.engine.deploy("shop", "staging", release.id, "ann")
        assert await yard.stable() == release.id


class TestElsewhere:
    """Images that another CI has built, pushed and announced."""

    async def pushed(self, yard: Yard) -> Wanted:
        yard.shop.source.commit(REPOSITORY, {"headgate.yaml": FILE, "web/Dockerfile": "1", "quotes/Dockerfile": "1"})
        digest = await yard.registry.push("by another CI", Repository("shop/web"), "1234")
        return Wanted(images={"web": f"registry.example.org/shop/web@{digest}"})

    async def test_it_is_pinned_and_only_the_rest_is_built(self, yard: Yard) -> None:
        wanted = await self.pushed(yard)
        release = await yard.again(wanted=wanted)
        assert release.elsewhere == ("web",)
        assert {one.name: one.image for one in release.services}["web"] == wanted.images["web"]
        assert release.images["web"] == digest_of(wanted.images["web"])
        assert [service for service, _ in yard.images.built] == ["quotes"]

    async def test_it_is_deployed_and_said_to_be_built_elsewhere(self, yard: Yard) -> None:
        release = await yard.again(wanted=await self.pushed(yard))
        await yard.shop.engine.deploy("shop", "staging", release.id, "ann")
        assert await yard.stable() == release.id
        shown = await yard.shop.engine.provenance("shop", release.id)
        assert (shown["problem"], shown["elsewhere"]) == (None, ("web",))
        told = {one["annotations"]["service"]: one["annotations"].get("built") for one in shown["statement"]["subject"]}
        assert told == {"web": "elsewhere", "quotes": None}
        materials = shown["statement"]["predicate"]["buildDefinition"]["resolvedDependencies"][1:]
        assert [one["annotations"]["service"] for one in materials] == ["quotes"]

    async def test_asked_for_again_it_is_the_same_release(self, yard: Yard) -> None:
        wanted = await self.pushed(yard)
        release = await yard.again(wanted=wanted)
        assert await yard.again() == release
        assert await yard.again(wanted=wanted) == release
        assert len(yard.images.built) == 1

    async def test_another_image_for_it_is_refused(self, yard: Yard) -> None:
        release = await yard.again(wanted=await self.pushed(yard))
        other = await yard.registry.push("another", Repository("shop/web"), "1235")
        with pytest.raises(Immutable, match="is there already, with other images"):
            await yard.again(wanted=Wanted(images={"web": f"registry.example.org/shop/web@{other}"}))
        assert yard.shop.engine.application("shop").releases == {release.id: release}

    async def test_one_that_was_not_pushed_is_no_release(self, yard: Yard) -> None:
        wanted = await self.pushed(yard)
        await yard.registry.delete(Repository("shop/web"), digest_of(wanted.images["web"]) or "")
        with pytest.raises(Unusable, match=r"service web: there is no image registry\.example\.org/shop/web@"):
            await yard.again(wanted=wanted)
        assert not yard.shop.engine.application("shop").releases

    async def test_it_must_be_there_where_no_platform_runs_images_too(self, yard: Yard) -> None:
        wanted = await self.pushed(yard)
        file = FILE.replace("docker, deploy", "process, deploy").replace("port: 8000", "command: [serve], port: 8000")
        await yard.apply(file)
        yard.shop.source.commit(REPOSITORY, {"headgate.yaml": file, "web/app.py": "1", "quotes/app.py": "1"})
        with pytest.raises(Unusable, match="there is no image"):
            await yard.again(wanted=Wanted(images={"web": f"registry.example.org/shop/web@sha256:{'0' * 64}"}))
        release = await yard.again(wanted=wanted)
        assert (release.elsewhere, yard.images.built) == (("web",), [])
        assert release.images["web"] == digest_of(wanted.images["web"])

    async def test_one_that_is_gone_is_not_deployed(self, yard: Yard) -> None:
        release = await yard.again(wanted=await self.pushed(yard))
        await yard.registry.delete(Repository("shop/web"), release.images["web"])
        with pytest.raises(Rejected, match=r"the image of web, .* is no longer in the registry"):
            await yard.shop.engine.deploy("shop", "staging", release.id, "ann")

    async def test_it_cannot_pass_for_built_here(self, yard: Yard) -> None:
        release = await yard.again(wanted=await self.pushed(yard))
        yard.shop.engine.application("shop").releases[release.id] = replace(release, elsewhere=())
        with pytest.raises(Rejected, match="it says that web was built elsewhere, and the release lists nothing"):
            await yard.shop.engine.deploy("shop", "staging", release.id, "ann")


class TestByItself:
    """Images of builds, and of commits that are followed."""

    async def test_images_are_made_once_the_steps_have_passed(self, yard: Yard) -> None:
        steps = "pipeline: {ci: [{name: test, run: pytest}, {name: pack, run: make, needs: [test]}]}\n"
        await yard.apply(FILE + steps)
        files = {"headgate.yaml": FILE, "web/Dockerfile": "1", "quotes/Dockerfile": "1"}
        yard.shop.source.commit(REPOSITORY, files)
        build = await yard.shop.engine.release("shop", "HEAD", "ann")
        assert isinstance(build, BuildWheel)
        assert yard.images.built == []
        await passing(yard.shop, build)
        assert (build.state.outcome, len(yard.images.built)) == ("passed", 2)
        (release,) = yard.shop.engine.application("shop").releases.values()
        assert await yard.problem(release) is None

    async def test_an_image_that_cannot_be_built_ends_its_build_at_once(self, yard: Yard) -> None:
        yard.images.broken = "the build failed at `RUN make`"
        build = await self.built(yard)
        await until(lambda: build.state.outcome)
        assert (build.state.outcome, len(build.state.failures)) == ("failed", 1)
        assert "there is no release: image of web" in build.state.why

    async def built(self, yard: Yard, version: str = "1") -> BuildWheel:
        """A build of a commit with that version of web, whose step has passed."""
        file = FILE + "pipeline: {ci: [{name: test, run: pytest}]}\n"
        await yard.apply(file)
        files = {"headgate.yaml": file, "web/Dockerfile": version, "quotes/Dockerfile": "1"}
        yard.shop.source.commit(REPOSITORY, files)
        build = await yard.shop.engine.release("shop", "HEAD", "ann")
        assert isinstance(build, BuildWheel)
        await until(lambda: f"{build.id}.test.1" in yard.shop.runner.orders)
        yard.shop.runner.end("test", "passed")
        yard.shop.engine.wake(build.id)
        return build

    async def test_each_image_is_recorded_and_what_changes_nothing_builds_nothing(self, yard: Yard) -> None:
        for version, made in (("1", {"web": True, "quotes": True}), ("2", {"web": True, "quotes": False})):
            build = await self.built(yard, version)
            await until(lambda build=build: build.state.outcome)
            assert {name: one.made for name, one in build.state.images.items()} == made
            release = list(yard.shop.engine.application("shop").releases.values())[-1]
            images = {one.name: one.image for one in release.services}
            assert {name: one.reference for name, one in build.state.images.items()} == images

    @pytest.mark.parametrize("newer", [False, True], ids=["cancelled by someone", "by a newer commit"])
    async def test_one_that_is_cancelled_while_images_are_made_ends_at_once(self, yard: Yard, newer: bool) -> None:
        yard.images.slow["shop"] = asyncio.Event()
        build = await self.built(yard)
        await until(lambda: build.seen.making)
        assert not build.state.outcome
        if newer:
            await self.built(yard, "2")
        else:
            await yard.shop.engine.builds.cancel("shop", build.id, "ann", "a mistake")
        await until(lambda: build.state.outcome)
        assert (build.state.outcome, yard.images.built, build.state.release) == ("cancelled", [], None)
        assert build.state.why.startswith("bld_" if newer else "a mistake")
        assert not yard.shop.engine.application("shop").releases

    async def test_a_slow_one_holds_up_no_other_application(self, yard: Yard) -> None:
        yard.images.slow["shop"] = asyncio.Event()
        slow = await self.built(yard)
        await until(lambda: slow.seen.making)
        other = FILE.replace("application: shop", "application: other")
        await yard.apply(other)
        yard.shop.source.commit(REPOSITORY, {"headgate.yaml": other, "web/Dockerfile": "1", "quotes/Dockerfile": "1"})
        made = await yard.shop.engine.release("other", "HEAD", "ann")
        assert isinstance(made, Release)
        assert (slow.state.outcome, [service for service, _ in yard.images.built]) == (None, ["web", "quotes"])
        yard.images.slow["shop"].set()
        await until(lambda: slow.state.outcome == "passed")

    async def test_an_image_that_cannot_be_built_is_said_once_and_keeps_nothing_else_back(self, yard: Yard) -> None:
        await yard.apply(FILE.replace("on-request", "on-build, branches: [main]"))
        application = yard.shop.engine.application("shop")
        await until(lambda: application.state.followed.source)
        yard.images.broken = "the build failed at `RUN make`"
        yard.shop.source.commit(REPOSITORY, {"headgate.yaml": FILE, "web/Dockerfile": "1", "quotes/Dockerfile": "1"})
        yard.shop.engine.look("shop")
        await until(lambda: application.state.followed.sightings)
        (seen,) = application.state.followed.sightings.values()
        assert (seen.event.outcome, "RUN make" in seen.event.why) == ("failed", True)
        assert yard.shop.engine.followers["shop"].trouble == ""


class TestPruning:
    async def releases(self, yard: Yard, count: int) -> list[Release]:
        """Each with another image of web and the same of quotes; all were stable in staging."""
        made = []
        for number in range(count):
            made.append(await yard.release(**{"web/Dockerfile": str(number)}))
            await yard.shop.engine.deploy("shop", "staging", made[-1].id, "ann")
            async with asyncio.timeout(10):
                while await yard.stable() != made[-1].id:
                    await asyncio.sleep(0.01)
        return made

    async def test_only_what_nothing_needs_is_deleted(self, yard: Yard) -> None:
        old, *rest = await self.releases(yard, 4)
        application = yard.shop.engine.application("shop")
        await yard.registry.push("other servers", Repository("shop/web"), "theirs")
        before = await yard.registry.tags(Repository("shop/web"))
        answer = await retaining.prune(application, 2, "ann")
        assert [(one["service"], one["digest"]) for one in answer["deleted"]] == [("web", old.images["web"])]
        gone = {old.commit}
        assert set(await yard.registry.tags(Repository("shop/web"))) == before.keys() - gone
        assert await yard.problem(old)
        assert [await yard.problem(one) for one in rest] == [None, None, None]
        assert (await retaining.prune(application, 2, "ann"))["deleted"] == []

    async def test_going_back_to_what_was_pruned_is_refused_until_it_is_made_again(self, yard: Yard) -> None:
        old, *_ = await self.releases(yard, 4)
        engine = yard.shop.engine
        await retaining.prune(engine.application("shop"), 2, "ann")
        command = c.Rollback(engine.rollout_id(), "ann", old.commit)
        with pytest.raises(Rejected, match="is no longer in the registry"):
            await engine.command("shop", "staging", command)
        assert await engine.release("shop", old.commit, "ann") == old
        await engine.command("shop", "staging", command)
        async with asyncio.timeout(10):
            while await yard.stable() != old.id:
                await asyncio.sleep(0.01)

    async def test_without_a_registry_there_is_nothing_to_prune(self, yard: Yard) -> None:
        await yard.apply(FILE.replace("platform: docker", "platform: process").replace("registry:", "#").replace(
            "port: 8000", "command: [serve], port: 8000"))
        with pytest.raises(Rejected, match="names no registry"):
            await retaining.images(yard.shop.engine.application("shop"), 1)
