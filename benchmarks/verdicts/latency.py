"""Latencies of the world: lognormal, median 80 ms, sigma 0.6; a regression scales all, or slows a share of requests."""

from dataclasses import dataclass
from math import exp, log

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MEDIAN = 80.0  # ms
SIGMA = 0.6
P99 = MEDIAN * exp(SIGMA * 2.3263478740408408)


def normal_tail(z: Floats) -> Floats:
    """P(Z > z) by Hart's rational fit to erfc (Numerical Recipes `erfcc`), relative error below 1.2e-7."""
    x = np.abs(z) / np.sqrt(2)
    t = 1 / (1 + 0.5 * x)
    poly = -1.26551223 + t * (
        1.00002368
        + t
        * (
            0.37409196
            + t
            * (
                0.09678418
                + t
                * (
                    -0.18628806
                    + t * (0.27886807 + t * (-1.13520398 + t * (1.48851587 + t * (-0.82215223 + t * 0.17087277))))
                )
            )
        )
    )
    half = 0.5 * t * np.exp(-x * x + poly)
    return np.where(z >= 0, half, 1 - half)


@dataclass(frozen=True)
class Shape:
    scale: float = 1.0  # of every latency
    share: float = 0.0  # of requests that are slowed further
    slow_median: float = MEDIAN  # ms, of the slowed ones

    def beyond(self, limit: Floats) -> Floats:
        """Share of requests slower than `limit` ms."""
        usual = normal_tail(np.log(limit / (MEDIAN * self.scale)) / SIGMA)
        if not self.share:
            return usual
        slow = normal_tail(np.log(limit / self.slow_median) / SIGMA)
        return (1 - self.share) * usual + self.share * slow


USUAL = Shape()


def p99_times(factor: float, share: float = 0.03) -> Shape:
    """`share` of the requests slowed, so that the 99th percentile becomes `factor` times what it was."""
    target = P99 * factor
    usual = float(normal_tail(np.array([log(target / MEDIAN) / SIGMA]))[0])
    wanted = (0.01 - (1 - share) * usual) / share  # of the slowed requests, beyond the target
    low, high = 1.0, 1e5
    for _ in range(80):
        middle = (low * high) ** 0.5
        tail = float(normal_tail(np.array([log(target / middle) / SIGMA]))[0])
        low, high = (middle, high) if tail < wanted else (low, middle)
    return Shape(share=share, slow_median=low)
