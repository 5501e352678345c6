"""The record of a revision: what one service of it did, minute by minute, while it was the stable. Bounded."""

from dataclasses import dataclass, replace

from headgate.model.measurements import Sample, edge

BLOCK = 60.0  # seconds
KEPT = 240  # blocks, the latest: four hours
ENOUGH = 100  # requests, below which nothing is known
ORDINARY = 0.98  # of the blocks: one in fifty may have been an incident, and is no excuse for the next revision
QUANTILE = 0.9
NOTHING = Sample()


@dataclass(frozen=True, slots=True)
class Block:
    seconds: float
    requests: int
    errors: int
    slow: int | None  # bucket that holds the 90th percentile of latency


@dataclass(frozen=True, slots=True)
class Record:
    total: Sample = NOTHING
    blocks: tuple[Block, ...] = ()
    open: Sample = NOTHING
    open_seconds: float = 0.0

    @property
    def known(self) -> bool:
        return self.total.requests >= ENOUGH

    @property
    def errors(self) -> float:
        """Share of failed requests in its worst minutes, one in fifty left out."""
        return max(_ordinary([b.errors / b.requests for b in self._blocks() if b.requests]), self._mean_errors())

    @property
    def slow(self) -> float | None:
        """The 90th percentile of latency in its slowest minutes, milliseconds; None without latencies."""
        found = [float(b.slow) for b in self._blocks() if b.slow is not None]
        return edge(round(_ordinary(found))) if found else None

    @property
    def busiest(self) -> float:
        """Requests per second."""
        return max((b.requests / b.seconds for b in self._blocks() if b.seconds > 0), default=0.0)

    def slower_than(self, milliseconds: float) -> float:
        """Share of all its answers."""
        answers = sum(self.total.latency.values())
        return slower(self.total, milliseconds) / answers if answers else 0.0

    def _mean_errors(self) -> float:
        return self.total.errors / self.total.requests if self.total.requests else 0.0

    def _blocks(self) -> tuple[Block, ...]:
        """A minute that is not over stands for itself only while there is no other."""
        return self.blocks or (_closed(self.open, self.open_seconds),)


Records = dict[str, Record]  # service -> record


def remembered(known: Records, samples: dict[str, Sample], seconds: float) -> Records:
    return {**known, **{name: _with(known.get(name, Record()), one, seconds) for name, one in samples.items()}}


def slower(sample: Sample, milliseconds: float) -> int:
    """Answers in buckets that are wholly slower: they are 9 % wide, and what shares one with the limit is forgiven."""
    return sum(count for index, count in sample.latency.items() if edge(index - 1) >= milliseconds * (1 - 1e-9))


def _with(record: Record, sample: Sample, seconds: float) -> Record:
    grown = replace(
        record, total=record.total + sample, open=record.open + sample, open_seconds=record.open_seconds + seconds
    )
    if grown.open_seconds < BLOCK:
        return grown
    blocks = (*grown.blocks, _closed(grown.open, grown.open_seconds))[-KEPT:]
    return replace(grown, blocks=blocks, open=NOTHING, open_seconds=0.0)


def _closed(sample: Sample, seconds: float) -> Block:
    return Block(seconds, sample.requests, sample.errors, _bucket(sample))


def _bucket(sample: Sample) -> int | None:
    total, seen = sum(sample.latency.values()), 0
    for index in sorted(sample.latency):
        seen += sample.latency[index]
        if seen >= QUANTILE * total:
            return index
    return None


def _ordinary(values: list[float]) -> float:
    ordered = sorted(values)
    return ordered[min(int(ORDINARY * len(ordered)), len(ordered) - 1)] if ordered else 0.0
