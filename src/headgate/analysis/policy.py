"""What counts as worse, how sure the judge must be, and how long it looks. Every field has a default."""

from dataclasses import dataclass, field
from functools import cache
from math import log, sqrt

from headgate.model.rules import AnalysisRules, Signal, Tolerance

USUAL = AnalysisRules()
Arms = tuple[float, float]  # shares of all traffic (0-1): of the candidate, of what it is compared with
GAUGES_PART = 0.1  # of the error budget, where there are gauges


@dataclass(frozen=True, slots=True)
class Policy:
    errors: Tolerance = USUAL.errors  # shares of requests, absolute
    latency: Tolerance = USUAL.latency  # of the latency itself, relative
    p99: Tolerance = USUAL.p99  # of the slowest hundredth, relative
    signals: tuple[Signal, ...] = USUAL.signals
    false_rollback_rate: float = USUAL.false_rollback_rate  # alpha, a release
    false_promotion_rate: float = 0.05  # beta, of a release that is worse by `accept` throughout
    blip: float = USUAL.blip.total_seconds()  # of trouble, once, that does not put a candidate back
    weights: tuple[int, ...] = (5, 25, 50)  # percent; each is a stage, the last leads to 100
    dwell: float = 60.0  # seconds that each stage is watched at least
    minimum_requests: int = 50  # of the candidate in each stage
    silence: float = 15.0  # seconds without a measurement after which nothing is known
    instance_spread: float = 0.0  # relative standard deviation of latency between instances of the stable
    instances: tuple[int, int] = (1, 1)  # of candidate and of what it is compared with
    baseline: bool = False  # compared with fresh copies of the stable, which have no more traffic than the candidate
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

    def widened(self, slower: Tolerance) -> Tolerance:
        """Wider where instances of one and the same version differ: three standard errors of their means at least."""
        mine, theirs = self.instances
        harm = max(slower.harm, 3 * self.instance_spread * sqrt(1 / mine + 1 / theirs))
        return Tolerance(harm, slower.accept + harm - slower.harm)

    def arms(self, weight: float) -> Arms:
        """Of a candidate with so much (0-1) of all traffic, and of what it is compared with."""
        return weight, min(weight, 1 - weight) if self.baseline else 1 - weight

    def judges(self, metric: str) -> bool:
        """Is this metric compared? The slowest thousandth goes with the slowest hundredth."""
        return metric == "outage" or metric.removesuffix(".9") in self.signals

    def gates(self) -> tuple[float, ...]:
        """Weight (0-1) that each stage leads to."""
        return (*(weight / 100 for weight in self.weights[1:]), 1.0)


@cache
def policy(
    rules: AnalysisRules, weights: tuple[int, ...], instances: tuple[int, int] = (1, 1), baseline: bool = False
) -> Policy:
    """What the file says, as the judge needs it. `weights`: of the strategy's stages, percent."""
    return Policy(
        errors=rules.errors,
        latency=rules.latency,
        p99=rules.p99,
        signals=rules.signals,
        false_rollback_rate=rules.false_rollback_rate,
        blip=rules.blip.total_seconds(),
        weights=weights,
        dwell=rules.at_least.total_seconds(),
        minimum_requests=rules.minimum_requests,
        silence=max(15.0, 5 * rules.interval.total_seconds()),
        instance_spread=rules.instance_spread,
        instances=instances,
        gauges={rule.name: _ratios(rule.worse_by) for rule in rules.metrics if rule.worse_by and not rule.dry_run},
        baseline=baseline,
    )


def _ratios(worse_by: float) -> Tolerance:
    """As for latency: a third of what promotion must rule out never puts a release back."""
    return Tolerance(1 + worse_by / 3, 1 + worse_by)
