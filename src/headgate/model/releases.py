"""A release: an immutable set, built once and promoted unchanged; a revision: a release as one environment runs it."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from headgate.model.ids import EnvironmentId, ReleaseId, RevisionId
from headgate.model.manifests import Manifests
from headgate.model.services import Service


@dataclass(frozen=True, slots=True)
class Release:
    id: ReleaseId
    application: str
    commit: str  # full git SHA
    branch: str
    author: str
    subject: str  # first line of the commit message
    created_at: datetime
    services: tuple[Service, ...]
    images: dict[str, str] = field(default_factory=dict)  # service -> digest of what was built
    version: str | None = None  # the git tag, where there is one
    migration_level: int = 0
    elsewhere: tuple[str, ...] = ()  # services whose image another CI has built
    only: str = ""  # the one environment that an integration of branches is for; empty: any

    @property
    def label(self) -> str:
        """What people call it: the version, else the short commit."""
        return self.version or self.commit[:7]


@dataclass(frozen=True, slots=True)
class Revision:
    """Release + that environment's configuration snapshot + secret versions. Equal content has equal id."""

    id: RevisionId
    environment: EnvironmentId
    release: ReleaseId
    commit: str
    label: str
    services: tuple[Service, ...]  # with this environment's replicas and variables merged in
    secret_versions: dict[str, str] = field(default_factory=dict)  # reference, see Value -> version
    author: str = ""
    manifests: Manifests | None = None  # rendered at its commit; what they may contain is the applied file's to say
    configuration: str = ""  # digest of the snapshot alone: variables, replicas, secret versions, and which manifests

    def is_as(self, other: "Revision") -> bool:
        """The same in all but its id: copies of it on a ground that changed."""
        return replace(self, id=other.id) == other

    def service(self, name: str) -> Service:
        return next(service for service in self.services if service.name == name)
