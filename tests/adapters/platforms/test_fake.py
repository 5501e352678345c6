"""The fake platform holds what every platform must, so that what is tested with it holds with a real one."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from headgate.model.checks import Check, Job
from headgate.model.ids import EnvironmentId, JobId, ReleaseId, RevisionId
from headgate.model.observations import Instance
from headgate.model.releases import Revision
from headgate.model.services import Service
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
