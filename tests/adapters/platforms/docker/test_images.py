"""Which image runs: found once for each revision, and missed with a remedy."""

import pytest
from tests.adapters.platforms.docker.images import make
from tests.adapters.platforms.docker.stage import DockerStage

from headgate.model.services import Container
from headgate.ports import AdapterError
from headgate.testing.contracts.platform import PRODUCTION, observed, ready

pytestmark = pytest.mark.real("dockerd")


async def test_a_missing_image_says_what_to_do(stage: DockerStage) -> None:
    told = r"web: the image nowhere/nothing:1 is not on this machine, and only .* by digest is pulled.*docker pull"
    with pytest.raises(AdapterError, match=told):
        await stage.platform.run(stage.revision("one", image="nowhere/nothing:1"))
    assert list(await stage.platform.observe(PRODUCTION)) == []


@pytest.mark.parametrize("name", ["a/../../containers/x", "a?force=1", "-a", "a b", ""])
async def test_a_name_that_is_none_is_refused_before_it_becomes_a_path(stage: DockerStage, name: str) -> None:
    with pytest.raises(AdapterError, match="names no image"):
        await stage.platform.run(stage.revision("one", image=name))


async def test_no_image_at_all_says_what_to_write(stage: DockerStage) -> None:
    with pytest.raises(AdapterError, match="write `image: NAME` instead of `build`"):
        await stage.platform.run(stage.revision("one", image=None))


async def test_a_tag_that_moves_changes_nothing_that_runs(stage: DockerStage) -> None:
    other = await make(stage.engine, "headgate-test/other", ("ENV COLOUR=green",))
    tag = {"repo": f"headgate-test/moving-{stage.platform.server}", "tag": "1"}
    await stage.engine.json("POST", f"/images/{stage.image}/tag", tag)
    name = f"{tag['repo']}:1"
    try:
        revision = stage.revision("one", image=name)
        await stage.platform.run(revision)
        (one,) = await ready(stage, 1)
        first = (await stage.inspect(one.id))["Image"]
        await stage.engine.json("POST", f"/images/{other}/tag", tag)
        await stage.platform.stop(PRODUCTION, revision.id)
        await stage.wait(0.1)
        await until_gone(stage)
        await stage.restart()
        await stage.platform.run(revision)
        (again,) = await ready(stage, 1)
        assert (await stage.inspect(again.id))["Image"] == first
    finally:
        await stage.engine.json("DELETE", f"/images/{name}", {"noprune": "1"}, accept=(404, 409))


async def until_gone(stage: DockerStage) -> None:
    for _ in range(200):
        if not await stage.platform.observe(PRODUCTION):
            return
        await stage.wait(0.05)
    pytest.fail("it did not go away")


async def test_a_program_that_is_not_in_the_image_is_told(stage: DockerStage) -> None:
    await stage.platform.run(stage.revision("one", command=("no-such-program",)))
    (one,) = await observed(stage, lambda seen: seen[0].state == "exited")
    assert "exited with code 127" in one.detail
    assert "exec no-such-program failed: No such file or directory" in one.detail


async def test_what_the_engine_cannot_start_is_told_and_leaves_nothing(stage: DockerStage) -> None:
    with pytest.raises(AdapterError, match=r"pcw/production, service web: Docker refused POST .*unable to find user"):
        await stage.platform.run(stage.revision("one", replicas=2, container=Container(user="ghost")))
    assert list(await stage.platform.observe(PRODUCTION)) == []


async def test_a_digest_reference_is_run(stage: DockerStage) -> None:
    found = await stage.engine.json("GET", f"/images/{stage.image}/json")
    await stage.platform.run(stage.revision("one", image=found["Id"]))
    await ready(stage, 1)
