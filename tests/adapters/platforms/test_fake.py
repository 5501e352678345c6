"""The fake platform holds what every platform must, so that what is tested with it holds with a real one."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from headgate.model.checks import Check, Job
from headgate.model.ids import EnvironmentId, JobId, ReleaseId, RevisionId
from headgate.model.migrations import Migration
from headgate.model.observations import Instance
from headgate.model.releases import Revision
from headgate.model.schema import MigrationOrder
from headgate.model.services import Service
from headgate.testing.contracts.migrations import MigratorContract
from headgate.testing.contracts.platform import PRODUCTION, Behaviour, Ending, PlatformContract
from headgate.testing.fakes.clock import FakeClock
from headgate.testing.fakes.platform import Behaviour as FakeBehaviour
from headgate.testing.fakes.platform import FakePlatform

BEHAVIOURS = {
    "well": FakeBehaviour(ready_after=timedelta(seconds=0.2)),
    "unready": FakeBehaviour(ready_after=None),
    "crash": FakeBehaviour(ready_after=None, lives_for=timedelta(seconds=0.1)),
    "slow to stop": FakeBehaviour(drains_in=timedelta(seconds=0.7)),
}


@dataclass
class FakeStage:
    clock: FakeClock = field(default_factory=FakeClock)
    platform: FakePlatform = field(init=False)

    def __post_init__(self) -> None:
        self.platform = FakePlatform(self.clock)

    def revision(
        self, name: str, behaviour: Behaviour = "well", replicas: int = 1, environment: EnvironmentId = PRODUCTION
    ) -> Revision:
        service = Service("web", ("web",), 8000, replicas=replicas)
        revision = Revision(RevisionId(f"rev_{name}"), environment, ReleaseId("rel_1"), "c" * 40, name, (service,))
        self.platform.behaviours[revision.id] = BEHAVIOURS[behaviour]
        return revision

    def job(self, name: str, revision: Revision, ending: Ending) -> Job:
        takes = timedelta(seconds=1.2 if ending == "takes long" else 0)
        checks = "failed" if ending == "fails" else "passed"
        self.platform.behaviours[revision.id] = FakeBehaviour(checks=checks, check_takes=takes)
        return Job(JobId(name), revision.environment, revision.id, Check("e2e", "run", "true"), {}, {})

    def order(self, name: str, revision: Revision, ending: str) -> MigrationOrder:
        takes = {"takes long": timedelta(seconds=1.2), "never ends": timedelta(days=1)}.get(ending, timedelta())
        migrates = "failed" if ending == "fails" else "passed"
        self.platform.behaviours[revision.id] = FakeBehaviour(migrates=migrates, migration_takes=takes)
        limit = timedelta(seconds=1) if ending == "never ends" else timedelta(minutes=1)
        return MigrationOrder(JobId(name), revision, "web", Migration(1, "true", "expand", limit))

    async def restart(self) -> None:
        """The fake is itself the world that outlives the server."""

    async def kill(self, instance: Instance) -> None:
        self.platform.kill(instance.id)

    async def wait(self, seconds: float) -> None:
        self.clock.advance(timedelta(seconds=seconds))


class TestFakePlatform(PlatformContract):
    @pytest.fixture
    def stage(self) -> FakeStage:
        return FakeStage()


class TestFakeMigrations(MigratorContract):
    @pytest.fixture
    def stage(self) -> FakeStage:
        return FakeStage()
