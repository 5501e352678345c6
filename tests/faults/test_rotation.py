"""A secret is rotated in its store: a release like any other follows, under load, and a rollback brings it back."""

import os
from pathlib import Path

import pytest
from tests.aws import Aws
from tests.faults import processes
from tests.faults.load import Load
from tests.faults.stage import Stage

from headgate.model import events as e
from headgate.model.events import Recorded

pytestmark = [pytest.mark.real("envoy"), pytest.mark.timeout(120)]

OLD, NEW = "correct-horse", "battery-staple"


@pytest.fixture
def shop(stage: Stage, aws: Aws) -> Stage:
    """Its password is in Secrets Manager, which is looked at each second."""
    settings = ", ".join(f"{name}: '{value}'" for name, value in aws.settings.items())
    stage.repository.edit("services:\n", f"secrets: {{every: 1s, aws-secrets-manager: {{{settings}}}}}\nservices:\n")
    stage.repository.edit("steps: [20, 50]", "steps: [20]")
    asked = "    env: {DB_PASSWORD: {secret: shop/db#password}, DB_FILE: {secret: shop/db#password, as: file}}\n"
    stage.repository.edit("    platform: process\n", f"    platform: process\n    deploy: on-build\n{asked}")
    return stage


def passwords(stage: Stage) -> dict[str, set[str]]:
    """Revision -> what its processes have, in the variable and in the file: the kernel's and the disk's word."""
    found: dict[str, set[str]] = {}
    for one in processes.instances(stage.data):
        variables = dict(
            pair.split("=", 1) for pair in Path(f"/proc/{one.pid}/environ").read_text().split("\0") if "=" in pair
        )
        told = {variables["DB_PASSWORD"], Path(variables["DB_FILE"]).read_text()}
        found.setdefault(one.revision, set()).update(told)
        assert OLD not in Path(f"/proc/{one.pid}/cmdline").read_text()
    return found


def asked_for(one: Recorded) -> bool:
    return isinstance(one.event, e.ReleaseRequested) and one.event.why.startswith("the configuration changed")


async def serves(stage: Stage) -> None:
    """A first version that comes by itself: who deploys by hand pins what they named, configuration and all."""
    await stage.serve()
    await stage.apply()
    stage.repository.commit("v1")
    await stage.ask("/shop/releases", reference="v1", by="ann")
    assert await stage.ended() == "promoted"
    address = (await stage.shown())["addresses"]["web"]["public"]
    stage.load = Load(int(address.rpartition(":")[2]))
    stage.load.start()


async def test_a_rotation_is_a_canary_and_a_rollback_brings_the_old_value_back(shop: Stage, aws: Aws) -> None:
    stage = shop
    await serves(stage)
    before = (await stage.shown())["stable"]["revision"]
    assert passwords(stage) == {before: {OLD}}

    first = aws.current("shop/db")
    second = aws.begin("shop/db", password=NEW)  # at AWSPENDING: nobody's yet
    aws.finish("shop/db", second)
    asked = await stage.event(asked_for, "the rotation is seen")
    assert isinstance(asked.event, e.ReleaseRequested)
    assert asked.event.why == f"the configuration changed: secret shop/db#password v{first} -> v{second}"
    await stage.phase("weight 20")
    (candidate,) = passwords(stage).keys() - {before}
    assert passwords(stage) == {before: {OLD}, candidate: {NEW}}, "side by side, each with its own"
    assert await stage.ended() == "promoted"
    await stage.settled("v1")
    assert passwords(stage) == {candidate: {NEW}}

    await stage.tell("rollback")
    assert await stage.ended() == "promoted"
    await stage.settled("v1")
    assert aws.at("shop/db", "AWSPREVIOUS") == first, "the store was not touched"
    assert passwords(stage) == {before: {OLD}}
    await stage.no_request_failed()
    written = [path for path in stage.data.rglob("*") if path.is_file() and not path.is_symlink()]
    assert not [path for path in written if {OLD.encode(), NEW.encode()} & _holds(path)], "no value is on the disk"


def _holds(path: Path) -> set[bytes]:
    content = path.read_bytes() if os.access(path, os.R_OK) else b""
    return {value for value in (OLD.encode(), NEW.encode()) if value in content}
