"""Keeps answered enquiries without making anyone wait: answers go out at once, rows are written in batches.

A clean stop writes everything. A crash loses what was answered since the last batch, by default the last 100 ms;
while the database is away, up to MAX_PENDING rows are kept, then the oldest are given up, counted and logged.
"""

import asyncio
import logging
from datetime import timedelta

from sqlalchemy.exc import SQLAlchemyError

from quotes.database import Database, Record

log = logging.getLogger("quotes.journal")


class Journal:
    def __init__(self, database: Database, interval: timedelta, max_pending: int) -> None:
        self._database = database
        self._interval = interval.total_seconds()
        self._max_pending = max_pending
        self._pending: dict[str, Record] = {}
        self._stopping = asyncio.Event()
        self.lost = 0

    def add(self, record: Record) -> None:
        self._pending[record["id"]] = record
        if len(self._pending) > self._max_pending:
            self._give_up_oldest()

    async def find(self, id: str) -> str | None:
        """The answer as JSON. Another process's row is seen once its batch is written."""
        if record := self._pending.get(id):
            return record["answer"]
        return await asyncio.to_thread(self._database.read, id)

    async def run(self) -> None:
        """Writes a batch every interval until `stop`, and what is left then."""
        while not self._stopping.is_set():
            await self._pause()
            await self._flush()
        if self._pending:
            log.error("%d enquiries could not be written before the stop and are lost", len(self._pending))

    def stop(self) -> None:
        self._stopping.set()

    async def _pause(self) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), self._interval)
        except TimeoutError:
            return

    async def _flush(self) -> None:
        batch = list(self._pending.values())
        if not batch:
            return
        try:
            await asyncio.to_thread(self._database.write, batch)
        except SQLAlchemyError as error:
            log.warning("%d enquiries wait for the database: %s", len(batch), type(error).__name__)
            return
        for record in batch:
            self._pending.pop(record["id"], None)

    def _give_up_oldest(self) -> None:
        del self._pending[next(iter(self._pending))]
        self.lost += 1
        # The first and then every thousandth: a log line for each would be a second flood.
        if self.lost % 1000 == 1:
            log.error("the database is away and MAX_PENDING is reached: %d enquiries given up so far", self.lost)
