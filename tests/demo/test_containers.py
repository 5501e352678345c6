"""The base image on its way from files of this machine to a container, and that all of it goes again."""

import asyncio
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headgate.adapters.docker_engine import DockerEngine
from headgate.adapters.docker_images import DockerImages
from headgate.adapters.docker_label import DockerLabel
from headgate.cli.demo.image import configuration, layer
from headgate.cli.demo.registry import Registry
from headgate.cli.demo.root import Root
from headgate.cli.failure import Failure
from headgate.ports import AdapterError

LABEL = "headgate.demo"
DOCKERFILE = 'FROM {base}\nENV ONE=1\nENV TWO=2\nCMD ["/bin/python", "-c", "import time; time.sleep(60)"]\n'


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    made = Registry(tmp_path)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def base(registry: Registry, tmp_path: Path) -> str:
    """The interpreter, and nothing else."""
    made = layer(Root(texts={"/mark": str(tmp_path).encode()}), tmp_path / "base.tar.gz")
    registry.put("mine/base", "1", made, configuration(made, {LABEL: tmp_path.name}, "x86_64"))
    return f"{registry.host}/mine/base:1"


def context(path: Path, dockerfile: str) -> Path:
    with tarfile.open(path, "w") as tar:
        entry = tarfile.TarInfo("Dockerfile")
        entry.size = len(dockerfile)
        tar.addfile(entry, io.BytesIO(dockerfile.encode()))
    return path


async def labelled(engine: DockerEngine, kind: str, label: str) -> list[dict[str, Any]]:
    query = {"all": "1", "filters": json.dumps({"label": [label]})}
    return list(await engine.json("GET", f"/{kind}/json", query))


@pytest.mark.real("dockerd", "docker-registry")
async def test_all_that_stands_on_the_base_goes_with_it(base: str, tmp_path: Path) -> None:
    engine, mark = DockerEngine(), f"{LABEL}={tmp_path.name}"
    label = DockerLabel(mark)
    try:
        await label.bring(base)
        image = await DockerImages().build(context(tmp_path / "c.tar", DOCKERFILE.format(base=base)), {})
        made = await engine.json("POST", "/containers/create", body={"Image": image})
        await engine.json("POST", f"/containers/{made['Id']}/start")
        assert len(await labelled(engine, "containers", mark)) == 1
        assert len(await labelled(engine, "images", mark)) >= 2
        await DockerLabel(f"{mark}-of-another").clear()
        assert len(await labelled(engine, "containers", mark)) == 1
        await label.clear()
        assert [await labelled(engine, kind, mark) for kind in ("containers", "images")] == [[], []]
    finally:
        await label.clear()
        await engine.close()


@pytest.mark.real("dockerd", "docker-registry")
async def test_a_base_that_is_not_there_is_told(registry: Registry) -> None:
    with pytest.raises(AdapterError, match=r"no/such"):
        await DockerLabel(f"{LABEL}=x").bring(f"{registry.host}/no/such:1")


@pytest.mark.real("docker-registry")
def test_a_registry_that_is_gone_takes_and_leaves_nothing(registry: Registry, base: str, tmp_path: Path) -> None:
    assert base.startswith("127.0.0.1:")
    assert (tmp_path / "registry").is_dir()
    registry.stop()
    assert not (tmp_path / "registry").exists()
    made = layer(Root(), tmp_path / "base.tar.gz")
    with pytest.raises(Failure, match="does not take the base image"):
        registry.put("mine/base", "2", made, {})


def test_nobody_waits_for_an_engine_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    with pytest.raises(AdapterError, match="does not answer"):
        asyncio.run(DockerLabel(f"{LABEL}=x").clear())
