"""Steps in containers: begun once, attended to their end, found again by their labels, removed.

How one ended is written down before its container goes, so that a server that is killed in between tells it rightly.
"""

import asyncio
import json
import logging
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from headgate.adapters.docker_engine import DockerEngine, EngineRefused, EngineUnreachable
from headgate.adapters.docker_images import DockerImages
from headgate.adapters.machine.folders import checked, private, read, write_atomically
from headgate.adapters.machine.output import sunk
from headgate.adapters.machine.tasks import report
from headgate.adapters.runners.docker import containers
from headgate.adapters.runners.docker.containers import ENDED, OUTPUT, RUNNER, STEP
from headgate.adapters.runners.docker.owner import give, owner
from headgate.adapters.runners.docker.settings import DockerStepSettings
from headgate.adapters.runners.steps.work import Life, Output
from headgate.model.builds import StepOrder
from headgate.model.ids import StepRunId
from headgate.ports import AdapterError

LOG = logging.getLogger(__name__)
PAUSE = 1.0  # seconds, before an engine that went away is asked again
FORCED = {"force": "1", "v": "1"}  # it is killed first; its anonymous volumes go with it
GONE = "its container is gone: someone else removed it"


@dataclass(frozen=True, slots=True)
class Begun:
    """Written down before a container is started."""

    top: str  # folder of the step, which stands in its container
    timeout: timedelta
    memory: int | None = None


@dataclass(slots=True)
class Attendance:
    """Of a step that runs, or is about to."""

    step: StepRunId
    begun: Begun
    since: datetime  # when it was asked for, then when its container was started
    made: bool = False  # there may be a container of it
    life: asyncio.Task[Life] | None = None
    end: asyncio.Task[None] | None = None
    told: asyncio.Event = field(default_factory=asyncio.Event)  # to stop
    why: str = ""
    trouble: str = ""  # why it cannot be told how it is

    @property
    def seconds(self) -> float:
        return max((datetime.now(UTC) - self.since).total_seconds(), 0.0)


BEGUN, LIFE = TypeAdapter(Begun), TypeAdapter(Life)


