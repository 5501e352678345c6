"""A secret: what no log, event, page, image or process list may show."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SecretRules:
    """Which store secrets are in, and where it is: never what opens it."""

    kind: str  # the adapter's name: "vault"
    settings: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Secret:
    value: str = field(repr=False)
    version: str  # as the store names it; the same version is always the same value
