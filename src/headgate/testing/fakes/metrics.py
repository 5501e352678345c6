"""A metric source in memory: a test feeds it counts, and may blind it."""

from collections import defaultdict
from datetime import datetime

from headgate.model.ids import RevisionId
from headgate.model.measurements import NoData, Query, Reading, Sample, Window

Key = tuple[str, str, RevisionId]  # environment, service, revision


class FakeMetrics:
    def __init__(self) -> None:
        self.blind = ""  # a reason makes every reading NoData
        self._samples: dict[Key, list[tuple[datetime, Sample]]] = defaultdict(list)

    def feed(self, query: Query, revision: RevisionId, at: datetime, sample: Sample) -> None:
        """These requests were answered at `at`."""
        self._samples[query.environment, query.service, revision].append((at, sample))

    async def read(self, query: Query, revision: RevisionId, window: Window) -> Reading:
        """Everything answered after the window's start and up to its end: adjacent windows share nothing."""
        if self.blind:
            return NoData(self.blind)
        fed = self._samples.get((query.environment, query.service, revision), [])
        total = Sample()
        for at, sample in reversed(fed):
            if window.start < at <= window.end:
                total = total + sample
        return total

    def forget(self) -> None:
        self._samples.clear()
