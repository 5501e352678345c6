"""What the instances of an environment print, and the steps of a build, line by line, from where they run."""

import asyncio
from collections.abc import AsyncIterator

from headgate.engine.application import Application
from headgate.engine.ci import BuildWheel
from headgate.engine.refusals import Rejected, Unknown
from headgate.engine.secrets import learn
from headgate.engine.wheel import Wheel
from headgate.model.builds import CiStep
from headgate.model.ids import environment_id, step_run_id
from headgate.model.rules import Environment

LOOK = 0.1  # seconds between looks whether a step has begun


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
    return hidden(wheel, rules, platform.logs(wheel.environment, service, lines, follow))


async def hidden(wheel: Wheel, rules: Environment, lines: AsyncIterator[str]) -> AsyncIterator[str]:
    """Values of secrets are not shown. Where they cannot be read, and so not be found, nothing is: AdapterError."""
    state = wheel.state
    known = (state.stable, state.previous, state.rollout and state.rollout.revision, *(p.revision for p in state.past))
    revisions = {one.id: one for one in known if one and one.secret_versions}
    running = {instance.revision for instance in wheel.seen.instances or ()}
    await learn(wheel.world, rules, [one for one in revisions.values() if one.id in running])
    async for line in lines:
        yield wheel.world.hidden.hide(line)


def build_output(wheel: BuildWheel, step: str | None, follow: bool) -> AsyncIterator[str]:
    """Step by step in the order of the file; with `follow` to the end of the build, or of that step. Raises Unknown."""
    wanted = [one for one in wheel.state.steps if step in (None, one.name)]
    if not wanted:
        known = ", ".join(one.name for one in wheel.state.steps)
        raise Unknown(f"{wheel.id} has no step {step!r}; its steps: {known}")
    return _printed(wheel, wanted, follow)


async def _printed(wheel: BuildWheel, steps: list[CiStep], follow: bool) -> AsyncIterator[str]:
    for step in steps:
        attempt = 1
        while await _begun(wheel, step.name, attempt, follow):
            name = step_run_id(wheel.id, step.name, attempt)
            async for line in wheel.world.runner(step.image).logs(name, follow):
                yield f"{step.name} | {line}"
            attempt += 1


async def _begun(wheel: BuildWheel, step: str, attempt: int, follow: bool) -> bool:
    """An attempt has begun; with `follow` it is waited for while it may still begin."""
    while True:
        run = wheel.state.runs.get(step)
        if run is not None and run.attempt >= attempt:
            return True
        over = wheel.state.outcome is not None or (run is not None and run.outcome not in (None, "lost"))
        if over or not follow:
            return False
        await asyncio.sleep(LOOK)
