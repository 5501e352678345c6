"""Migrations on the machine itself: commands in the release's folder, with a service's variables; each runs once."""

import logging
from collections.abc import Callable

from headgate.adapters.machine import logs
from headgate.adapters.machine.commands import CommandLine, Commands
from headgate.adapters.machine.folders import Folder
from headgate.adapters.machine.secret_files import SecretFiles
from headgate.adapters.machine.spawn import folder_below, inherited
from headgate.adapters.machine.variables import service_variables
from headgate.adapters.platforms.process.settings import ProcessSettings
from headgate.model.checks import JobSeen
from headgate.model.ids import JobId
from headgate.model.schema import MigrationOrder
from headgate.ports import SecretsOf

LOG = logging.getLogger(__name__)


class Migrations:
    """Of one environment. Their records and logs are kept."""

    def __init__(
        self, folder: Folder, settings: ProcessSettings, changed: Callable[[], None], secrets: SecretsOf
    ) -> None:
        self._folder, self._settings = folder, settings
        self._secrets, self._files = secrets, SecretFiles(folder.migrations / "secrets")
        self._commands = Commands(folder.migrations, lambda _: changed())

    async def start(self, order: MigrationOrder) -> None:
        if self._commands.seen(order.id) is not None:
            return
        service, where = order.revision.service(order.service), f"{order.environment}, migration of {order.service}"
        values = await self._secrets(order.revision, order.service)
        handed = self._files.handed(order.id, service, values)
        source = self._settings.source(order.revision.release)
        self._commands.start(
            CommandLine(
                order.id,
                order.migration.command,
                folder_below(source, service.build, where),
                service_variables(service, inherited(), self._given(order), where, handed),
                order.migration.timeout,
            )
        )

    def _given(self, order: MigrationOrder) -> dict[str, str]:
        """What an instance is told. It has no port of its own: the one it would have in a container is named."""
        application, _, environment = order.environment.partition("/")
        return {
            "HOST": "127.0.0.1",
            "PORT": str(order.revision.service(order.service).port),
            "APPLICATION": application,
            "ENVIRONMENT": environment,
            "SERVICE": order.service,
            "RELEASE": order.revision.release,
            "REVISION": order.revision.id,
            "DATA_DIR": str(self._folder.data.resolve()),
            "HEADGATE_MIGRATION": str(order.migration.level),
        }

    def seen(self, migration: JobId) -> JobSeen | None:
        record = self._commands.seen(migration)
        if record is None:
            return None
        if record.state == "running":
            self._cut_log(migration)
        else:
            self._files.forget(migration)
        return JobSeen(migration, "failed" if record.state == "stopped" else record.state, record.detail)

    def _cut_log(self, migration: JobId) -> None:
        try:
            logs.cut(self._commands.log(migration), self._settings.log_bytes)
        except OSError as error:
            LOG.warning("cannot cut the log of %s: %s", migration, error.strerror)

    def close(self) -> None:
        """Look away: they go on."""
        self._commands.close()
