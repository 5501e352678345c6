"""Comparison of two proportions."""

from math import sqrt

from headgate.model.measurements import Sample, edge


def excess(bad: float, of: float, reference_bad: float, reference_of: float, margin: float = 0.0) -> float:
    """How many standard errors the first proportion stands above the second plus a margin.

    One success and one failure are added to either arm (Agresti and Caffo 2000), which keeps the interval honest
    for small counts and for zero errors.
    """
    n, m = of + 2, reference_of + 2
    p, q = (bad + 1) / n, (reference_bad + 1) / m
    return (p - q - margin) / sqrt(p * (1 - p) / n + q * (1 - q) / m)


def slower_than(sample: Sample, limit: float) -> int:
    """Requests in buckets that end above `limit` ms."""
    return sum(count for bucket, count in sample.latency.items() if edge(bucket) > limit)
