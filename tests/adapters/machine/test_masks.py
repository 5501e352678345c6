"""What no log of a check may show comes from the engine, which read it."""

from pathlib import Path

import pytest

from headgate.adapters.platforms import docker, process
from headgate.engine.hidden import Hidden
from headgate.ports import Host


@pytest.mark.parametrize("platform", [process, docker], ids=["process", "docker"])
async def test_values_that_the_engine_learns_later_are_masked_too(tmp_path: Path, platform: object) -> None:
    hidden = Hidden()
    host = Host(tmp_path / "a" / "b", tmp_path, tmp_path, lambda _: None, hidden=hidden.values)
    made = platform.create(host)  # type: ignore[attr-defined]
    assert "correct-horse" not in made._masked()
    hidden.learn("correct-horse")
    assert "correct-horse" in made._masked()
    await made.close()
