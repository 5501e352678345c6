"""What an adapter declares of itself, on its entry point: read before any adapter is made."""

from collections.abc import Callable
from typing import TypeVar

C = TypeVar("C", bound=Callable[..., object])


def _declares(name: str, value: object) -> Callable[[C], C]:
    def declare(create: C) -> C:
        setattr(create, name, value)
        return create

    return declare



def runs_images(create: C) -> C:
    """Their digests are made before it is asked to run."""
    return _declares("runs_images", True)(create)


def hands_files(create: C) -> C:
    """Secrets reach what it runs as files too."""
    return _declares("hands_files", True)(create)


def takes_manifests(create: C) -> C:
    """What a team has already runs there: Environment.manifests."""
    return _declares("takes_manifests", True)(create)


def installed_with(there: Callable[[], bool]) -> Callable[[C], C]:
    """Declares of an entry point what has to be installed for it; without that, no file may ask for it."""
    return _declares("installed", there)


def takes_references(*stores: str) -> Callable[[C], C]:
    """Declares of a platform's entry point which stores its own system reads, by their kind: see Host.references."""
    return _declares("takes_references", frozenset(stores))


def routed_by(*routers: str) -> Callable[[C], C]:
    """Declares of a platform's entry point which routers reach what it runs, by their names. Without it: any."""
    return _declares("routed_by", frozenset(routers))
