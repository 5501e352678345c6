"""Migrations as processes of their own: the contract, what they are given, what their output may show, and crashes."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from tests.adapters.platforms.process.stage import ProcessStage, processes_below, staged
from tests.adapters.platforms.process.test_recovery import killed_server

from headgate.adapters.platforms.process import ProcessPlatform
from headgate.model.releases import Revision
from headgate.model.services import Value
from headgate.testing.contracts.migrations import MigratorContract, ended, migrator

WORDS = "correct-horse-battery"
ENV = {"PASSWORD": Value("secret", "shop/db"), "LEVEL": Value("plain", "info")}
FAILS = 'echo "$LEVEL $RELEASE $SERVICE $ENVIRONMENT $HEADGATE_MIGRATION"; echo "cannot log in with $PASSWORD"; false'

pytestmark = pytest.mark.real


class TestProcessMigrations(MigratorContract):
    @pytest.fixture
    async def stage(self, tmp_path: Path) -> AsyncIterator[ProcessStage]:
        async with staged(tmp_path) as made:
            yield made


async def given(revision: Revision, service: str) -> Mapping[str, str]:
    return {"PASSWORD": WORDS}


def kept(stage: ProcessStage, kind: str) -> str:
    [path] = (stage.settings.data / "environments").rglob(f"migration-web-1-1.{kind}")
    return path.read_text()


async def test_it_has_what_an_instance_has_and_its_output_is_masked(stage: ProcessStage) -> None:
    stage.platform = ProcessPlatform(stage.settings, secrets=given, masked=lambda: [WORDS])
    order = stage.order("migration-web-1-1", stage.revision("one", env=ENV), "fails", FAILS)
    await migrator(stage).migrate(order)
    said = await ended(stage, order)
    assert said.startswith("failed: exited with code 1")
    assert said.endswith("cannot log in with ***")
    assert kept(stage, "log") == "info rel_00000000000a web production 1\ncannot log in with ***\n"
    files = [path.read_text() for path in stage.settings.data.rglob("*") if path.is_file()]
    assert not [text for text in files if WORDS in text]


async def test_what_it_started_ends_with_it(stage: ProcessStage) -> None:
    order = stage.order("migration-web-1-1", stage.revision("one"), "never ends", "sleep 77 & sleep 78")
    await migrator(stage).migrate(order)
    assert "took longer than 1 s" in await ended(stage, order)
    await asyncio.sleep(0.1)
    assert processes_below(stage.settings.releases) == []


async def test_one_that_ended_while_no_server_was_there_is_not_run_again(tmp_path: Path) -> None:
    killed_server(tmp_path, "migrate", "sleep 0.3; echo ran >> $REVISION.txt; echo no room; exit 4")
    await asyncio.sleep(0.6)
    async with staged(tmp_path) as stage:
        order = stage.order("migration-web-1-1", stage.revision("one"), "passes", "echo again >> $REVISION.txt")
        await migrator(stage).migrate(order)
        said = await ended(stage, order)
        assert said.startswith("failed: exited with code 4")
        assert said.endswith("no room")
        (written,) = stage.settings.releases.rglob("rev_*.txt")
        assert written.read_text() == "ran\n"


async def test_one_that_somebody_kills_has_failed(stage: ProcessStage) -> None:
    order = stage.order("migration-web-1-1", stage.revision("one"), "passes", "kill -9 $PPID; sleep 5")
    await migrator(stage).migrate(order)
    assert (await ended(stage, order)).startswith("failed: was killed by SIGKILL")
