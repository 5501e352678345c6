"""What the Docker Engine tells while it builds: the image, what is wrong with the Dockerfile, or that it went away."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from headgate.adapters.docker_images import BuildFailed, _built
from headgate.ports import AdapterError, Unusable


async def told(*messages: dict[str, Any]) -> str:
    async def stream() -> AsyncIterator[dict[str, Any]]:
        for one in messages:
            yield one

    return await _built(stream())


async def test_the_image() -> None:
    assert await told({"stream": "Step 1/1 : FROM scratch"}, {"aux": {"ID": "sha256:1"}}) == "sha256:1"


async def test_what_is_wrong_with_it_names_the_step() -> None:
    with pytest.raises(BuildFailed, match="exit code 3") as failed:
        await told({"stream": "Step 2/2 : RUN false"}, {"error": "the command returned exit code 3"})
    assert failed.value.step == "RUN false"


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [{"stream": "Step 1/2 : FROM scratch"}],
        [{"error": "failed to solve: rpc error: code = Canceled desc = context canceled"}],
        [{"error": "failed to solve with frontend dockerfile.v0: rpc error: code = Unavailable desc = closing"}],
        [{"error": "write /var/lib/docker/tmp/1: no space left on device"}],
    ],
)
async def test_an_engine_that_goes_away_blames_no_commit(messages: list[dict[str, Any]]) -> None:
    with pytest.raises(AdapterError, match="Docker") as broken:
        await told(*messages)
    assert not isinstance(broken.value, (BuildFailed, Unusable))
