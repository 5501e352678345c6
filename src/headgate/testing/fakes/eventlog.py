"""An event log in memory: nothing is durable, everything else is as in the real one."""

from collections.abc import Sequence

from headgate.model.events import Event, Recorded
from headgate.ports import Clock, Conflict


class MemoryEventLog:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._all: list[Recorded] = []
        self._streams: dict[str, list[Recorded]] = {}

    async def read(self, stream: str, after: int = 0) -> list[Recorded]:
        return self._streams.get(stream, [])[after:]

    async def append(self, stream: str, events: Sequence[Event], after: int) -> list[Recorded]:
        version = len(self._streams.get(stream, ()))
        if version != after:
            raise Conflict(f"{stream} is at version {version}, not {after}: someone else appended first.")
        at, position = self._clock.now(), len(self._all)
        fresh = [
            Recorded(stream, version + offset, position + offset, at, event)
            for offset, event in enumerate(events, start=1)
        ]
        if fresh:
            self._all += fresh
            self._streams.setdefault(stream, []).extend(fresh)
        return fresh

    async def tail(self, after: int = 0, most: int | None = None) -> list[Recorded]:
        return self._all[after:][:most]

    async def streams(self, prefix: str) -> list[str]:
        return [stream for stream in self._streams if stream.startswith(prefix)]
