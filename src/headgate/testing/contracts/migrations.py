"""What every platform that runs migrations must hold. Subclass, and give a fixture `stage` that makes orders."""

from datetime import timedelta
from typing import Literal, Protocol

import pytest

from headgate.model.ids import JobId
from headgate.model.releases import Revision
from headgate.model.schema import MigrationOrder
from headgate.ports import Migrator
from headgate.testing.contracts.platform import MOMENT, PATIENCE, PRODUCTION, STAGING
from headgate.testing.contracts.platform import Stage as PlatformStage

Ending = Literal["passes", "fails", "takes long", "never ends"]


class Stage(PlatformStage, Protocol):
    def order(self, name: str, revision: Revision, ending: Ending) -> MigrationOrder:
        """Of service `web`. `takes long`: a second or more, and then it passes; `never ends`: its limit is a second."""
        ...


def migrator(stage: Stage) -> Migrator:
    assert isinstance(stage.platform, Migrator)
    return stage.platform


async def ended(stage: Stage, order: MigrationOrder) -> str:
    """Its state and what is said of it."""
    waited = 0.0
    while (seen := await migrator(stage).observe_migration(order.environment, order.id)) is None or (
        seen.state == "running"
    ):
        assert waited < PATIENCE, f"after {PATIENCE:g} s still {seen}"
        await stage.wait(MOMENT)
        waited += MOMENT
    return f"{seen.state}: {seen.detail}"


class MigratorContract:
    @pytest.fixture
    def stage(self) -> Stage:
        raise NotImplementedError("give a fixture `stage`: an empty platform and what is needed to use it")

    async def test_one_that_was_never_started_is_not_known(self, stage: Stage) -> None:
        assert await migrator(stage).observe_migration(PRODUCTION, JobId("migration-web-1-1")) is None

    async def test_one_passes(self, stage: Stage) -> None:
        order = stage.order("migration-web-1-1", stage.revision("one"), "passes")
        await migrator(stage).migrate(order)
        assert (await ended(stage, order)).startswith("passed")

    async def test_one_fails_once_and_for_all(self, stage: Stage) -> None:
        order = stage.order("migration-web-1-1", stage.revision("one"), "fails")
        await migrator(stage).migrate(order)
        first = await ended(stage, order)
        await migrator(stage).migrate(order)
        await stage.restart()
        await migrator(stage).migrate(order)
        assert first.startswith("failed")
        assert await ended(stage, order) == first

    async def test_it_outlives_the_server_and_is_not_started_again(self, stage: Stage) -> None:
        order = stage.order("migration-web-1-1", stage.revision("one"), "takes long")
        await migrator(stage).migrate(order)
        await stage.restart()
        await migrator(stage).migrate(order)
        seen = await migrator(stage).observe_migration(order.environment, order.id)
        assert seen is not None
        assert seen.state == "running"
        assert (await ended(stage, order)).startswith("passed")

    async def test_one_that_takes_too_long_is_ended(self, stage: Stage) -> None:
        order = stage.order("migration-web-1-1", stage.revision("one"), "never ends")
        assert order.migration.timeout == timedelta(seconds=1)
        await migrator(stage).migrate(order)
        assert (await ended(stage, order)).startswith("failed")

    async def test_it_is_no_instance(self, stage: Stage) -> None:
        order = stage.order("migration-web-1-1", stage.revision("one"), "takes long")
        await migrator(stage).migrate(order)
        assert list(await stage.platform.observe(PRODUCTION)) == []
        await ended(stage, order)

    async def test_environments_do_not_share_them(self, stage: Stage) -> None:
        order = stage.order("migration-web-1-1", stage.revision("one"), "passes")
        await migrator(stage).migrate(order)
        await ended(stage, order)
        assert await migrator(stage).observe_migration(STAGING, order.id) is None
