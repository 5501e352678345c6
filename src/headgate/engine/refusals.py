"""What the engine answers when it cannot do what was asked. The text is for a person and says what to do next."""

from headgate.ports import AdapterError, Conflict, LogDamaged, LogUnavailable
from headgate.spec.problems import SpecificationError

__all__ = [
    "AdapterError",
    "Conflict",
    "Immutable",
    "LogDamaged",
    "LogUnavailable",
    "Rejected",
    "SpecificationError",
    "Unknown",
]


class Unknown(Exception):
    """No such application, environment or release."""


class Rejected(Exception):
    """It exists, but it cannot be done now."""


class Immutable(Rejected):
    """A release would have to change: it never does, however often one asks."""
