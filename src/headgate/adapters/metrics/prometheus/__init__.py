"""Metric source `prometheus`: requests, errors and latency of each revision, from counters that Prometheus scraped."""

from headgate.adapters.metrics.prometheus.source import PrometheusMetrics
from headgate.ports import Host


def create(host: Host) -> PrometheusMetrics:
    return PrometheusMetrics()
