"""Runner `docker`: steps in containers of the Docker Engine on this machine, which outlive the server."""

from collections.abc import Callable, Collection
from functools import partial

from headgate.adapters.machine.secrets import known_secrets
from headgate.adapters.runners.docker.settings import DockerStepSettings
from headgate.adapters.runners.docker.work import Containers
from headgate.adapters.runners.steps.runner import StepRunner, build_of
from headgate.ports import Host

__all__ = ["DockerRunner", "DockerStepSettings", "create"]


class DockerRunner(StepRunner):
    def __init__(
        self,
        settings: DockerStepSettings,
        secrets: Callable[[], Collection[str]] = lambda: (),
        on_change: Callable[[str], None] = lambda _: None,
    ) -> None:
        work = Containers(settings, lambda step: on_change(build_of(step)))
        super().__init__(settings, work, secrets, on_change)


def create(host: Host) -> DockerRunner:
    settings = DockerStepSettings(data=host.folder, artifacts=host.folder.with_name("artifacts"))
    return DockerRunner(settings, partial(known_secrets, host), host.changed)