class Containers:
    def __init__(self, settings: DockerStepSettings, changed: Callable[[str], None]) -> None:
        """`changed` is told the step that has ended."""
        self._settings, self._changed = settings, changed
        self._engine, self._images = DockerEngine(settings.engine), DockerImages(settings.engine)
        self._folder = private(settings.data / "containers")
        self._attended: dict[StepRunId, Attendance] = {}
        self._ended: dict[StepRunId, Life] = {}
        self._finding = asyncio.Lock()
        self.runner = containers.runner_id(settings.data)

    async def start(self, order: StepOrder, checkout: Path, output: Output) -> None:
        """Returns before it runs: an image may have to be pulled first."""
        if await self.seen(order.id) is not None:
            return
        top = checkout.parent
        (top / ENDED).unlink(missing_ok=True)
        writing = output(top / OUTPUT)
        one = Attendance(
            order.id, Begun(str(top), order.step.timeout, order.step.container.memory), since=datetime.now(UTC)
        )
        self._attend(one, self._begun(one, order, writing))

    async def seen(self, step: StepRunId) -> Life | None:
        async with self._finding:
            if step not in self._ended and step not in self._attended:
                await self._find(step)
        if step in self._ended:
            return self._ended[step]
        one = self._attended.get(step)
        if one is not None and one.trouble:
            raise AdapterError(one.trouble)
        return Life("running", one.seconds) if one else None

    async def stop(self, step: StepRunId, why: str) -> None:
        """Its end follows at once, unless it came before."""
        if await self.seen(step) is not None and (one := self._attended.get(step)):
            one.why = one.why or why
            one.told.set()

    async def stop_all(self, why: str) -> None:
        for step in filter(self._runs, [StepRunId(path.stem) for path in self._folder.glob("*.begun")]):
            with suppress(AdapterError):
                await self.stop(step, why)
        for one in list(self._attended.values()):
            one.why = one.why or why
            one.told.set()
        await asyncio.gather(*(one.end for one in self._attended.values() if one.end), return_exceptions=True)

    def log(self, step: StepRunId) -> Path:
        return self._path(step, "log")

    def forget(self, step: StepRunId) -> None:
        self._ended.pop(step, None)
        for kind in ("begun", "ended"):
            self._path(step, kind).unlink(missing_ok=True)

    async def close(self) -> None:
        tasks = [task for one in self._attended.values() for task in (one.life, one.end) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._engine.close()

    # --- its beginning

    async def _begun(self, one: Attendance, order: StepOrder, writing: int) -> Life:
        try:
            user = owner(order.step.container.user, order.step.name)
            await asyncio.to_thread(give, Path(one.begun.top), user)
            await self._answering()
            await self._sweep()
            await self._images.bring(order.step.image or "")
            # Whoever is told to stop meanwhile waits for it: a container that comes later would stay.
            making = asyncio.ensure_future(self._make(one, order, user))
            try:
                await asyncio.shield(making)
            except asyncio.CancelledError:
                await asyncio.gather(making, return_exceptions=True)
                raise
            return await self._lived(one)
        except AdapterError as error:
            return Life("failed", one.seconds, f"could not begin: {error}", whole=True)
        finally:
            os.close(writing)  # not before: without a writer the sink ends, and the container opens its own when it can

    async def _answering(self) -> None:
        """An engine that is being restarted is waited for; one that is not there is told."""
        give_up = asyncio.get_running_loop().time() + self._settings.patience.total_seconds()
        while True:
            try:
                await self._engine.json("GET", "/containers/json", {"limit": "1"})
                return
            except EngineUnreachable:
                if asyncio.get_running_loop().time() > give_up:
                    raise
            await asyncio.sleep(PAUSE)

    async def _make(self, one: Attendance, order: StepOrder, user: tuple[int, int]) -> None:
        name = containers.name(self.runner, one.step)
        body = containers.request(self.runner, order, Path(one.begun.top), f"{user[0]}:{user[1]}")
        one.made = True
        await self._remove(one.step)  # what an attempt that did not get so far has left
        await self._engine.json("POST", "/containers/create", {"name": name}, body)
        write_atomically(self._path(one.step, "begun"), BEGUN.dump_json(one.begun).decode())
        try:
            await self._engine.json("POST", f"/containers/{name}/start")
        except EngineRefused as error:
            shell = ". A step's image must have /bin/sh" if "/bin/sh" in str(error) else ""
            raise AdapterError(f"{order.step.image}: {error}{shell}") from error
        one.since = datetime.now(UTC)

    # --- its life

    def _attend(self, one: Attendance, life: Any) -> None:
        self._attended[one.step] = one
        one.life = asyncio.create_task(life, name=f"life of {one.step}")
        one.end = asyncio.create_task(self._to_its_end(one), name=f"end of {one.step}")
        one.end.add_done_callback(report)

    async def _lived(self, one: Attendance) -> Life:
        limit = one.begun.timeout
        try:
            async with asyncio.timeout(containers.left(one.since, limit, datetime.now(UTC))):
                return await self._exit(one)
        except TimeoutError:
            return Life("failed", one.seconds, f"was ended as it took longer than {limit.total_seconds():g} s")

    async def _exit(self, one: Attendance) -> Life:
        path = f"/containers/{containers.name(self.runner, one.step)}"
        while True:
            try:
                found = await self._engine.json("GET", f"{path}/json")
                one.trouble = ""
                if not found["State"]["Running"]:
                    by_itself = (Path(one.begun.top) / ENDED).exists()
                    return containers.ending(found, by_itself, one.begun.memory)
                async with self._engine.open("POST", f"{path}/wait", endless=True) as answer:
                    await answer.read()
            except AdapterError as error:
                if isinstance(error, EngineRefused) and error.status == 404:
                    return Life("lost", one.seconds, GONE)
                one.trouble = str(error)
                await asyncio.sleep(PAUSE)

    async def _to_its_end(self, one: Attendance) -> None:
        assert one.life is not None  # noqa: S101 - it is attended
        told = asyncio.create_task(one.told.wait(), name=f"stop {one.step}")
        try:
            await asyncio.wait({one.life, told}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            told.cancel()
        if not one.life.done():
            one.life.cancel()
            await asyncio.gather(one.life, return_exceptions=True)
        ended = _outcome(one, one.life)
        while trouble := await self._put_away(one, ended):
            one.trouble = trouble
            await asyncio.sleep(PAUSE)
        self._ended[one.step] = ended
        self._attended.pop(one.step, None)
        self._changed(one.step)

    async def _put_away(self, one: Attendance, ended: Life) -> str:
        """Written down, then removed, then told: in this order it is true whenever the server is killed."""
        try:
            write_atomically(self._path(one.step, "ended"), LIFE.dump_json(ended).decode())
            if one.made:
                await self._remove(one.step)
        except AdapterError as error:
            return str(error)
        return ""

    async def _remove(self, step: StepRunId) -> None:
        path = f"/containers/{containers.name(self.runner, step)}"
        await self._engine.json("DELETE", path, FORCED, accept=(404, 409))
        await self._engine.json("POST", f"{path}/wait", {"condition": "removed"}, accept=(404,))

    # --- what outlives the server

    async def _find(self, step: StepRunId) -> None:
        """It ended, it runs, or it never began: then nothing is known of it, as before."""
        if (ended := read(LIFE, self._path(step, "ended"))) is not None:
            await self._remove(step)
            self._ended[step] = ended
        elif (begun := read(BEGUN, self._path(step, "begun"))) is not None:
            await self._found(step, begun)

    async def _found(self, step: StepRunId, begun: Begun) -> None:
        path = f"/containers/{containers.name(self.runner, step)}/json"
        found = await self._engine.json("GET", path, accept=(404,))
        since = containers.began_at(found) if "State" in found else None
        if "State" in found and since is None:
            self.forget(step)
            return
        one = Attendance(step, begun, since or datetime.now(UTC), made=True)
        self._attend(one, self._adopted(one))

    async def _adopted(self, one: Attendance) -> Life:
        """Its server may have been killed before it had opened the way into its log, which ended with that server."""
        if not sunk(self.log(one.step)).exists():
            return await self._lived(one)
        with suppress(TimeoutError):
            async with asyncio.timeout(PAUSE):
                return await self._exit(one)
        return Life("lost", one.seconds, "the server was killed while it began")

    async def _sweep(self) -> None:
        """Containers of steps that have ended, or that nobody knows any more."""
        mine = {"filters": json.dumps({"label": [f"{RUNNER}={self.runner}"]}), "all": "1"}
        for found in await self._engine.json("GET", "/containers/json", mine):
            step = StepRunId(str(found["Labels"].get(STEP)))
            if step not in self._attended and not self._runs(step):
                await self._engine.json("DELETE", f"/containers/{found['Id']}", FORCED, accept=(404, 409))

    def _runs(self, step: StepRunId) -> bool:
        """As far as is written down."""
        return self._path(step, "begun").exists() and not self._path(step, "ended").exists()

    def _path(self, step: StepRunId, kind: str) -> Path:
        return self._folder / f"{checked('step', step)}.{kind}"


def _outcome(one: Attendance, life: asyncio.Task[Life]) -> Life:
    if life.cancelled():
        return Life("stopped", one.seconds, one.why)
    if (error := life.exception()) is not None:
        LOG.error("%s failed", life.get_name(), exc_info=error)
        return Life("lost", one.seconds, "what Docker says of it is not understood; the server's log has the details")
    return life.result()
