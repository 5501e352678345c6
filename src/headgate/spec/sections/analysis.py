"""The section `environments.NAME.analysis`: when a candidate counts as worse than the stable."""

from typing import Annotated, Literal

from pydantic import Field

from headgate.model.rules import Signal
from headgate.spec import units
from headgate.spec.sections.metric import MetricSection
from headgate.spec.sections.section import Section, defaults_to, part
from headgate.spec.sections.texts import (
    Count,
    Duration,
    Growth,
    Percentage,
    Points,
    Positive,
    SomeGrowth,
    SomePoints,
    amount,
    one_word_of,
)
from headgate.spec.units import Unsuitable

SignalWord = Annotated[Signal, one_word_of("errors", "latency", "p99")]
Unproven = Literal["hold", "promote", "rollback"]


def _rate(text: str) -> float:
    found = units.percentage(text)
    if not 1e-6 <= found <= 0.2:
        raise Unsuitable("0.0001% to 20%", "1% is right for most.")
    return found


ErrorRate = Annotated[float, amount(_rate, "0.0001% to 20%", units.PERCENTAGE_PATTERN)]


class ErrorsSection(Section):
    worse_by: SomePoints = defaults_to("0.25pp", "Rise of the share of failed requests that promotion must rule out.")
    tolerated: Points | None = Field(
        None, description="Rise that never puts a release back. Default: a fifth of worse_by."
    )


class LatencySection(Section):
    worse_by: SomeGrowth = defaults_to("12%", "Rise of latency on the whole that promotion must rule out.")
    p99_worse_by: SomeGrowth = defaults_to("12%", "Rise of the 99th percentile that promotion must rule out.")
    tolerated: Growth | None = Field(
        None, description="Rise that never puts a release back. Default: a third of worse_by or p99_worse_by."
    )


class AnalysisSection(Section):
    errors: ErrorsSection = part(ErrorsSection, "Failed requests.")
    latency: LatencySection = part(LatencySection, "Slow requests.")
    signals: Annotated[list[SignalWord], Field(min_length=1)] = defaults_to(
        ["errors", "latency", "p99"], "What is compared; a total failure always is."
    )
    false_rollback_rate: ErrorRate = defaults_to("1%", "Share of good releases that may be put back.")
    blip: Duration = defaults_to("20s", "Trouble of the candidate, once, that does not put it back.")
    unproven: Annotated[Unproven, one_word_of("hold", "promote", "rollback")] = defaults_to(
        "hold", "What becomes of a step that has proven nothing by its deadline."
    )
    instance_spread: Percentage = defaults_to("0%", "How much instances of one version differ in latency.")
    minimum_requests: Count = defaults_to(50, "Of the candidate in each step, before it may pass.")
    interval: Positive | None = Field(
        None, description="One measurement each. Default: 1s; with Prometheus two scrape intervals."
    )
    at_least: Positive = defaults_to("60s", "How long each step is watched before it may pass.")
    deadline: Positive = defaults_to("30m", "When a step that is not proven is held, promoted or rolled back.")
    metrics: list[MetricSection] = Field(
        default_factory=list, description="Thresholds and queries beside the comparison: a release must pass both."
    )
