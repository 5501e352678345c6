"""The encrypted file: names and versions in clear, each value sealed by itself, so that a diff shows what was changed.

Sealed with a value are its name and version: one that was moved to another name does not open there.
"""

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from headgate.adapters.quoted import short
from headgate.adapters.secrets.age.keys import opened, sealed
from headgate.adapters.secrets.references import named, near
from headgate.ports import AdapterError, Unusable

FORMAT = "headgate-secrets/1"
NAME = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+){0,7}")
SUCH_AS = "database-url"
KEPT = 20  # versions of a secret
LARGEST = 4 << 20  # bytes of the file
LARGEST_VALUE = 64 << 10  # characters


@dataclass(frozen=True, slots=True)
class Version:
    id: str
    written_at: str
    by: str
    sealed: str = field(repr=False)  # base64


@dataclass(frozen=True, slots=True)
class SecretFile:
    path: Path
    recipients: tuple[str, ...]
    secrets: Mapping[str, tuple[Version, ...]] = field(default_factory=dict)  # oldest first

    def find(self, name: str, version: str | None = None) -> Version:
        """The current one, or the one that is named. Raises Unusable."""
        versions = self.secrets.get(named(name, NAME, SUCH_AS))
        if not versions:
            raise Unusable(f"{self.path} has no secret {name}{near(name, self.secrets)}")
        found = next((one for one in reversed(versions) if version in (None, one.id)), None)
        if found is None:
            raise Unusable(f"{name} has no version {short(version, 40)} in {self.path}: it keeps the last {KEPT}")
        return found

    def value(self, name: str, version: Version, keys: Sequence[Any]) -> str:
        """Raises AdapterError."""
        content = opened(_decoded(version.sealed), keys)
        if content is None:
            remedy = "someone whom it is for runs `headgate secrets recipients --add` with this machine's public key"
            raise AdapterError(f"{name} in {self.path} is for other keys than this machine's, or was damaged; {remedy}")
        held = json.loads(content)
        if (held["name"], held["version"]) != (name, version.id):
            raise AdapterError(f"{name} in {self.path} holds what was sealed as {held['name']}; set it again")
        return str(held["value"])

    def with_value(self, name: str, value: str, version: str, at: datetime, by: str) -> "SecretFile":
        """Raises Unusable."""
        known = self.secrets.get(named(name, NAME, SUCH_AS), ())
        if len(value) > LARGEST_VALUE or "\x00" in value:
            raise Unusable(f"a value has at most {LARGEST_VALUE >> 10} Ki characters, and no zero byte")
        made = Version(version, at.isoformat(timespec="seconds"), by, _sealed(name, version, value, self.recipients))
        return replace(self, secrets={**self.secrets, name: (*known, made)[-KEPT:]})

    def with_recipients(self, recipients: Sequence[str], keys: Sequence[Any]) -> "SecretFile":
        """Everything sealed anew, under the same versions: nothing was rotated. Raises AdapterError."""
        wanted = tuple(dict.fromkeys(recipients))

        def anew(name: str, one: Version) -> Version:
            return replace(one, sealed=_sealed(name, one.id, self.value(name, one, keys), wanted))

        secrets = {name: tuple(anew(name, one) for one in versions) for name, versions in self.secrets.items()}
        return replace(self, recipients=wanted, secrets=secrets)

    def next_version(self, name: str, random: Callable[[], str]) -> str:
        """Counted on, for people; and never the same again, whoever deletes and begins anew."""
        versions = self.secrets.get(name, ())
        number = int(versions[-1].id.partition("-")[0]) + 1 if versions else 1
        return f"{number}-{random()}"

    def text(self) -> str:
        secrets = {
            name: [{"version": v.id, "written_at": v.written_at, "by": v.by, "value": v.sealed} for v in versions]
            for name, versions in sorted(self.secrets.items())
        }
        told = {"format": FORMAT, "recipients": list(self.recipients), "secrets": secrets}
        return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def read(path: Path) -> SecretFile:
    """Raises AdapterError."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except FileNotFoundError as error:
        raise AdapterError(f"there is no file {path}; `headgate secrets init` makes it") from error
    except OSError as error:
        raise AdapterError(f"{path} cannot be read ({error.strerror})") from error
    if len(content) > LARGEST:
        raise AdapterError(f"{path} is larger than {LARGEST >> 20} MiB: that is no file of secrets")
    try:
        return _parsed(path, json.loads(content))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        remedy = "restore it from git or a copy; after a merge, keep one side and set the other's values again"
        raise AdapterError(f"{path} is no file of `headgate secrets`; {remedy}") from None


def _parsed(path: Path, told: Any) -> SecretFile:
    if told["format"] != FORMAT:
        raise ValueError(told["format"])
    secrets = {
        str(name): tuple(
            Version(str(one["version"]), str(one["written_at"]), str(one["by"]), str(one["value"])) for one in versions
        )
        for name, versions in told["secrets"].items()
    }
    return SecretFile(path, tuple(str(one) for one in told["recipients"]), secrets)


def _sealed(name: str, version: str, value: str, recipients: Sequence[str]) -> str:
    content = json.dumps({"name": name, "version": version, "value": value}).encode()
    return b64encode(sealed(content, recipients)).decode()


def _decoded(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except ValueError:
        return b""
