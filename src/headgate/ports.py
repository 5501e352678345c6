"""What the engine asks of the world: one small Protocol for each seam. Contract suites prove adapters right."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol, runtime_checkable

from headgate.model.builds import StepOrder, StepSeen
from headgate.model.checks import Job, JobSeen
from headgate.model.clusters import Drift
from headgate.model.declared import (  # noqa: F401 - what entry points declare is a part of the seams
    hands_files,
    installed_with,
    routed_by,
    runs_images,
    takes_manifests,
    takes_references,
)
from headgate.model.errors import (  # noqa: F401 - adapters and engine know them as part of the seams
    AdapterError,
    Away,
    Conflict,
    Gone,
    LogDamaged,
    LogTooNew,
    LogUnavailable,
    TryLater,
    Unusable,
)
from headgate.model.events import Event, Recorded
from headgate.model.ids import EnvironmentId, JobId, RevisionId, StepRunId
from headgate.model.images import Envelope, ImageMade, ImageOrder, RegistryRules, Repository
from headgate.model.infrastructure import Infrastructure, InfrastructurePlan, Output, Resource, ResourceChange
from headgate.model.measurements import NoData, Query, Reading, Window
from headgate.model.notices import Notice, Target
from headgate.model.observations import GateAnswer, Instance
from headgate.model.releases import Revision
from headgate.model.reverts import Undoing, Undone
from headgate.model.routes import Address, Routes, RoutesSeen
from headgate.model.rules import Environment, WebhookGate
from headgate.model.schema import MigrationOrder
from headgate.model.secrets import Secret, SecretReference, SecretRules
from headgate.model.sources import Commit, Integration


@dataclass(frozen=True, slots=True)
class Access:
    name: str  # "registry.example.org/shop/web"
    user: str = ""  # empty: no login
    password: str = field(default="", repr=False)


async def no_login(application: str, image: str) -> Access | None:
    return None


def no_rules(environment: EnvironmentId) -> Environment | None:
    return None


async def no_secrets(revision: Revision, service: str) -> Mapping[str, str]:
    return {}


def no_references(revision: Revision, service: str) -> Mapping[str, SecretReference]:
    return {}


SecretsOf = Callable[[Revision, str], Awaitable[Mapping[str, str]]]
ReferencesOf = Callable[[Revision, str], Mapping[str, SecretReference]]


@dataclass(frozen=True, slots=True)
class Host:
    """What an adapter is made with: every entry point of a seam is a callable that takes a Host."""

    folder: Path  # the adapter's own, made by it, for the owner only
    envoy: Path  # folder of the Envoy that traffic and metrics share
    releases: Path  # a release's source lies in <releases>/<release id>
    changed: Callable[[str], None]  # tell the engine to look at once: at an environment or a build
    # Application and image -> what to show to the image's registry; None: it is not the application's. AdapterError.
    login: Callable[[str, str], Awaitable[Access | None]] = no_login
    rules: Callable[[EnvironmentId], Environment | None] = no_rules  # as applied now; None: they are gone
    # Revision and service -> value of each secret variable, in the revision's versions. Asked at each start of an
    # instance, and kept nowhere: neither in a file, unless it is handed over in one, nor in a log. AdapterError.
    secrets: SecretsOf = no_secrets
    hidden: Callable[[], Collection[str]] = lambda: ()  # values of secrets that were read: what no log may show
    # Revision and service -> those of its secret variables whose stores the platform declares that it reads itself:
    # `secrets` has none of them, and this server reads no value of theirs. AdapterError.
    references: ReferencesOf = no_references


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


@runtime_checkable
class Migrator(Protocol):
    """A platform that runs migrations: releases that have some are refused on any other."""

    async def migrate(self, order: MigrationOrder) -> None:
        """Start it once, with the code and the variables of its revision; one that was started is left alone.

        It goes on when the server ends, and is ended with all it started when its time is up.
        """
        ...

    async def observe_migration(self, environment: EnvironmentId, migration: JobId) -> JobSeen | None:
        """None: never started. What has ended is never forgotten: its log is kept."""
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


class Spread(Protocol):
    """A platform of several machines, some of which may be seen and others not."""

    def unseen(self, environment: EnvironmentId) -> Sequence[str]:
        """One sentence for each machine that the last `observe` could not see."""
        ...


class Drifting(Protocol):
    """A platform that knows what others change of what it made."""

    def drift(self, environment: EnvironmentId) -> Sequence[Drift]:
        """As the last `observe` saw it. What is to be healed is run again, by which it is put back."""
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


class SecretStore(Protocol):
    """Keeps secrets; Headgate reads them. One for all applications: where the store is comes with every call.

    All raise AdapterError, and Unusable where the store says that there is no such secret or version. No error holds
    a value.
    """

    @property
    def keeps_versions(self) -> bool:
        """False: once a secret was rotated, a rollback cannot restore its earlier value."""
        ...

    async def get(self, reference: str, store: SecretRules, version: str | None = None) -> Secret:
        """The current version, or the one named: Unusable where the store keeps no earlier ones."""
        ...

    async def version(self, reference: str, store: SecretRules) -> str:
        """The current one's, without its value where the store can tell."""
        ...


