"""A number of each arm per tick (memory, queue length): is the candidate's larger by more than a ratio?

A heuristic, unlike the rest: exact only for independent normal logarithms. It may hold a release or ask for time.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import exp, expm1, isfinite, log, sqrt

# d_t = log(candidate / stable) is winsorised at its median +- 3 robust deviations; its lag-1 autocorrelation makes n
# values worth n_eff = n (1 - rho) / (1 + rho). Against "the mean is at most log m" stands the scale mixture of the
# t-test's e-value (Lai 1976; Wang and Ramdas 2024), averaged over three widths g, and used only in the harmful
# direction.

KEPT = 90  # values; the state of a gauge stays below 1 KB
FEWEST = 5
WIDTHS = (0.25, 2.0, 20.0)
JITTER = 0.01  # added to the deviation: a gauge that never moves proves nothing by moving once
MAD = 1.4826  # of a normal variable: deviation over median absolute deviation


@dataclass(frozen=True, slots=True)
class Gauge:
    differences: tuple[float, ...] = ()


def gauged(gauge: Gauge, candidate: float, stable: float) -> Gauge:
    """Values that are not positive numbers say nothing and are left out."""
    if not all(isfinite(one) and one > 0 for one in (candidate, stable)):
        return gauge
    return Gauge((*gauge.differences, round(log(candidate) - log(stable), 4))[-KEPT:])


def nats(gauge: Gauge, ratio: float, worse: bool) -> float:
    """Evidence that the candidate's is more (`worse`) or less than `ratio` times the stable's."""
    if len(gauge.differences) < FEWEST:
        return 0.0
    mean, variance, effective = _moments(gauge)
    distance = mean - log(ratio)
    if effective < 2 or (distance > 0) is not worse:
        return 0.0
    t_square = effective * distance**2 / variance
    return log(sum(_t(t_square, effective, width) for width in WIDTHS) / len(WIDTHS))


def excess(gauge: Gauge) -> tuple[float, float, float]:
    """How much more than the stable's, relative: the estimate, and the ends of its interval (95 %). 0 of too few."""
    if len(gauge.differences) < FEWEST:
        return 0.0, 0.0, 0.0
    mean, variance, effective = _moments(gauge)
    reach = 1.96 * sqrt(variance / effective)
    return expm1(mean), expm1(mean - reach), expm1(mean + reach)


def _moments(gauge: Gauge) -> tuple[float, float, float]:
    """Mean, variance and the number of independent values that they are worth."""
    values = _winsorised(gauge.differences)
    n, mean = len(values), sum(values) / len(values)
    deviations = [one - mean for one in values]
    square = sum(one * one for one in deviations)
    rho = 0.0 if square == 0 else sum(a * b for a, b in pairwise(deviations)) / square
    rho = min(max(rho + (1 + 4 * rho) / n, 0.0), 0.99)
    return mean, square / (n - 1) + JITTER**2, n * (1 - rho) / (1 + rho)


def _t(t_square: float, n: float, width: float) -> float:
    freedom, wide = n - 1, 1 + n * width
    power = (freedom + 1) / 2 * log((1 + t_square / freedom) / (1 + t_square / (freedom * wide)))
    return exp(min(power, 300.0)) / sqrt(wide)


def _winsorised(values: tuple[float, ...]) -> list[float]:
    if not values:
        return []
    middle = _median(list(values))
    reach = 3 * MAD * _median([abs(one - middle) for one in values])
    return [min(max(one, middle - reach), middle + reach) for one in values] if reach else list(values)


def _median(values: list[float]) -> float:
    values.sort()
    half = len(values) // 2
    return values[half] if len(values) % 2 else (values[half - 1] + values[half]) / 2
