"""What the judge knows of a rollout: small, frozen, and JSON as it stands. The same ticks give the same evidence."""

from dataclasses import dataclass, field
from datetime import datetime

from headgate.analysis.gauge import Gauge
from headgate.analysis.metric import Metric
from headgate.analysis.rate import Rate
from headgate.analysis.share import UNSEEN, Share
from headgate.model.measurements import Arm, Sample


@dataclass(frozen=True, slots=True)
class Service:
    """`earlier`: the stable before the release, until it holds enough answers to choose latency edges from."""

    metrics: tuple[Metric, ...]
    rates: tuple[Rate, ...]
    share: Share = UNSEEN
    earlier: Sample | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    services: dict[str, Service]
    gauges: dict[str, Gauge] = field(default_factory=dict)
    last: int = 0  # number of the last tick; it and all before it are never counted again
    until: datetime | None = None  # end of the last window that could be read
    weight: int = 0  # percent
    watched: float = 0.0  # seconds at this weight, less the tick within which it was set
    against: Arm = "stable"  # the arm that was measured last
    unread: str = ""  # why the last tick could not be read
    unread_ticks: int = 0
