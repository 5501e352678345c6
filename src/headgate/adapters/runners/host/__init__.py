"""Runner `host`: steps as processes of this machine, which outlive the server."""

from collections.abc import Callable, Collection

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
    # <data>/runners/host is the runner's own; the server's token lies at the top.
    settings = StepSettings(data=host.folder, artifacts=host.folder.with_name("artifacts"))
    return HostRunner(settings, lambda: known_secrets(host.folder.parent.parent / "token"), host.changed)
