"""The adapters that the engine speaks to, by the names that specifications use."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from headgate.engine.hidden import Hidden
from headgate.model.approvals import Link
from headgate.model.ids import RevisionId
from headgate.model.images import Envelope, ImageMade, ImageOrder, RegistryRules
from headgate.model.observations import GateAnswer
from headgate.model.rules import Application as Rules
from headgate.model.rules import WebhookGate
from headgate.ports import (
    Access,
    AdapterError,
    Gatekeeper,
    ImageStore,
    MetricSource,
    Notifier,
    Platform,
    Provisioner,
    Registry,
    Runner,
    SecretStore,
    Signer,
    Source,
    TrafficRouter,
    ValueSource,
)


class NoImages:
    """Stands where nothing makes images: whoever asks is told so."""

    async def make(self, order: ImageOrder) -> ImageMade:
        raise AdapterError("this server makes no images")

    async def pin(self, service: str, image: str, registry: RegistryRules) -> ImageMade:
        raise AdapterError("this server makes no images")

    async def login(self, image: str, registry: RegistryRules) -> Access | None:
        return None

    def sign(self, payload_type: str, payload: bytes) -> Envelope:
        raise AdapterError("this server signs nothing")

    def opened(self, envelope: Envelope) -> bytes:
        raise AdapterError("this server has no key to verify it with")


class NoGatekeeper:
    """Stands where nobody can be asked."""

    async def ask(self, gate: WebhookGate, question: Mapping[str, object], at: datetime) -> GateAnswer:
        return GateAnswer(None, "this server asks nobody", at)


NO_IMAGES = NoImages()
NOBODY = NoGatekeeper()


def alone() -> bool:
    """There is no other server."""
    return True


@dataclass(frozen=True, slots=True)
class World:
    platforms: Mapping[str, Platform]
    routers: Mapping[str, TrafficRouter]
    metrics: Mapping[str, MetricSource]
    source: Source
    releases: Path  # folder in which each release's source is laid out
    values: Mapping[str, ValueSource] = field(default_factory=dict)
    runners: Mapping[str, Runner] = field(default_factory=dict)
    secrets: Mapping[str, SecretStore] = field(default_factory=dict)  # by the kind that SecretRules name
    hidden: Hidden = field(default_factory=Hidden)  # values of those secrets, once they were read
    # Platform -> kinds of the stores that its own system reads.
    by_reference: Mapping[str, Collection[str]] = field(default_factory=dict)
    unread: set[RevisionId | None] = field(default_factory=set)  # whose secrets could not be read when last asked for
    registries: Mapping[str, Registry] = field(default_factory=dict)
    images: ImageStore = NO_IMAGES
    signer: Signer = NO_IMAGES
    gatekeeper: Gatekeeper = NOBODY
    notifiers: Mapping[str, Notifier] = field(default_factory=dict)
    provisioners: Mapping[str, Provisioner] = field(default_factory=dict)  # by the kind that Infrastructure names
    public_url: str = ""  # where people reach this server; empty: notices have no link
    review: Callable[[Link], str] | None = None  # address of the page on which one person answers
    image_platforms: frozenset[str] = frozenset()  # names of the platforms that run images
    leads: Callable[[], bool] = alone  # whether this server may act; see engine/leading.py

    @property
    def checkouts(self) -> Path:
        """Folder in which each step of a build finds its commit."""
        return self.releases.with_name("checkouts")

    def runner(self, image: str | None) -> Runner:
        """By the image of a step: a specification that asks for a runner that is not there was refused when applied."""
        return self.runners["docker" if image else "host"]

    def runs_images(self, rules: Rules) -> bool:
        return any(environment.platform in self.image_platforms for environment in rules.environments)
