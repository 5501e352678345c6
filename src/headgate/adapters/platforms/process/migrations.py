"""Migrations on the machine itself: commands in the release's folder, with a service's variables; each runs once."""

import asyncio
from collections.abc import Callable, Collection

from headgate.adapters.machine import logs
from headgate.adapters.machine.commands import CommandLine, Commands
from headgate.adapters.machine.folders import Folder
from headgate.adapters.machine.identity import reap
from headgate.adapters.machine.jobs import masked
from headgate.adapters.machine.output import open_sink, sunk, written
from headgate.adapters.machine.secret_files import SecretFiles
from headgate.adapters.machine.spawn import folder_below, inherited
from headgate.adapters.machine.tasks import report
from headgate.adapters.machine.variables import service_variables
from headgate.adapters.platforms.process.settings import ProcessSettings
from headgate.model.checks import JobSeen
from headgate.model.ids import JobId
from headgate.model.schema import MigrationOrder
from headgate.ports import SecretsOf


class Migrations:
    """Of one environment. Their records and logs are kept."""

    def __init__(
        self,
        folder: Folder,
        settings: ProcessSettings,
        changed: Callable[[], None],
        secrets: SecretsOf,
        hidden: Callable[[], Collection[str]],
    ) -> None:
        """`hidden` is what no log of them may show."""
        self._folder, self._settings, self._changed, self._hidden = folder, settings, changed, hidden
        self._secrets, self._files = secrets, SecretFiles(folder.migrations / "secrets")
        self._commands = Commands(folder.migrations, self._ended)
        self._concluding: dict[str, asyncio.Task[None]] = {}
        self._sinks: dict[str, int] = {}

    async def start(self, order: MigrationOrder) -> None:
        if self._commands.seen(order.id) is not None:
            return
        service, where = order.revision.service(order.service), f"{order.environment}, migration of {order.service}"
        values = await self._secrets(order.revision, order.service)
        handed = self._files.handed(order.id, service, values)
        source = self._settings.source(order.revision.release)
        sunk(self._commands.log(order.id)).unlink(missing_ok=True)
        self._commands.start(
            CommandLine(
                order.id,
                order.migration.command,
                folder_below(source, service.build, where),
                service_variables(service, inherited(), self._given(order), where, handed),
                order.migration.timeout,
            ),
            lambda: self._open_sink(order.id, values.values()),
        )

    def _open_sink(self, migration: JobId, values: Collection[str]) -> int:
        known = {*self._hidden(), *values}
        log = self._commands.log(migration).resolve()
        writing, self._sinks[migration] = open_sink(log, self._settings.log_bytes, known)
        return writing

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
        if record.state == "running" or migration in self._concluding:
            return JobSeen(migration, "running")
        self._files.forget(migration)
        if record.state == "passed":
            return JobSeen(migration, "passed", record.detail)
        why = record.detail.partition("; last lines: ")[0] + logs.last_words(self._commands.log(migration))
        return JobSeen(migration, "lost" if record.state == "lost" else "failed", masked(why, self._hidden()))

    def _ended(self, migration: str) -> None:
        task = self._concluding[migration] = asyncio.create_task(self._conclude(migration), name=f"end of {migration}")
        task.add_done_callback(report)

    async def _conclude(self, migration: str) -> None:
        """Its last lines are in the log before it is told that it has ended."""
        try:
            await written(self._commands.log(migration))
            if (sink := self._sinks.pop(migration, None)) is not None:
                reap(sink)
        finally:
            del self._concluding[migration]
        self._changed()

    def close(self) -> None:
        """Look away: they go on."""
        for task in self._concluding.values():
            task.cancel()
        self._commands.close()
