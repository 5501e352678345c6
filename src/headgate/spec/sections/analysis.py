"""The section `environments.NAME.analysis`: when a candidate counts as worse than the stable."""

from headgate.spec.sections.section import Section, defaults_to, part
from headgate.spec.sections.texts import Count, Growth, Percentage, Points, Positive


class ErrorsSection(Section):
    worse_by: Points = defaults_to("0.5pp", "Rise of the share of failed requests that is too much.")


class LatencySection(Section):
    p99_worse_by: Growth = defaults_to("20%", "Rise of the 99th percentile that is too much.")


class AnalysisSection(Section):
    errors: ErrorsSection = part(ErrorsSection, "Failed requests.")
    latency: LatencySection = part(LatencySection, "Slow requests.")
    false_rollback_rate: Percentage = defaults_to("1%", "Share of good releases that may be put back.")
    minimum_requests: Count = defaults_to(50, "Of candidate and stable each, before anything is concluded.")
    interval: Positive = defaults_to("2s", "One measurement each.")
    at_least: Positive = defaults_to("60s", "How long each step is watched before it may pass.")
    deadline: Positive = defaults_to("30m", "A step that has not passed by then is aborted.")
