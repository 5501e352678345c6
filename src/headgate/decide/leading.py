"""Which of several servers leads. No clock is compared with another's: each counts how long it saw nothing change.

A holder trusts its lease for less time than others wait before they take it, so two never act at once, however
far apart their clocks are; only how fast they run has to be the same to within a third.
"""

from dataclasses import dataclass
from datetime import timedelta

from headgate.model.leases import Lease

LASTS = timedelta(seconds=15)  # others take it after this much silence
TRUSTED = timedelta(seconds=10)  # its holder acts no longer than this after it asked for the latest renewal
RENEWED = timedelta(seconds=3)  # between renewals
LOOKED_AT = timedelta(seconds=2)  # between looks of those who wait


@dataclass(frozen=True, slots=True)
class Take:
    why: str


@dataclass(frozen=True, slots=True)
class Wait:
    why: str


def claim(lease: Lease | None, unchanged: timedelta) -> Take | Wait:
    """Of who does not lead. `unchanged`: how long its own looks have shown this same version."""
    if lease is None:
        return Take("no server has ever led")
    if not lease.holder:
        return Take("the server that led has ended, and gave its lease back")
    silence, lasts = unchanged.total_seconds(), lease.lasts.total_seconds()
    if unchanged > lease.lasts:
        return Take(f"{lease.holder} has not renewed its lease for {silence:.0f} s; it lasts {lasts:.0f} s")
    return Wait(f"{lease.holder} leads; its lease was renewed within the last {max(silence, 1):.0f} s of {lasts:.0f} s")


def lost(me: str, lease: Lease | None) -> str | None:
    """Of who leads: why it does no more, for ever. Its own lease that ran out, and that nobody took, is not lost."""
    if lease is None:
        return "the lease is gone: somebody deleted it, so another server may lead"
    if lease.holder != me:
        return f"{lease.holder or 'nobody'} has the lease now"
    return None


def may_act(since_renewal: timedelta) -> bool:
    return since_renewal < TRUSTED
