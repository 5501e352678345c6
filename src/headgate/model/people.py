"""People: one person, whatever the accounts are called, and the tokens that prove who asks.

Names are compared as people read them, not as they are written.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from unicodedata import category, normalize


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    accounts: tuple[str, ...] = ()  # every other name of the same person: addresses, logins, git's author name


def folded(name: str) -> str:
    """Without case, width, composition and what cannot be seen: "Zoë" typed in two ways is one."""
    seen = "".join(letter for letter in normalize("NFKC", name) if category(letter) != "Cf")
    return " ".join(normalize("NFKC", seen.casefold()).split())


def who(account: str, people: Sequence[Person]) -> str:
    """The person whose account this is, as the file names them; an account that nobody claims is its own person."""
    person = known(account, people)
    return person.name if person else folded(account)


def each(accounts: Iterable[str], people: Sequence[Person]) -> set[str]:
    """The different people behind these accounts."""
    return {who(account, people) for account in accounts}


def known(account: str, people: Sequence[Person]) -> Person | None:
    asked = folded(account)
    return next((one for one in people if asked in {folded(name) for name in (one.name, *one.accounts)}), None)


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