class Gatekeeper(Protocol):
    async def ask(self, gate: WebhookGate, question: Mapping[str, object], at: datetime) -> GateAnswer:
        """Whether the start that the question names may be. Unknown, with the reason, for whatever goes wrong."""
        ...


class Notifier(Protocol):
    """Tells somebody. One for all targets of its kind: where the target is comes with every call."""

    async def notify(self, notice: Notice, target: Target, remembered: str) -> str:
        """Told when it returns. It may be told again under the same id, which the other side can tell by.

        `remembered` is what it returned for the same rollout before, or nothing. Raises AdapterError: it is tried
        again; TryLater: not before then; Unusable: this notice is given up; Gone: nothing is told there any more.
        """
        ...


class Provisioner(Protocol):
    """Makes what environments stand on. All raise AdapterError, and Unusable with its own words where it refuses."""

    async def plan(self, environment: EnvironmentId, made_from: Infrastructure) -> InfrastructurePlan:
        """What an apply would do now. The same content has the same digest."""
        ...

    async def apply(self, environment: EnvironmentId, made_from: Infrastructure, digest: str) -> None:
        """Do exactly the plan of that digest. What was done is not done again; any other plan is Unusable."""
        ...

    async def outputs(self, environment: EnvironmentId, made_from: Infrastructure) -> dict[str, Output]: ...

    async def resources(self, environment: EnvironmentId, made_from: Infrastructure) -> tuple[Resource, ...]: ...

    async def drift(self, environment: EnvironmentId, made_from: Infrastructure) -> tuple[ResourceChange, ...]: ...


class Registry(Protocol):
    """Keeps images. One for all applications: where it is comes with every call. All raise AdapterError."""

    async def access(self, repository: Repository) -> Access:
        """The repository as a container engine names it, and the login that it needs there now."""
        ...

    async def push(self, image: str, repository: Repository, tag: str) -> str:
        """An image of the container engine, by its id; returns the digest that was read back and compared."""
        ...

    async def tag(self, repository: Repository, digest: str, tag: str) -> None:
        """One more name for what is there."""
        ...

    async def resolve(self, repository: Repository, tag: str) -> str | None:
        """The digest that a tag stands for now. None: there is no such tag."""
        ...

    async def exists(self, repository: Repository, digest: str) -> bool:
        """Whether it is there, and is what its digest says."""
        ...

    async def delete(self, repository: Repository, digest: str) -> None:
        """With every tag that names it. What is not there is no error."""
        ...

    async def tags(self, repository: Repository) -> dict[str, str]:
        """Every tag with its digest; none where the repository does not exist yet."""
        ...


class ImageStore(Protocol):
    """Builds images and keeps them in a registry. All verbs raise AdapterError."""

    async def make(self, order: ImageOrder) -> ImageMade:
        """Build, push, read back; once: equal content is the image that is there already."""
        ...

    async def pin(self, service: str, image: str, registry: RegistryRules) -> ImageMade:
        """An image that is there already: what a tag stands for now; a digest of this registry must be in it."""
        ...

    async def login(self, image: str, registry: RegistryRules) -> Access | None:
        """What the image's registry asks for. None: it is not this one, and is shown nothing of ours."""
        ...


class Signer(Protocol):
    """Signs with the server's own key, and knows its own signature again."""

    def sign(self, payload_type: str, payload: bytes) -> Envelope: ...

    def opened(self, envelope: Envelope) -> bytes:
        """The payload of an envelope that verifies. Raises AdapterError with the reason for any other."""
        ...


class Source(Protocol):
    async def resolve(self, repository: str, reference: str, branch: str = "") -> Commit:
        """The commit that a branch, tag or SHA names, on `branch` where several hold it. Raises AdapterError."""
        ...

    async def heads(self, repository: str) -> dict[str, str]:
        """Every branch and tag by its full name (refs/heads/main, refs/tags/v1), with the commit it is at now."""
        ...

    async def digests(self, repository: str, commit: str, folders: Sequence[str]) -> dict[str, str]:
        """The content digest of each of the folders named, as `checkout` returns them, without laying anything out."""
        ...

    async def integrate(self, repository: str, heads: Sequence[tuple[str, str]], name: str) -> Integration:
        """A commit, called `name`, of branches at commits, in this order. Changes nothing in the repository itself.

        What does not merge with those before it is left out; the same heads and name give the same commit.
        """
        ...

    async def undo(self, repository: str, wanted: Undoing) -> Undone:
        """Push a commit that undoes others; never by force. Asked again, it makes the same commit."""
        ...

    async def checkout(self, repository: str, commit: str, into: Path, folders: Sequence[str]) -> dict[str, str]:
        """Lay out exactly that commit, atomically, once; returns a content digest for each of the folders named."""
        ...

    async def between(self, repository: str, old: str, new: str) -> Sequence[Commit]:
        """Commits that `new` has and `old` has not, newest first, 200 at most; without branch, version and message."""
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

    async def tail(self, after: int = 0, most: int | None = None) -> list[Recorded]:
        """Events of all streams behind a position, oldest first; no more than `most` of them."""
        ...

    async def streams(self, prefix: str) -> list[str]:
        """Names of the streams that begin so, in the order of their first events."""
        ...
