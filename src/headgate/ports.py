"""What the engine asks of the world: one small Protocol for each seam. Contract suites prove adapters right."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from headgate.model.builds import StepOrder, StepSeen
from headgate.model.checks import Job, JobSeen
from headgate.model.events import Event, Recorded
from headgate.model.ids import EnvironmentId, JobId, RevisionId, StepRunId
from headgate.model.measurements import NoData, Query, Reading, Window
from headgate.model.observations import Instance
from headgate.model.releases import Revision
from headgate.model.routes import Address, Routes, RoutesSeen


class AdapterError(Exception):
    """The world said no, or nothing. The text is for a person: what happened, where, what to do next."""


class Conflict(Exception):
    """Someone else appended to the stream first: read again and decide again."""


class LogDamaged(Exception):
    """The event log does not verify. The text names the first row that is wrong."""


class LogTooNew(LogDamaged):
    """The event log holds what only a newer Headgate can read. Nothing is wrong with it: this program is too old."""


class LogUnavailable(Exception):
    """The event log cannot be read or written now: disk full, locked. Read again before deciding again."""


@dataclass(frozen=True, slots=True)
class Host:
    """What an adapter is made with: every entry point of a seam is a callable that takes a Host."""

    folder: Path  # the adapter's own, made by it, for the owner only
    envoy: Path  # folder of the Envoy that traffic and metrics share
    releases: Path  # a release's source lies in <releases>/<release id>
    changed: Callable[[str], None]  # tell the engine to look at once: at an environment or a build


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware, UTC."""
        ...


class Platform(Protocol):
    """Runs revisions. Every verb is idempotent, and may be repeated after a crash at any point."""

    async def run(self, revision: Revision) -> None:
        """See to it that every service has its number of instances: start what is missing, do not await ready."""
        ...

    async def stop(self, environment: EnvironmentId, revision: RevisionId) -> None:
        """Drain and stop every instance; returns once they were told, `observe` shows when they are gone."""
        ...

    async def observe(self, environment: EnvironmentId) -> Sequence[Instance]:
        """All instances of ours there, of known revisions or not. Raises AdapterError where that cannot be told."""
        ...

    async def run_job(self, job: Job) -> None:
        """Start a job once; a job that ran already is not run again."""
        ...

    async def observe_job(self, environment: EnvironmentId, job: JobId) -> JobSeen | None:
        """None: never started."""
        ...


class Runner(Protocol):
    """Runs the steps of builds. Every verb is idempotent, and may be repeated after a crash at any point."""

    async def start(self, order: StepOrder, checkout: Path) -> None:
        """Start it once, in a checkout that is its own; one that was started already is left alone."""
        ...

    async def observe(self, step: StepRunId) -> StepSeen | None:
        """None: never started. Ended only once its reports are read. Raises AdapterError where that cannot be told."""
        ...

    async def stop(self, step: StepRunId, why: str) -> None:
        """End it with all that it started; `observe` then says cancelled."""
        ...

    def logs(self, step: StepRunId, follow: bool) -> AsyncIterator[str]:
        """What it printed, secrets masked; with `follow` on to its end."""
        ...


class LogSource(Protocol):
    """A platform that keeps the output of what it runs."""

    def logs(self, environment: EnvironmentId, service: str | None, lines: int, follow: bool) -> AsyncIterator[str]:
        """The last `lines` lines of each instance, prefixed with service and instance; then new ones if `follow`."""
        ...


class TrafficRouter(Protocol):
    """Shifts traffic. What is set is read back from the router itself before it counts."""

    async def addresses(self, environment: EnvironmentId, services: dict[str, int | None]) -> dict[str, Address]:
        """Where services are reached, for the environment's life. A wanted port may be given; None allocates one."""
        ...

    async def set_routes(self, routes: Routes) -> None:
        """Make it so, and return when the router says it is so."""
        ...

    async def observe(self, environment: EnvironmentId) -> RoutesSeen:
        """Raises AdapterError where the router cannot be asked."""
        ...


class MetricSource(Protocol):
    async def read(self, query: Query, revision: RevisionId, window: Window) -> Reading:
        """Counts over the window, or NoData with the reason; never raises for a source that is down."""
        ...


class ValueSource(Protocol):
    async def value(self, expression: str, settings: Mapping[str, str], window: Window) -> float | NoData:
        """One number, now; the window is the time since it was last asked. Never raises for a source that is down."""
        ...


class Commit(Protocol):
    """What a source says of one commit; read-only, so that a frozen dataclass fulfils it."""

    @property
    def sha(self) -> str: ...
    @property
    def branch(self) -> str: ...
    @property
    def author(self) -> str: ...  # "Name <mail>"
    @property
    def subject(self) -> str: ...
    @property
    def version(self) -> str | None: ...  # the tag that names exactly this commit


class Source(Protocol):
    async def resolve(self, repository: str, reference: str) -> Commit:
        """The commit that a branch, tag or SHA names. Raises AdapterError that says what was looked for."""
        ...

    async def checkout(self, repository: str, commit: str, into: Path, folders: Sequence[str]) -> dict[str, str]:
        """Lay out exactly that commit, atomically, once; returns a content digest for each of the folders named."""
        ...

    async def read_file(self, repository: str, commit: str, path: str) -> str:
        """The text of one file at that commit."""
        ...


class EventLog(Protocol):
    async def read(self, stream: str, after: int = 0) -> list[Recorded]:
        """Events of a stream, oldest first. Raises LogDamaged."""
        ...

    async def append(self, stream: str, events: Sequence[Event], after: int) -> list[Recorded]:
        """Durable when it returns, all or none. Raises Conflict unless the stream is at version `after`."""
        ...

    async def tail(self, after: int = 0) -> list[Recorded]:
        """Events of all streams behind a position, oldest first."""
        ...

    async def streams(self, prefix: str) -> list[str]:
        """Names of the streams that begin so, in the order of their first events."""
        ...
