"""Expressions instead of selectors: PromQL that counts one window itself, such as sum(increase(r[{window}])).

For recording rules and for what is no raw counter. What `increase` extrapolates is rounded to whole requests.
"""

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from headgate.adapters.metrics.prometheus.client import PrometheusClient
from headgate.adapters.metrics.prometheus.histogram import by_model
from headgate.adapters.metrics.prometheus.native import Bounds, Counts, counts_of
from headgate.adapters.metrics.prometheus.settings import Expressions
from headgate.adapters.quoted import short
from headgate.model.measurements import Sample
from headgate.model.selectors import filled_in
from headgate.ports import AdapterError


async def count(client: PrometheusClient, asked: Expressions, names: Mapping[str, str], at: int) -> Sample:
    """Raises AdapterError. No answer is no data: of errors too, which `or vector(0)` prevents."""
    requests = await client.number(asked.server, filled_in(asked.requests, names), at)
    errors = await client.number(asked.server, filled_in(asked.errors, names), at)
    vector = await client.vector(asked.server, filled_in(asked.latency, names), at)
    if not 0 <= errors <= requests:
        raise AdapterError(f"Prometheus counts {errors:g} errors in {requests:g} requests: check both expressions")
    latency = by_model(buckets_of(vector, asked.latency), asked.unit)
    if requests >= 1 and not latency:
        raise AdapterError(f"Prometheus finds no histogram for {short(asked.latency)}")
    counts = {index: round(many) for index, many in latency.items()}
    return Sample(round(requests), round(errors), {index: many for index, many in counts.items() if many})


def buckets_of(vector: list[Any], expression: str) -> Counts:
    """Of an instant vector: one native histogram, or the cumulative buckets of a classic one. Raises AdapterError."""
    try:
        if len(vector) == 1 and "histogram" in vector[0]:
            return counts_of(vector[0]["histogram"][1])
        upto = {float(one["metric"]["le"]): float(one["value"][1]) for one in vector}
    except (KeyError, TypeError, ValueError, LookupError, AttributeError) as error:
        raise AdapterError(f"{short(expression)} gives no histogram: sum it by (le), and by nothing else") from error
    if vector and (len(upto) != len(vector) or math.inf not in upto or len(upto) < 2):
        raise AdapterError(f"{short(expression)} gives no whole histogram: sum it by (le), up to +Inf")
    edges = [(-math.inf, 0.0), *sorted(upto.items())]
    found: dict[Bounds, float] = {(max(low, 0.0), high): now - below for (low, below), (high, now) in pairwise(edges)}
    if any(not many >= -0.5 for many in found.values()):
        raise AdapterError(f"the buckets of {short(expression)} contradict each other")
    return {bounds: many for bounds, many in found.items() if many > 0}
