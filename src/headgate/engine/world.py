"""The adapters that the engine speaks to, by the names that specifications use."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from headgate.ports import MetricSource, Platform, Source, TrafficRouter, ValueSource


@dataclass(frozen=True, slots=True)
class World:
    platforms: Mapping[str, Platform]
    routers: Mapping[str, TrafficRouter]
    metrics: Mapping[str, MetricSource]
    source: Source
    releases: Path  # folder in which each release's source is laid out
    values: Mapping[str, ValueSource] = field(default_factory=dict)
