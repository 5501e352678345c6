"""What may be set about the runner `docker`."""

from datetime import timedelta

from headgate.adapters.runners.steps.settings import StepSettings


class DockerStepSettings(StepSettings):
    engine: str | None = None  # URL of the engine's socket; None: DOCKER_HOST, else Docker's default
    patience: timedelta = timedelta(seconds=15)  # with an engine that does not answer, before a step has begun
