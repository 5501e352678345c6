"""A secret: what no log, event, page, image or process list may show."""

import re
from dataclasses import dataclass, field
from datetime import timedelta

# Names of variables that say so themselves.
SECRET_NAMES = re.compile(r"TOKEN|SECRET|PASSW|PASSPHRASE|CREDENTIAL|(^|_)KEY$|(^|_)KEY_", re.IGNORECASE)
EVERY = timedelta(seconds=30)  # between two looks whether a secret was rotated, unless the file says otherwise
SHORTEST = 6  # characters: hiding shorter ones would hide words


@dataclass(frozen=True, slots=True)
class SecretRules:
    """Which store secrets are in, and where it is: never what opens it."""

    kind: str  # the adapter's name: "vault"
    settings: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SecretReference:
    """Where a secret is, for a platform whose own system reads it: ECS, Kubernetes."""

    store: SecretRules
    name: str  # the reference, as the file says it
    version: str
    as_file: bool = False


@dataclass(frozen=True, slots=True)
class Secret:
    value: str = field(repr=False)
    version: str  # as the store names it; the same version is always the same value
