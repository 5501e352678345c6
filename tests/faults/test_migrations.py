"""Migrations of a real PostgreSQL under load: no version ever meets data that are not for it, whatever is killed."""

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.faults.database import database
from tests.faults.stage import Refused, Stage

from headgate.model.schema import MigrationEnded, MigrationStarted

pytestmark = [pytest.mark.real("envoy", "postgres", "initdb", "pg_ctl"), pytest.mark.timeout(90)]

KINDS = {1: "expand", 2: "expand", 3: "contract", 4: "expand"}
FILE = """\
application: shop
source: {{git: revert}}
services:
  web:
    build: app
    command: [{python}, service.py]
    port: 8000
    health: {{path: /healthz, interval: 500ms, timeout: 2s}}
    replicas: 2
    env: {{DATABASE: "{database}"}}
    migrations: [{migrations}]
environments:
  production:
    platform: process
    strategy: all-at-once
    keep_warm: 2s
    deadlines: {{ready: 15s, weight: 10s, retire: 20s, drain: 10s}}
"""


class Shop:
    def __init__(self, stage: Stage, where: str) -> None:
        self.stage, self.where = stage, where
        shutil.copy(Path(__file__).with_name("customers.py"), stage.repository.folder / "app" / "service.py")
        with psycopg.connect(where) as connection:
            connection.execute("CREATE TABLE ran (level int)")

    def write(self, level: int, reads: str) -> None:
        """The version whose migrations go up to that level."""
        lines = (f"{{level: {one}, kind: {KINDS[one]}, command: {sys.executable} service.py {one}}}" for one in
                 range(1, level + 1))  # fmt: skip
        text = FILE.format(python=sys.executable, database=self.where, migrations=", ".join(lines))
        (self.stage.repository.folder / "headgate.yaml").write_text(text)
        told = json.dumps({"version": f"v{level}", "reads": reads})
        (self.stage.repository.folder / "app" / "shop.json").write_text(told)

    def ran(self) -> list[int]:
        with psycopg.connect(self.where) as connection:
            return [level for (level,) in connection.execute("SELECT level FROM ran ORDER BY level").fetchall()]

    async def reverted(self) -> str:
        """What the branch of the revert has; main is as its authors left it."""
        git = ("git", "-C", str(self.stage.repository.folder))

        async def pushed() -> str:
            named = (*git, "for-each-ref", "--format=%(refname)", "refs/heads/headgate/")
            return subprocess.run(named, capture_output=True, text=True, check=True).stdout.strip()

        branch = await self.stage.until(pushed, "a revert is pushed")
        shown = (*git, "show", f"{branch}:app/shop.json")
        return subprocess.run(shown, capture_output=True, text=True, check=True).stdout

    async def migrates(self, level: int) -> None:
        began = lambda one: isinstance(one.event, MigrationStarted) and one.event.migration.level == level  # noqa: E731
        await self.stage.event(began, f"migration {level} begins")

    async def migrated(self, level: int) -> str:
        ended = lambda one: isinstance(one.event, MigrationEnded) and one.event.level == level  # noqa: E731
        event = (await self.stage.event(ended, f"migration {level} ends")).event
        assert isinstance(event, MigrationEnded)
        return event.outcome


@pytest.fixture
def shop(stage: Stage) -> Iterator[Shop]:
    with database() as where:
        yield Shop(stage, where)


async def test_a_column_is_renamed_while_users_are_answered(shop: Shop) -> None:
    stage = shop.stage
    shop.write(1, "name")
    await stage.serves("v1")
    shop.write(3, "full_name")
    await stage.deploy("v3")
    await shop.migrates(2)
    await asyncio.sleep(0.3)
    stage.kill_server()
    await stage.serve()
    assert await shop.migrated(2) == "passed"
    assert await stage.ended() == "promoted"
    assert any("v1 is kept warm until" in one for one in (await stage.shown())["waits_for"]), "the contract waits"
    assert shop.ran() == [1, 2]

    assert await shop.migrated(3) == "passed"
    await stage.well("v3")
    with pytest.raises(Refused, match=r"contract migration 3 of v3 began here on .* roll forward, or restore"):
        await stage.tell("rollback")
    assert "production: safe back to nothing" in stage.command("status").stdout

    shop.write(4, "age")
    await stage.deploy("v4")
    assert await stage.ended() == "aborted"
    assert "migration 4 of web failed" in stage.why()
    assert "division by zero" in stage.why()
    await stage.well("v3")
    with pytest.raises(Refused, match="v4 is quarantined"):
        await stage.tell("deploy", release="v4")
    assert shop.ran() == [1, 2, 3, 4]
    assert json.loads(await shop.reverted())["version"] == "v3", "main would not bring it back"
    await stage.no_request_failed()
