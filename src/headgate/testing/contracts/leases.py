"""What every place that keeps a lease must hold. Subclass, and give a fixture `leases`: one that was never written."""

import asyncio
from datetime import timedelta
from typing import Protocol

from headgate.model.leases import Lease

LASTS = timedelta(seconds=15)


class Leases(Protocol):
    """As the engine asks for it (`engine/leading.py`)."""

    async def read(self) -> Lease | None: ...

    async def write(self, seen: Lease | None, holder: str, lasts: timedelta) -> Lease | None: ...


class LeasesContract:
    async def test_is_nobodys_before_it_is_written(self, leases: Leases) -> None:
        assert await leases.read() is None

    async def test_is_read_as_it_was_written(self, leases: Leases) -> None:
        written = await leases.write(None, "one", LASTS)
        assert written is not None
        assert await leases.read() == written
        assert (written.holder, written.lasts, written.turns) == ("one", LASTS, 0)

    async def test_every_renewal_is_another_version(self, leases: Leases) -> None:
        first = await leases.write(None, "one", LASTS)
        await asyncio.sleep(0.001)
        second = await leases.write(first, "one", LASTS)
        assert first is not None
        assert second is not None
        assert first.version != second.version
        assert second.turns == 0

    async def test_of_two_who_saw_the_same_one_gets_it(self, leases: Leases) -> None:
        first = await leases.write(None, "one", LASTS)
        answers = await asyncio.gather(*(leases.write(first, name, LASTS) for name in ("two", "three")))
        won = [one for one in answers if one is not None]
        assert len(won) == 1
        assert await leases.read() == won[0]
        assert won[0].turns == 1

    async def test_of_two_who_saw_none_one_gets_it(self, leases: Leases) -> None:
        answers = await asyncio.gather(*(leases.write(None, name, LASTS) for name in ("one", "two")))
        assert sum(one is not None for one in answers) == 1

    async def test_what_is_given_back_is_nobodys(self, leases: Leases) -> None:
        first = await leases.write(None, "one", LASTS)
        back = await leases.write(first, "", LASTS)
        assert back is not None
        assert back.holder == ""
        taken = await leases.write(back, "two", LASTS)
        assert taken is not None
        assert taken.holder == "two"
