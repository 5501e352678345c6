"""Migrations in containers of their release's image, with a service's variables; each runs once.

The container goes when it has ended; what became of it and its last lines are kept in files.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter

from headgate.adapters.docker_engine import EngineRefused
from headgate.adapters.machine.exits import ending
from headgate.adapters.machine.folders import PRIVATE_FILE, Folder, read, write_atomically
from headgate.adapters.machine.folders import checked as fit
from headgate.adapters.machine.logs import worded
from headgate.adapters.machine.sink import MASK, Mask
from headgate.adapters.machine.variables import service_variables
from headgate.adapters.platforms.docker import containers, logs
from headgate.adapters.platforms.docker.fleet import Fleet
from headgate.adapters.platforms.docker.images import Image
from headgate.adapters.platforms.docker.instances import SIGNALS, Around
from headgate.adapters.platforms.docker.variables import given, inherited, own
from headgate.model.checks import JobSeen
from headgate.model.ids import JobId
from headgate.model.schema import MigrationOrder
from headgate.ports import AdapterError, SecretsOf

PROMPT = 5.0  # seconds, in which what cannot begin is told to who asked for it; a pull may take longer
KEPT_LINES = 2000  # of its output
SIGNAL_BASE = 128  # an exit code above it: a signal ended it
MIGRATION = "headgate.migration"  # label: whose it is. Without that of instances, among which it does not count


@dataclass(frozen=True, slots=True)
class MigrationRecord:
    name: str  # of its container
    place: str  # of the machine that it is on
    timeout: timedelta
    began: bool = False
    state: Literal["running", "passed", "failed", "lost"] = "running"
    detail: str = ""


RECORD = TypeAdapter(MigrationRecord)


class Migrations:
    """Of one environment."""

    def __init__(
        self,
        folder: Folder,
        fleet: Fleet,
        secrets: SecretsOf,
        hidden: Callable[[], Collection[str]],
        arounds: Callable[[], Mapping[str, Around]],
    ) -> None:
        """`hidden` is what no log of them may show; `arounds`: the machines that are known now, by their place."""
        self._folder, self._fleet, self._secrets, self._hidden, self._arounds = folder, fleet, secrets, hidden, arounds
        self._beginning: dict[JobId, asyncio.Task[None]] = {}

    async def start(self, order: MigrationOrder) -> None:
        """Its container may have begun, and ended, under a server that was killed before it could say so."""
        if await self.seen(order.id) is not None:
            return
        if order.id not in self._beginning:
            self._beginning[order.id] = asyncio.create_task(self._begin(order), name=f"begin {order.id}")
        task = self._beginning[order.id]
        await asyncio.wait({task}, timeout=PROMPT)
        if task.done():
            del self._beginning[order.id]
            task.result()

    async def _begin(self, order: MigrationOrder) -> None:
        around = self._around(order)
        service = order.revision.service(order.service)
        name = f"{containers.scope(around.server, order.environment)}.{fit('migration', order.id)}"
        record = MigrationRecord(name, around.machine.place, order.migration.timeout)
        self._save(order.id, record)
        images = around.machine.images
        image = await images.find(self._folder, order.revision, service)
        if image is None:
            await (await images.pull(order.revision, service)).run(around.engine)
            image = await images.find(self._folder, order.revision, service)
        if image is None:
            raise AdapterError(f"{order.environment}: the pull of {service.image} broke off; it is tried again")
        body = await self._request(order, around, image)
        # 409: a server that ended just then has made it.
        await around.engine.json("POST", "/containers/create", {"name": name}, body, accept=(409,))
        await around.engine.json("POST", f"/containers/{name}/start", accept=(304,))
        self._save(order.id, replace(record, began=True))
        around.changed()

    def _around(self, order: MigrationOrder) -> Around:
        """Where it was begun before, or the first machine that answers."""
        record, able = self._record(order.id), self._fleet.seats.able()
        return next((one for one in able if record and one.machine.place == record.place), able[0])

    async def _request(self, order: MigrationOrder, around: Around, image: Image) -> dict[str, Any]:
        revision, service = order.revision, order.revision.service(order.service)
        network = await around.machine.networks.ensure(order.environment)
        reached = own(service, revision, await self._fleet.bridged(around, revision, network))
        told = {**given(revision, service), "HEADGATE_MIGRATION": str(order.migration.level)}
        where = f"{order.environment}, migration of {order.service}"
        values = await self._secrets(revision, service.name)
        variables = service_variables(reached, inherited(image), told, where, values)
        tag = containers.tagged(revision, service, 1, around.machine.place)
        host = containers.host_request(around.settings, around.server, tag, service, network)
        body = {
            "Image": image.id,
            "Entrypoint": ["/bin/sh", "-c", order.migration.command],
            "Cmd": [],
            "Env": [f"{name}={value}" for name, value in variables.items()],
            "Labels": {MIGRATION: around.server, "headgate.environment": order.environment, "headgate.job": order.id},
            "Healthcheck": {"Test": ["NONE"]},
            "HostConfig": {**host, "PortBindings": {}},
        }
        return body if service.container.user is None else {**body, "User": service.container.user}

    async def seen(self, migration: JobId) -> JobSeen | None:
        if migration in self._beginning and not self._beginning[migration].done():
            return JobSeen(migration, "running", "its image is on its way")
        record = self._record(migration)
        if record is None:
            return None
        if record.state == "running":
            record = await self._looked(migration, record)
        return JobSeen(migration, record.state, record.detail) if record else None

    async def _looked(self, migration: JobId, record: MigrationRecord) -> MigrationRecord | None:
        around = self._arounds().get(record.place)
        if around is None:
            raise AdapterError(f"{migration} is on {record.place or 'this machine'}, which does not answer")
        try:
            found = await around.engine.json("GET", f"/containers/{record.name}/json")
        except EngineRefused as error:
            if error.status != 404:
                raise
            return self._lost(migration, record) if record.began else None
        state = found["State"]
        if state["Status"] == "created":
            return None
        if state["Running"]:
            return await self._timed(migration, record, around, found)
        return await self._conclude(migration, record, around, found)

    def _lost(self, migration: JobId, record: MigrationRecord) -> MigrationRecord:
        return self._save(migration, replace(record, state="lost", detail="its container was removed by someone"))

    async def _timed(
        self, migration: JobId, record: MigrationRecord, around: Around, found: Mapping[str, Any]
    ) -> MigrationRecord:
        lived = datetime.now(UTC) - _moment(found["State"]["StartedAt"])
        if lived <= record.timeout:
            return record
        await around.engine.json("POST", f"/containers/{record.name}/kill", accept=(404, 409))
        limit = f"was ended as it took longer than {record.timeout.total_seconds():g} s"
        return await self._ended(migration, replace(record, state="failed", detail=limit), around)

    async def _conclude(
        self, migration: JobId, record: MigrationRecord, around: Around, found: Mapping[str, Any]
    ) -> MigrationRecord:
        state = found["State"]
        code, lived = int(state["ExitCode"]), _moment(state["FinishedAt"]) - _moment(state["StartedAt"])
        if code == 0:
            passed = replace(record, state="passed", detail=f"passed in {lived.total_seconds():.1f} s")
            return await self._ended(migration, passed, around)
        how = ending(SIGNAL_BASE - code if SIGNAL_BASE < code <= SIGNAL_BASE + SIGNALS else code, lived)
        if state.get("OOMKilled"):
            how = "was killed, because it needed more memory than its container may have"
        return await self._ended(migration, replace(record, state="failed", detail=how), around)

    async def _ended(self, migration: JobId, record: MigrationRecord, around: Around) -> MigrationRecord:
        """Its log first, then what became of it, then the container goes: a crash in between does it again."""
        mask = Mask(sorted(self._hidden()))
        printed = [line async for line in logs.lines(around.engine, record.name, KEPT_LINES)]
        said = [MASK.decode() if mask.of_key(line.encode()) else _hidden(line, mask) for line in printed]
        path = self._path(migration, "log")
        path.write_text("".join(f"{line}\n" for line in said), errors="replace")
        path.chmod(PRIVATE_FILE)
        words = worded(said) if record.state == "failed" else ""
        kept = self._save(migration, replace(record, detail=record.detail + words))
        await around.engine.json("DELETE", f"/containers/{record.name}", {"force": "1"}, accept=(404, 409))
        return kept

    def _record(self, migration: JobId) -> MigrationRecord | None:
        return read(RECORD, self._path(migration, "json"))

    def _save(self, migration: JobId, record: MigrationRecord) -> MigrationRecord:
        write_atomically(self._path(migration, "json"), RECORD.dump_json(record).decode())
        return record

    def _path(self, migration: JobId, kind: str) -> Path:
        return self._folder.migrations / f"{fit('migration', migration)}.{kind}"

    def close(self) -> None:
        for task in self._beginning.values():
            task.cancel()


def _hidden(line: str, mask: Mask) -> str:
    return mask.hide(line.encode()).decode(errors="replace")


def _moment(text: str) -> datetime:
    return datetime.fromtimestamp(float(logs.seconds(text)), UTC)
