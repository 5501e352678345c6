"""Names of things. Ids are prefixed strings, so that a log line read alone says what it names."""

from typing import NewType

ReleaseId = NewType("ReleaseId", str)  # rel_<12 hex>
RevisionId = NewType("RevisionId", str)  # rev_<12 hex>, derived from what it contains
RolloutId = NewType("RolloutId", str)  # rol_<12 hex>
JobId = NewType("JobId", str)  # <rollout>-<step>-<attempt>
BuildId = NewType("BuildId", str)  # bld_<12 hex>
StepRunId = NewType("StepRunId", str)  # <build>.<step>.<attempt>
EnvironmentId = NewType("EnvironmentId", str)  # "APPLICATION/ENVIRONMENT", also the stream's suffix


SERVER_STREAM = "server"  # what holds for every environment of every application


def environment_id(application: str, environment: str) -> EnvironmentId:
    return EnvironmentId(f"{application}/{environment}")


def environment_stream(environment: EnvironmentId) -> str:
    return f"environment:{environment}"


def application_stream(application: str) -> str:
    return f"application:{application}"


def release_stream(release: ReleaseId) -> str:
    return f"release:{release}"


def build_stream(build: BuildId) -> str:
    return f"build:{build}"


def target_stream(application: str, target: str) -> str:
    return f"target:{application}/{target}"


def step_run_id(build: BuildId, step: str, attempt: int) -> StepRunId:
    return StepRunId(f"{build}.{step}.{attempt}")
