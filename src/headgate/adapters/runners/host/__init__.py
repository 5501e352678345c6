"""Runner `host`: steps as processes of this machine, which outlive the server."""

from collections.abc import Callable, Collection
from functools import partial

from headgate.adapters.machine.secrets import known_secrets
from headgate.adapters.runners.host.processes import Processes
from headgate.adapters.runners.steps.runner import StepRunner, build_of
from headgate.adapters.runners.steps.settings import StepSettings
from headgate.ports import Host

__all__ = ["HostRunner", "create"]


class HostRunner(StepRunner):
    def __init__(
        self,
        settings: StepSettings,
        secrets: Callable[[], Collection[str]] = lambda: (),
        on_change: Callable[[str], None] = lambda _: None,
    ) -> None:
        work = Processes(settings.data, lambda step: on_change(build_of(step)))
        super().__init__(settings, work, secrets, on_change)


def create(host: Host) -> HostRunner:
    settings = StepSettings(data=host.folder, artifacts=host.folder.with_name("artifacts"))
    return HostRunner(settings, partial(known_secrets, host), host.changed)
