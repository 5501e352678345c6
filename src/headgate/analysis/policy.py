"""What counts as worse, how sure the judge must be, and how long it looks. Every field has a default."""

from dataclasses import dataclass, field
from math import log, sqrt

GAUGES_PART = 0.1  # of the error budget, where there are gauges


@dataclass(frozen=True, slots=True)
class Tolerance:
    """`harm` is what a candidate may be worse by without being put back; `accept` is what promotion rules out."""

    harm: float
    accept: float


@dataclass(frozen=True, slots=True)
class Policy:
    errors: Tolerance = Tolerance(0.0005, 0.0025)  # shares of requests, absolute
    latency: Tolerance = Tolerance(0.04, 0.12)  # of the latency itself, relative
    false_rollback_rate: float = 0.01  # alpha, a release
    false_promotion_rate: float = 0.05  # beta, of a release that is worse by `accept` throughout
    blip: float = 20.0  # seconds of trouble, once, that do not put a candidate back
    weights: tuple[int, ...] = (5, 25, 50)  # percent; each is a stage, the last leads to 100
    dwell: float = 60.0  # seconds that each stage is watched at least
    minimum_requests: int = 50  # of the candidate in each stage
    silence: float = 15.0  # seconds without a measurement after which nothing is known
    instance_spread: float = 0.0  # relative standard deviation of latency between instances of the stable
    instances: tuple[int, int] = (1, 1)  # of candidate and stable
    gauges: dict[str, Tolerance] = field(default_factory=dict)  # name -> ratios; 1.10 is 10 % more than the stable
    budget: dict[str, float] = field(
        default_factory=lambda: {"errors": 0.50, "outage": 0.05, "latency": 0.25, "p99": 0.12, "p99.9": 0.08}
    )  # parts of alpha, summing to 1 at most

    # Nats of its bar that a metric must bring from outside the best `blip` seconds.
    reserve: dict[str, float] = field(
        default_factory=lambda: {"errors": 1.2, "outage": 0.0, "latency": 1.6, "p99": 3.0, "p99.9": 3.0}
    )

    def bar(self, metric: str, services: int = 1) -> float:
        """Nats that this metric alone needs to put a candidate back."""
        part = (1 - GAUGES_PART) if self.gauges else 1.0
        return log(services / (self.false_rollback_rate * self.budget[metric] * part))

    def gauge_bar(self) -> float:
        return log(len(self.gauges) / (self.false_rollback_rate * GAUGES_PART))

    @property
    def proven(self) -> float:
        """Nats that a promotion needs of each metric."""
        return log(1 / self.false_promotion_rate)

    @property
    def latency_margin(self) -> float:
        """Relative. Wider where instances of one and the same version differ: three standard errors of their means."""
        mine, theirs = self.instances
        return max(self.latency.harm, 3 * self.instance_spread * sqrt(1 / mine + 1 / theirs))

    @property
    def latency_accepted(self) -> float:
        """Relative: as far above the harm margin as without the spread."""
        return self.latency.accept + self.latency_margin - self.latency.harm

    def gates(self) -> tuple[float, ...]:
        """Weight (0-1) that each stage leads to."""
        return (*(weight / 100 for weight in self.weights[1:]), 1.0)
