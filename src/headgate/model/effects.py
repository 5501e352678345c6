"""Effects: idempotent requests to the world, each a difference between what is desired and what was seen."""

from dataclasses import dataclass

from headgate.model.builds import Build, StepOrder
from headgate.model.checks import Job
from headgate.model.ids import EnvironmentId, RevisionId, StepRunId
from headgate.model.releases import Revision
from headgate.model.routes import Routes
from headgate.model.schema import MigrationOrder


@dataclass(frozen=True, slots=True)
class Run:
    revision: Revision

    def __str__(self) -> str:
        return f"run {self.revision.id}"


@dataclass(frozen=True, slots=True)
class Stop:
    environment: EnvironmentId
    revision: RevisionId

    def __str__(self) -> str:
        return f"stop {self.revision}"


@dataclass(frozen=True, slots=True)
class SetRoutes:
    routes: Routes

    def __str__(self) -> str:
        shares = ", ".join(f"{b.revision} {b.weight}" for b in self.routes.backends)
        return f"set routes ({shares})"


@dataclass(frozen=True, slots=True)
class RunJob:
    job: Job

    def __str__(self) -> str:
        return f"run check {self.job.check.name} ({self.job.id})"


@dataclass(frozen=True, slots=True)
class RunMigration:
    order: MigrationOrder

    def __str__(self) -> str:
        """With the revision: that it cannot be started is a failing of the candidate's rollout."""
        order = self.order
        return f"migrate {order.service} {order.migration.level} ({order.id}) of {order.revision.id}"


@dataclass(frozen=True, slots=True)
class ApplyPlan:
    """Of infrastructure."""

    environment: EnvironmentId
    digest: str

    def __str__(self) -> str:
        return f"apply {self.digest}"


Effect = Run | Stop | SetRoutes | RunJob | RunMigration | ApplyPlan


@dataclass(frozen=True, slots=True)
class StartStep:
    order: StepOrder

    def __str__(self) -> str:
        return f"start step {self.order.step.name} ({self.order.id})"


@dataclass(frozen=True, slots=True)
class StopStep:
    image: str | None  # of the step: by it the runner is chosen
    id: StepRunId
    why: str

    def __str__(self) -> str:
        return f"stop step {self.id}"


@dataclass(frozen=True, slots=True)
class MakeRelease:
    build: Build

    def __str__(self) -> str:
        return f"make the release of {self.build.commit}"


@dataclass(frozen=True, slots=True)
class StopMaking:
    build: Build

    def __str__(self) -> str:
        return f"stop making the release of {self.build.commit}"


BuildEffect = StartStep | StopStep | MakeRelease | StopMaking
