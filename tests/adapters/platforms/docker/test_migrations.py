"""Migrations as containers of their own: the contract, what they are given, and what their output may show."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from tests.adapters.platforms.docker.stage import DockerStage, staged

from headgate.adapters.platforms.docker import DockerPlatform
from headgate.adapters.platforms.docker.migrations import MigrationRecord, Migrations
from headgate.model.ids import JobId
from headgate.model.releases import Revision
from headgate.model.services import Value
from headgate.ports import AdapterError
from headgate.testing.contracts.migrations import MigratorContract, ended, migrator

WORDS = "correct-horse-battery"
ENV = {"PASSWORD": Value("secret", "shop/db"), "LEVEL": Value("plain", "info")}
FAILS = 'echo "$LEVEL $RELEASE $SERVICE $ENVIRONMENT $HEADGATE_MIGRATION"; echo "cannot log in with $PASSWORD"; false'

pytestmark = pytest.mark.real("dockerd")


class TestDockerMigrations(MigratorContract):
    @pytest.fixture
    async def stage(self, tmp_path: Path) -> AsyncIterator[DockerStage]:
        async with staged(tmp_path) as made:
            yield made


async def given(revision: Revision, service: str) -> Mapping[str, str]:
    return {"PASSWORD": WORDS}


async def test_it_has_what_an_instance_has_and_its_output_is_masked(stage: DockerStage) -> None:
    stage.platform = DockerPlatform(stage.settings, secrets=given, masked=lambda: [WORDS])
    order = stage.order("migration-web-1-1", stage.revision("one", env=ENV), "fails", FAILS)
    await migrator(stage).migrate(order)
    said = await ended(stage, order)
    assert said.startswith("failed: exited with code 1")
    assert said.endswith("cannot log in with ***")
    [log] = (stage.settings.data / "environments").rglob("migration-web-1-1.log")
    assert log.read_text() == "info rel_00000000000a web production 1\ncannot log in with ***\n"


async def test_one_that_was_begun_when_the_server_was_killed_runs_once(
    stage: DockerStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    order, saved = stage.order("migration-web-1-1", stage.revision("one"), "passes"), Migrations._save

    def killed(self: Migrations, migration: JobId, record: MigrationRecord) -> MigrationRecord:
        if record.began:
            raise AdapterError("killed")
        return saved(self, migration, record)

    with monkeypatch.context() as patched:
        patched.setattr(Migrations, "_save", killed)
        with pytest.raises(AdapterError, match="killed"):
            await migrator(stage).migrate(order)
    while (await stage.inspect(order.id))["State"]["Status"] != "exited":
        await stage.wait(0.05)
    await stage.restart()
    await migrator(stage).migrate(order)
    assert (await ended(stage, order)).startswith("passed")
    [log] = (stage.settings.data / "environments").rglob("migration-web-1-1.log")
    assert log.read_text() == "fine\n"
