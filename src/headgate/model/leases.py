"""A lease: who of several servers leads, for how long at a time. Where it is kept is an adapter's matter."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Lease:
    holder: str  # a process, by a name that no other ever has; empty: nobody's
    lasts: timedelta  # from each renewal, as its holder promised
    turns: int  # how often it went from one holder to another
    version: str  # another one after every write
