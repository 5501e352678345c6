"""People: one person, whatever the accounts are called, and the tokens that prove who asks."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    accounts: tuple[str, ...] = ()  # every other name of the same person: addresses, logins, git's author name


# --- events, of stream server


@dataclass(frozen=True, slots=True)
class PersonalTokenMade:
    """Who has its text acts as that person from here on. The log does not have it, nor its hash."""

    token: str  # its id
    person: str
    expires_at: str  # ISO 8601, UTC; empty: never
    by: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class PersonalTokenRevoked:
    token: str
    person: str
    by: str
    source: str = ""
