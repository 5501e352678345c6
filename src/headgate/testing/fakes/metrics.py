"""A metric source in memory: a test feeds it what was answered, and may blind it.

Like a real one it counts from its first look on, and knows only revisions that it has heard of.
"""

import re
from collections import defaultdict
from datetime import datetime

from headgate.model.ids import RevisionId
from headgate.model.measurements import NoData, Query, Reading, Sample, Window

Key = tuple[str, str, RevisionId]  # environment, service, revision
Fed = dict[Key, list[tuple[datetime, Sample]]]


class FakeMetrics:
    def __init__(self, fed: Fed | None = None) -> None:
        self.blind = ""  # a reason makes every reading NoData
        self.fed: Fed = defaultdict(list) if fed is None else fed  # outlives a restart if it is handed on
        self._counts_since: datetime | None = None

    def feed(self, query: Query, revision: RevisionId, at: datetime, sample: Sample) -> None:
        """These requests were answered at `at`. A sample of none makes the revision known."""
        self.fed[query.environment, query.service, revision].append((at, sample))

    async def read(self, query: Query, revision: RevisionId, window: Window) -> Reading:
        """Everything answered after the window's start and up to its end: adjacent windows share nothing."""
        if reason := self._unreadable(query, revision, window):
            return NoData(reason)
        total = Sample()
        for at, sample in self.fed[query.environment, query.service, revision]:
            if window.start < at <= window.end:
                total = total + sample
        return total

    def _unreadable(self, query: Query, revision: RevisionId, window: Window) -> str:
        since = self._counts_since = self._counts_since or window.end
        if self.blind:
            return self.blind
        if not re.fullmatch(r"[a-z0-9-]+/[a-z0-9-]+", query.environment):
            return f"{query.environment!r} is no environment"
        if (query.environment, query.service, revision) not in self.fed:
            return f"{revision} is not known in {query.environment}"
        return f"nothing was counted before {since:%H:%M:%S} UTC" if window.start < since else ""
