"""All instances of one environment."""

import asyncio
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from headgate.adapters.machine import logs
from headgate.adapters.machine.folders import checked
from headgate.adapters.machine.identity import MARKER
from headgate.adapters.machine.secret_files import SecretFiles
from headgate.adapters.machine.spawn import Launch, command_line, folder_below, inherited
from headgate.adapters.machine.variables import service_variables
from headgate.adapters.platforms.process.free_ports import allocate
from headgate.adapters.platforms.process.instances import Around, Slot
from headgate.adapters.platforms.process.records import Record, load
from headgate.model.errors import joined
from headgate.model.ids import EnvironmentId, RevisionId
from headgate.model.observations import Instance
from headgate.model.releases import Revision
from headgate.model.services import Service
from headgate.ports import AdapterError, SecretsOf, no_secrets

FIRST_LOOK = 2.0  # seconds; how long a new server waits to know whether what it found is ready


class Fleet:
    def __init__(
        self,
        environment: EnvironmentId,
        around: Around,
        ports_taken: Callable[[], set[int]],
        secrets: SecretsOf = no_secrets,
    ) -> None:
        self.environment = environment
        self.slots: dict[str, Slot] = {}
        self._around, self._ports_taken, self._secrets = around, ports_taken, secrets
        self._files = SecretFiles(around.folder.secrets)
        self._starting = asyncio.Lock()  # two callers at once start no more than one would

    async def adopt(self) -> None:
        """Find everything again; returns when it is known which of them are ready."""
        records = [load(path) for path in sorted(self._around.folder.instances.glob("*.json"))]
        self.slots = {record.id: Slot(record, self._around, self._gone) for record in records if record is not None}
        self._files.keep(self.slots)
        for slot in list(self.slots.values()):
            slot.adopt()
        looks = [asyncio.create_task(slot.looked.wait()) for slot in self.slots.values()]
        if looks:
            _, late = await asyncio.wait(looks, timeout=FIRST_LOOK)
            for look in late:
                look.cancel()

    def instances(self) -> list[Instance]:
        return sorted((slot.seen() for slot in self.slots.values()), key=lambda instance: instance.id)

    def ports(self) -> set[int]:
        return {slot.record.port for slot in self.slots.values()}

    async def start_missing(self, revision: Revision) -> None:
        """One service that cannot be started does not keep the others from it."""
        async with self._starting:
            self._around.folder.remember_release(revision.id, revision.release)
            refusals = []
            for service in revision.services:
                try:
                    await self._fill(revision, service)
                except AdapterError as error:
                    refusals.append(error)
        if refusals:
            raise joined(refusals)

    async def _fill(self, revision: Revision, service: Service) -> None:
        now = datetime.now(UTC)
        filled = self._of(revision.id, service.name)
        due, missing = [slot for slot in filled if slot.due(now)], service.replicas - len(filled)
        if not due and missing <= 0:
            return
        values = await self._secrets(revision, service.name)
        for slot in due:
            self._start(slot.record.id, revision, service, slot, values)
            await asyncio.sleep(0)  # a start takes some 15 ms, most of it the disk's: let others in between
        for _ in range(missing):
            self._start(self._new_id(revision.id, service.name), revision, service, None, values)
            await asyncio.sleep(0)

    def _of(self, revision: RevisionId, service: str) -> list[Slot]:
        slots = (slot for slot in self.slots.values() if not slot.stopping)
        return [slot for slot in slots if slot.record.revision == revision and slot.record.service == service]

    def _new_id(self, revision: RevisionId, service: str) -> str:
        if "." in revision:
            raise AdapterError(f"revision {revision!r} is refused: it may hold no dot")
        prefix = f"{checked('service', service)}.{checked('revision', revision)}"
        numbers = range(1, len(self.slots) + 2)
        return next(name for number in numbers if (name := f"{prefix}.{number}") not in self.slots)

    def _start(
        self, name: str, revision: Revision, service: Service, slot: Slot | None, values: Mapping[str, str]
    ) -> None:
        before = slot.record if slot else None
        record = self._record(name, revision, service, before)
        launch = self._launch(record, revision, service, values)
        slot = slot or Slot(record, self._around, self._gone)
        slot.start(record, launch, before)
        self.slots[name] = slot
        self._around.changed()

    def _record(self, name: str, revision: Revision, service: Service, before: Record | None) -> Record:
        settings = self._around.settings
        return Record(
            id=name,
            environment=self.environment,
            revision=revision.id,
            service=service.name,
            health=service.health,
            marker=f"{name}.{secrets.token_hex(8)}",
            port=allocate(settings.first_port, settings.last_port, self._ports_taken()),
            log_start=logs.size(self._around.folder.log(service.name, name)),
            started_at=datetime.now(UTC),
            restarts=before.restarts if before else 0,
        )

    def _launch(self, record: Record, revision: Revision, service: Service, values: Mapping[str, str]) -> Launch:
        where = f"{self.environment}, service {service.name}"
        application, _, environment = self.environment.partition("/")
        given = {
            "HOST": "127.0.0.1",
            "PORT": str(record.port),
            "APPLICATION": application,
            "ENVIRONMENT": environment,
            "SERVICE": service.name,
            "RELEASE": revision.release,
            "REVISION": revision.id,
            "DATA_DIR": str(self._around.folder.data.resolve()),
            MARKER: record.marker,
        }
        handed = self._files.handed(record.id, service, values)
        variables = service_variables(service, inherited(), given, where, handed)
        source = self._around.settings.source(revision.release)
        return Launch(
            argv=command_line(service, variables, where),
            folder=folder_below(source, service.build, where),
            variables=variables,
            log=self._around.folder.log(service.name, record.id),
        )

    def stop(self, revision: RevisionId | None) -> None:
        """None: every revision."""
        for slot in list(self.slots.values()):
            if revision is None or slot.record.revision == revision:
                slot.tell_to_stop()

    def logs(self, service: str | None) -> list[Path]:
        """Of the instances there are; where there are none, the newest that was kept of each service."""
        folder = self._around.folder
        records = [slot.record for slot in self.slots.values() if service in {None, slot.record.service}]
        if records:
            return sorted(folder.log(record.service, record.id) for record in records)
        services = [folder.logs / checked("service", service)] if service else sorted(folder.logs.iterdir())
        kept = [sorted(path.glob("*.log"), key=lambda log: log.stat().st_mtime) for path in services]
        return [found[-1] for found in kept if found]

    def _gone(self, slot: Slot) -> None:
        self.slots.pop(slot.record.id, None)
        self._files.forget(slot.record.id)
        service = slot.record.service
        live = {other.record.id for other in self.slots.values() if other.record.service == service}
        logs.prune(self._around.folder.logs / service, self._around.settings.logs_kept, live)

    def close(self) -> None:
        for slot in self.slots.values():
            slot.close()
