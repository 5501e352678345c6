"""A lease in memory, whose answers can be lost on the way."""

from datetime import timedelta

from headgate.model.leases import Lease
from headgate.ports import AdapterError


class FakeLeases:
    def __init__(self) -> None:
        self.lease: Lease | None = None
        self.away = False  # nothing gets there
        self.mute = False  # it gets there, and no answer comes back
        self.writes = 0

    async def read(self) -> Lease | None:
        self._answer()
        return self.lease

    async def write(self, seen: Lease | None, holder: str, lasts: timedelta) -> Lease | None:
        if self.away:
            self._answer()
        if seen != self.lease:
            return None
        turns = seen.turns + (seen.holder != holder) if seen else 0
        self.writes += 1
        self.lease = Lease(holder, lasts, turns, str(self.writes))
        self._answer()
        return self.lease

    def relabel(self) -> None:
        """Another hand writes to the object, and not to what the lease is."""
        if self.lease is not None:
            self.writes += 1
            self.lease = Lease(self.lease.holder, self.lease.lasts, self.lease.turns, str(self.writes))

    def _answer(self) -> None:
        if self.away or self.mute:
            raise AdapterError("the cluster does not answer")
