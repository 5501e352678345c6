"""Every command on record, accepted or refused. One stream a month, so that a month can leave by policy."""

import asyncio
import hashlib
import json
import logging
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from headgate.engine.acting import acting
from headgate.engine.hidden import Hidden
from headgate.engine.refusals import LogDamaged, LogUnavailable
from headgate.model.record import CommandAnswered, Outcome
from headgate.ports import Clock, Conflict, EventLog

STREAM = "commands:"
# In an hour: who is refused again and again must not fill the disk, and who has no token hide nobody's refusals.
MOST_REFUSED, MOST_TURNED_AWAY = 600, 60
LONGEST = 200  # characters of one argument
LONGEST_ANSWER = 500  # characters
LONGEST_NAME, MOST_ARGUMENTS = 50, 20  # characters of its name; of one command
HOUR = timedelta(hours=1)
SECRET = re.compile(r"secret|token|password|passphrase|key|credential", re.IGNORECASE)
ADDRESS = re.compile(r"://[^\s/@]*@")  # user and password of an address

log = logging.getLogger(__name__)


class Recording:
    def __init__(self, events: EventLog, clock: Clock, hidden: Hidden) -> None:
        self._log, self._clock, self._hidden = events, clock, hidden
        self._stream, self._version, self._certain = "", 0, False  # the end of the stream, and whether it is that
        self._lock = asyncio.Lock()
        self._refused: deque[datetime] = deque()
        self._turned_away: deque[datetime] = deque()
        self._left_out = 0

    async def answered(
        self, verb: str, target: str, body: Mapping[str, Any], outcome: Outcome, answer: str = ""
    ) -> None:
        """Nothing is raised: a command that was carried out is not undone because its record finds no room."""
        claimed = str(body.get("by") or "")[:LONGEST]
        who, why = acting(claimed), str(body.get("why") or body.get("note") or "")
        given = [(name, value) for name, value in body.items() if name not in UNSAID][:MOST_ARGUMENTS]
        said = {self._clean(name, LONGEST_NAME): self._told(name, value) for name, value in given}
        event = CommandAnswered(
            verb,
            target,
            who.by,
            who.authenticated,
            who.source,
            self._clean(why, LONGEST_ANSWER),
            said,
            outcome,
            self._clean(answer, LONGEST_ANSWER),
        )
        try:
            async with self._lock:
                await self._append(event)
        except (LogUnavailable, LogDamaged, Conflict) as error:
            log.error("The command %s %s by %s is not on record: %s", verb, target, who.by, error)

    async def _append(self, event: CommandAnswered) -> None:
        now = self._clock.now()
        nobody = event.authenticated == "nobody"
        before, most = (self._turned_away, MOST_TURNED_AWAY) if nobody else (self._refused, MOST_REFUSED)
        if event.outcome != "accepted" and _too_many(before, most, now):
            self._left_out += 1
            return
        stream = f"{STREAM}{now:%Y-%m}"
        try:
            await self._write(stream, event)
        except Conflict:  # someone else was first, or a record that was given up was written all the same
            await self._write(stream, event)

    async def _write(self, stream: str, event: CommandAnswered) -> None:
        await self._find_end(stream)
        self._certain = False  # until it is known to be written: whoever gives up waiting leaves it open
        (kept,) = await self._log.append(stream, [replace(event, unrecorded=self._left_out)], self._version)
        self._version, self._left_out, self._certain = kept.version, 0, True

    async def _find_end(self, stream: str) -> None:
        if stream != self._stream:
            self._stream, self._version, self._certain = stream, 0, False
        if not self._certain:
            recorded = await self._log.read(stream, self._version)
            self._version = recorded[-1].version if recorded else self._version

    def _told(self, name: str, value: Any) -> str:
        if SECRET.search(name):
            return "***"
        if name == "text":
            return f"sha256:{hashlib.sha256(str(value).encode('utf-8', 'surrogatepass')).hexdigest()}"
        text = value if isinstance(value, str) else json.dumps(value, default=str)
        return self._clean(text, LONGEST)

    def _clean(self, text: str, longest: int) -> str:
        shown = ADDRESS.sub("://***@", self._hidden.hide(text))
        return shown if len(shown) <= longest else f"{shown[: longest - 3]}..."


def _too_many(before: deque[datetime], most: int, now: datetime) -> bool:
    while before and now - before[0] > HOUR:
        before.popleft()
    if len(before) >= most:
        return True
    before.append(now)
    return False


UNSAID = frozenset({"by", "why", "note"})
