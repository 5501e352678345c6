"""A rollback restores the whole configuration: what real processes hold in their variables and files afterwards."""

from pathlib import Path

import pytest
from tests.faults import processes
from tests.faults.stage import Stage

from headgate.bootstrap import secret_file
from headgate.model import events as e
from headgate.model.events import Recorded

pytestmark = [pytest.mark.real("envoy"), pytest.mark.timeout(90)]

OLD, NEW = "correct-horse", "battery-staple"


def held(stage: Stage) -> set[tuple[str, str, str]]:
    """Log level, password in the variable, password in the file of each process: the kernel's and the disk's word."""
    found = set()
    for one in processes.instances(stage.data):
        pairs = Path(f"/proc/{one.pid}/environ").read_text().split("\0")
        of = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
        found.add((of["LOG_LEVEL"], of["DB_PASSWORD"], Path(of["DB_FILE"]).read_text()))
    return found


def changed(one: Recorded) -> bool:
    return isinstance(one.event, e.ReleaseRequested) and one.event.why.startswith("the configuration changed")


async def test_a_rollback_restores_the_snapshot_and_the_secrets_versions(stage: Stage, tmp_path: Path) -> None:
    file, identity = tmp_path / "shop.secrets", tmp_path / "identity.age"
    keeping = secret_file(str(file), str(identity))
    keeping.init([])
    keeping.set("db", OLD, "ann")
    edit = stage.repository.edit
    edit("services:\n", f"secrets: {{every: 1h, age: {{file: {file}, identity: {identity}}}}}\nservices:\n")
    edit("{canary: {steps: [20, 50]}}", "all-at-once")
    edit("bake: 2s", "bake: 0s")
    env = "{LOG_LEVEL: info, DB_PASSWORD: {secret: db}, DB_FILE: {secret: db, as: file}}"
    edit("    platform: process\n", f"    platform: process\n    deploy: on-build\n    env: {env}\n")
    await stage.serve()
    await stage.apply()
    stage.repository.commit("v1")
    await stage.ask("/shop/releases", reference="v1", by="ann")
    assert await stage.ended() == "promoted"
    before = (await stage.shown())["stable"]
    assert held(stage) == {("info", OLD, OLD)}

    keeping.set("db", NEW, "ann")  # not looked at for an hour, but for what is applied
    edit("LOG_LEVEL: info", "LOG_LEVEL: debug")
    await stage.apply()
    asked = await stage.event(changed, "the change is asked for")
    assert isinstance(asked.event, e.ReleaseRequested)
    assert "LOG_LEVEL info -> debug; secret db v1-" in asked.event.why
    assert await stage.ended() == "promoted"
    await stage.settled("v1")
    assert held(stage) == {("debug", NEW, NEW)}

    await stage.tell("rollback")
    assert await stage.ended() == "promoted"
    await stage.settled("v1")
    assert held(stage) == {("info", OLD, OLD)}
    assert (await stage.shown())["stable"]["revision"] == before["revision"]
