"""Images: what is built from a service's folder, where it is kept, and by what it is known: its digest."""

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from headgate.model.ids import ReleaseId
from headgate.model.services import PLAIN, Dockerfile

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
REPOSITORY = re.compile(rf"{PART}(?:/{PART})*")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
LONGEST_NAME = 255  # characters


@dataclass(frozen=True, slots=True)
class RegistryRules:
    """Where an application's images are kept, as its file says. Passwords are named, never held."""

    kind: str  # the adapter: docker, ecr
    settings: dict[str, str] = field(default_factory=dict)

    def repository(self, application: str, service: str) -> "Repository":
        parts = (self.settings.get("prefix", ""), application, service)
        return Repository("/".join(part for part in parts if part), self.settings)


@dataclass(frozen=True, slots=True)
class Repository:
    """The images of one service in a registry."""

    name: str  # "shop/web"
    settings: dict[str, str] = field(default_factory=dict)

    def problem(self, tag: str | None = None) -> str | None:
        """Names become parts of paths: what a registry would refuse is not even asked for."""
        if not REPOSITORY.fullmatch(self.name) or len(self.name) > LONGEST_NAME:
            return f"{self.name!r} is not a repository's name: lower-case letters, digits, and . _ - / between them"
        if tag is not None and not TAG.fullmatch(tag):
            return f"{tag!r} is not a tag: letters, digits, and _ . - at most 128"
        return None


@dataclass(frozen=True, slots=True)
class ImageOrder:
    application: str
    service: str
    folder: str  # of this commit, laid out on this machine; the build sees nothing outside it
    tree: str  # digest of the folder's content
    commit: str  # full git SHA
    committed_at: datetime
    source: str  # the repository
    version: str | None
    registry: RegistryRules
    dockerfile: Dockerfile = PLAIN

    @property
    def content(self) -> str:
        """All that decides what the image holds. Equal content is one image, whatever the commit."""
        how = self.dockerfile
        if how == PLAIN:
            return self.tree
        parts = [self.tree, how.path, how.target, sorted(how.args.items())]
        return sha256(json.dumps(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class ImageMade:
    service: str
    reference: str  # "registry.example.org/shop/web@sha256:...": what is deployed
    digest: str  # "sha256:..."
    built_from: str = ""  # the commit that it was first built from; another one with equal content changes nothing
    new: bool = field(default=False, compare=False)  # it was not there before


@dataclass(frozen=True, slots=True)
class Envelope:
    """A signed statement (DSSE). What is signed is `payload` with its type, byte for byte."""

    payload_type: str
    payload: str  # base64
    keyid: str
    signature: str  # base64


@dataclass(frozen=True, slots=True)
class ImageKept:
    """One image in a registry, and who needs it."""

    service: str
    digest: str
    tags: tuple[str, ...] = ()
    releases: tuple[ReleaseId, ...] = ()  # that it is part of, newest first
    needed: str = ""  # why it must stay: "stable in production"; empty: nothing needs it


def digest_of(reference: str) -> str | None:
    """sha256:... of name@sha256:...; None for a reference by tag, which may mean something else tomorrow."""
    digest = reference.rpartition("@")[2]
    return digest if DIGEST.fullmatch(digest) else None
