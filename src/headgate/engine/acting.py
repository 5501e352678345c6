"""Who acts in this request or task: the door says so once, and nobody below has to be told."""

from contextvars import ContextVar
from dataclasses import replace

from headgate.model.actor import Actor

ENGINE = Actor("headgate", "engine")
_acting: ContextVar[Actor] = ContextVar("acting", default=ENGINE)


def enter(actor: Actor) -> None:
    """From here on, in this task and those that it starts."""
    _acting.set(actor)


def acting(claimed: str = "") -> Actor:
    """Whoever is known by a token or link of their own is that person; else who they say they are."""
    known = _acting.get()
    return known if known.proven or not claimed else replace(known, by=claimed)
