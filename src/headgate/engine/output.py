"""What the instances of an environment print, line by line, from the platform that runs them."""

from collections.abc import AsyncIterator

from headgate.engine.application import Application
from headgate.engine.refusals import Rejected
from headgate.model.ids import environment_id


def output(
    application: Application, environment: str, service: str | None, lines: int, follow: bool
) -> AsyncIterator[str]:
    """Raises Rejected where the platform keeps no output; iterating may raise AdapterError."""
    wheel = application.wheel(environment)
    rules = application.rules(environment_id(application.name, environment)) or wheel.rules
    if rules is None:
        raise Rejected(f"{environment} is not in the applied specification; `headgate apply` it first")
    platform = wheel.world.platforms[rules.platform]
    if not hasattr(platform, "logs"):
        raise Rejected(f"the platform {rules.platform} keeps no output of what it runs; look where it runs")
    found: AsyncIterator[str] = platform.logs(wheel.environment, service, lines, follow)
    return found
