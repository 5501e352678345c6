"""A stage for faults: the real server as a process of its own, the real Envoy, real instances, and load on them."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

import aiohttp
from tests.faults import processes
from tests.faults.journal import Journal
from tests.faults.load import Load
from tests.faults.repository import Repository

from headgate.model import events as e
from headgate.model.events import Recorded
from headgate.model.steps import describe
from headgate.store.verify import verify

PROGRAM = Path(sys.executable).with_name("headgate")
PATIENCE = 30.0  # seconds that anything may take
LOOK = 0.002  # seconds between two looks at the log: phases of a few milliseconds are met
REPLICAS = 2
Found = TypeVar("Found")


class Refused(Exception):
    """The server said no. The text is what it said."""


class Stage:
    def __init__(self, folder: Path, data: Path | None = None) -> None:
        self.folder = folder
        self.data = data or folder / "data"
        self.repository = Repository(folder / "shop")
        self.journal = Journal(self.data / "events.db", "environment:shop/production")
        self.output = folder / "server.log"
        self.server: subprocess.Popen[bytes] | None = None
        self.load: Load | None = None
        self._client: aiohttp.ClientSession | None = None

    # --- the server

    async def serve(self) -> float:
        """Start it; returns the seconds until it answered."""
        begin = monotonic()
        with self.output.open("ab") as output:
            command = [PROGRAM, "serve", "--data", self.data, "--port", "0"]
            self.server = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)
        await self.until(self._answers, "the server answers")
        return monotonic() - begin

    async def _answers(self) -> bool:
        assert self.server is not None
        assert self.server.poll() is None, "the server ended as it started"
        if self._whereabouts().get("pid") != self.server.pid:
            return False
        return "applications" in await self.ask("")

    def _whereabouts(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads((self.data / "server.json").read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return found

    def kill_server(self) -> None:
        assert self.server is not None
        self.server.kill()
        self.server.wait(10)

    def end_server(self) -> int:
        """As a service manager would; returns the exit code."""
        assert self.server is not None
        self.server.send_signal(signal.SIGTERM)
        return self.server.wait(20)

    async def ask(self, path: str, **body: Any) -> dict[str, Any]:
        """The server's API: GET, or POST where there is something to tell."""
        self._client = self._client or aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30))
        url = f"{self._whereabouts()['address']}/api/applications{path}"
        method, token = "POST" if body else "GET", (self.data / "token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}", "Connection": "close"}
        async with self._client.request(method, url, json=body or None, headers=headers) as answer:
            said: dict[str, Any] = await answer.json()
        if answer.status != 200:
            raise Refused(" ".join(str(said["error"][name]) for name in ("what", "where", "remedy")))
        return said

    def command(self, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """The real command line."""
        environment = {**os.environ, "HEADGATE_DATA": str(self.data)}
        return subprocess.run(
            [PROGRAM, *arguments], cwd=cwd or self.repository.folder, env=environment, capture_output=True, text=True,
            check=False, timeout=30,
        )  # fmt: skip

    # --- releases

    async def apply(self) -> dict[str, Any]:
        text = (self.repository.folder / "headgate.yaml").read_text()
        return await self.ask("", text=text, source=str(self.repository.folder), by="ann")

    async def deploy(self, version: str, **behaviour: Any) -> None:
        """Commit a version, make a release of it and ask for it."""
        self.repository.commit(version, **behaviour)
        await self.deploy_again(version)

    async def deploy_again(self, version: str) -> None:
        await self.ask("/shop/releases", reference=version, by="ann")
        await self.tell("deploy", release=version)

    async def tell(self, verb: str, **more: str) -> dict[str, Any]:
        return await self.ask(f"/shop/environments/production/{verb}", by="ann", **more)

    async def shown(self) -> dict[str, Any]:
        return await self.ask("/shop/environments/production")

    async def serves(self, version: str = "v1", **behaviour: Any) -> None:
        """From nothing to a first version that serves, under load from then on."""
        await self.serve()
        await self.apply()
        await self.deploy(version, **behaviour)
        assert await self.ended() == "promoted"
        address = (await self.shown())["addresses"]["web"]["public"]
        self.load = Load(int(address.rpartition(":")[2]))
        self.load.start()
        await asyncio.sleep(0.3)

    # --- waiting

    async def until(
        self, true: Callable[[], Awaitable[Found]], what: str, patience: float = PATIENCE, pause: float = 0.05
    ) -> Found:
        give_up = monotonic() + patience
        while not (found := await self._tried(true)):
            assert monotonic() < give_up, f"waited {patience:.0f} s in vain until {what}"
            await asyncio.sleep(pause)
        return found

    @staticmethod
    async def _tried(true: Callable[[], Awaitable[Found]]) -> Found | None:
        try:
            return await true()
        except (aiohttp.ClientError, KeyError):
            return None

    async def event(self, wanted: Callable[[Recorded], bool], what: str, after: int = 0) -> Recorded:
        """The first such event behind a version, within two milliseconds of its recording."""

        async def found() -> Recorded | None:
            return next((one for one in self.journal.events()[after:] if wanted(one)), None)

        one = await self.until(found, what, pause=LOOK)
        assert one is not None
        return one

    async def phase(self, name: str) -> None:
        """Until the latest rollout has just entered a step, by the words of `headgate watch`; or is aborting."""
        started = await self.event(self._is_latest_start, "a rollout starts")
        assert isinstance(started.event, e.RolloutStarted)
        if name == "aborting":
            await self.event(lambda one: isinstance(one.event, e.RolloutAborted), "it is aborted", started.version)
            return
        index = [describe(step) for step in started.event.steps].index(name)
        if index == 0:
            return
        done = lambda one: isinstance(one.event, e.StepCompleted) and one.event.index == index - 1  # noqa: E731
        await self.event(done, f"step {name} begins", started.version)

    def _is_latest_start(self, one: Recorded) -> bool:
        """Of a rollout that has not ended."""
        later = self.journal.events()[one.version :]
        ended = any(isinstance(other.event, e.RolloutEnded) for other in later)
        return isinstance(one.event, e.RolloutStarted) and not ended

    async def ended(self, patience: float = PATIENCE) -> str:
        """How the latest rollout came out."""

        async def outcome() -> str | None:
            events = [one.event for one in self.journal.events()]
            started = max((i for i, event in enumerate(events) if isinstance(event, e.RolloutStarted)), default=None)
            ends = [event.outcome for event in events[started:] if isinstance(event, e.RolloutEnded)]
            return ends[0] if started is not None and ends else None

        found = await self.until(outcome, "the rollout ends", patience)
        assert found is not None
        return found

    async def settled(self, version: str) -> None:
        """Nothing but the instances of one version run, all of them ready, and all traffic is theirs."""

        async def rest() -> bool:
            view = await self.shown()
            stable = view["stable"]
            ready = [i for i in view["instances"] if i["state"] == "ready" and i["revision"] == stable["revision"]]
            whole = len(ready) == len(view["instances"]) == len(processes.instances(self.data)) == REPLICAS
            return whole and stable["label"] == version and view["weights"] == {stable["revision"]: 100}

        await self.until(rest, f"only {version} runs")

    # --- what must hold in the end

    async def well(self, version: str) -> None:
        """Whole again: one version serves with all its instances, nobody doubled, and the log is as it was written."""
        await self.settled(version)
        view = await self.shown()
        seen = sorted(int(one["address"].rpartition(":")[2]) for one in view["instances"])
        assert sorted(one.port for one in processes.instances(self.data)) == seen
        assert view["waits_for"] == []
        if self.load is not None:
            asked = [await self.load.send() for _ in range(5)]
            assert {answer.version for answer in asked} == {version}
        found = verify(self.data / "events.db")
        assert found.ok, found.problem

    async def no_request_failed(self) -> None:
        assert self.load is not None
        await self.load.stop()
        assert self.load.failed() == [], "\n".join(self.load.lines())

    async def answered(self) -> float:
        """Waits until a user is answered well again; returns when, monotonic seconds."""
        assert self.load is not None
        give_up = monotonic() + PATIENCE
        while (answer := await self.load.send()).failed:
            assert monotonic() < give_up, f"nobody is answered: {answer}"
            await asyncio.sleep(0.02)
        return answer.done

    def note(self, figure: str) -> None:
        """A figure for the report of the run (`pytest -rP`)."""
        print(figure)

    def why(self) -> str:
        """Of the latest abort."""
        aborts = [one.event for one in self.journal.events() if isinstance(one.event, e.RolloutAborted)]
        return aborts[-1].why

    def told(self) -> str:
        """For who reads a failure: what happened, in sentences."""
        output = self.output.read_text(errors="replace").splitlines()[-60:] if self.output.exists() else []
        load = list(self.load.lines()) if self.load else []
        return "\n".join(
            ["--- events", *self.journal.lines(), "--- the server's last lines", *output, "--- load", *load]
        )

    async def close(self) -> None:
        if self.load is not None:
            await self.load.stop()
        if self._client is not None:
            await self._client.close()
        self.journal.close()
        if self.server is not None:
            self.kill_server()
        left = await asyncio.to_thread(processes.end_all, self.folder)
        assert left == [], f"these processes would not end: {left}"


@asynccontextmanager
async def staged(folder: Path, data: Path | None = None) -> AsyncIterator[Stage]:
    made = Stage(folder, data)
    try:
        yield made
    finally:
        await made.close()
