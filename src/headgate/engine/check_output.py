"""What an attempt at a check printed, and the files that were kept of it, from where it ran."""

from collections.abc import AsyncIterator
from typing import Protocol, cast

from headgate.engine.application import Application
from headgate.engine.check_views import known
from headgate.engine.output import hidden
from headgate.engine.refusals import Rejected, Unknown
from headgate.engine.wheel import Wheel
from headgate.model.ids import EnvironmentId, JobId, environment_id
from headgate.model.rules import Environment


class CheckKeeper(Protocol):
    """A platform that keeps what its checks print and leave."""

    def job_log(self, environment: EnvironmentId, job: JobId) -> AsyncIterator[str]:
        """What it printed so far; nothing where it is kept no longer."""
        ...

    def job_file(self, environment: EnvironmentId, job: JobId, name: str) -> AsyncIterator[bytes]:
        """One of its artifacts. AdapterError where it is kept no longer."""
        ...


def check_output(application: Application, environment: str, job: str) -> AsyncIterator[str]:
    """Secrets masked. Raises Unknown and Rejected; iterating may raise AdapterError."""
    wheel, rules, keeper, _ = _kept(application, environment, job)
    return hidden(wheel, rules, keeper.job_log(wheel.environment, JobId(job)))


def check_file(application: Application, environment: str, job: str, name: str) -> AsyncIterator[bytes]:
    """As it is kept. Raises Unknown and Rejected; iterating may raise AdapterError."""
    wheel, _, keeper, files = _kept(application, environment, job)
    if name not in files:
        raise Unknown(f"nothing called {name!r} was kept of {job}; `headgate checks {environment}` lists what was")
    return keeper.job_file(wheel.environment, JobId(job), name)


def _kept(
    application: Application, environment: str, job: str
) -> tuple[Wheel, Environment, CheckKeeper, tuple[str, ...]]:
    wheel = application.wheel(environment)
    files = known(wheel.state, job)
    if files is None:
        raise Unknown(f"{environment} knows no check {job!r}; `headgate checks {environment}` lists them")
    rules = application.rules(environment_id(application.name, environment)) or wheel.rules
    if rules is None:
        raise Rejected(f"{environment} is not in the applied specification; `headgate apply` it first")
    platform = wheel.world.platforms[rules.platform]
    if not hasattr(platform, "job_log"):
        raise Rejected(f"the platform {rules.platform} keeps nothing of its checks; look where they run")
    return wheel, rules, cast(CheckKeeper, platform), files
