"""The adapters that the engine speaks to, by the names that specifications use."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from headgate.ports import MetricSource, Platform, Runner, Source, TrafficRouter, ValueSource


@dataclass(frozen=True, slots=True)
class World:
    platforms: Mapping[str, Platform]
    routers: Mapping[str, TrafficRouter]
    metrics: Mapping[str, MetricSource]
    source: Source
    releases: Path  # folder in which each release's source is laid out
    values: Mapping[str, ValueSource] = field(default_factory=dict)
    runners: Mapping[str, Runner] = field(default_factory=dict)

    @property
    def checkouts(self) -> Path:
        """Folder in which each step of a build finds its commit."""
        return self.releases.with_name("checkouts")

    def runner(self, image: str | None) -> Runner:
        """By the image of a step: a specification that asks for a runner that is not there was refused when applied."""
        return self.runners["docker" if image else "host"]
