"""The section `environments.NAME.metrics`: where measurements come from, and what is asked there."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field, model_validator

from headgate.model.selectors import check_expression, is_expression, parse_each
from headgate.spec.sections.presets import PRESETS
from headgate.spec.sections.section import OneOf, Section, ShortForm, Written, defaults_to, unsuitable
from headgate.spec.sections.texts import ADAPTER, Url, duration, matching, one_word_of
from headgate.spec.tree import Mapping, Scalar
from headgate.spec.units import Unsuitable

SELECTORS = 'a series selector such as http_requests_total{service="{service}", revision="{revision}"}'
LONGEST_SELECTOR = 2000  # characters
SELECTING = ("requests", "errors", "latency")
UNITS = {"seconds": "1", "milliseconds": "0.001"}


@dataclass(frozen=True, slots=True)
class Metrics:
    source: str
    settings: dict[str, str] = field(default_factory=dict)


def _selector(scalar: Scalar) -> str:
    if len(scalar.text) > LONGEST_SELECTOR:
        raise Unsuitable(SELECTORS, f"Write at most {LONGEST_SELECTOR:,} characters.")
    try:
        (check_expression if is_expression(scalar.text) else parse_each)(scalar.text)
    except ValueError as error:
        raise Unsuitable(SELECTORS, str(error)) from error
    return scalar.text


PrometheusVariable = Annotated[
    str,
    matching(
        "PROMETHEUS_[A-Z0-9_]{1,60}",
        "the name of a variable that begins with PROMETHEUS_",
        "Write a name such as PROMETHEUS_TOKEN, and set that variable where the Headgate server runs.",
    ),
]
SeriesSelector = Annotated[
    str,
    Written(_selector, SELECTORS, {"type": "string", "pattern": r"\{(revision|workload)\}", "description": SELECTORS}),
]
PresetName = Annotated[str, one_word_of(*PRESETS)]
Unit = Annotated[str, one_word_of(*UNITS)]
ScrapeInterval = Annotated[timedelta, duration("100ms", "1m")]


class PrometheusSection(Section):
    url: Url = Field(description="Where it answers.", examples=["http://127.0.0.1:9090"])
    preset: PresetName | None = Field(
        None, description="Optional, instead of the three below: what a known source calls them."
    )
    requests: SeriesSelector | None = Field(
        None,
        description="Counters of answered requests, or PromQL that counts a {window}.",
        examples=["""'http_requests_total{service="{service}", revision="{revision}"}'"""],
    )
    errors: SeriesSelector | None = Field(
        None,
        description="Those of them that failed.",
        examples=["""'http_requests_total{service="{service}", revision="{revision}", code=~"5.."}'"""],
    )
    latency: SeriesSelector | None = Field(
        None,
        description="Buckets of a classic histogram, or a native one.",
        examples=["""'http_request_duration_seconds_bucket{service="{service}", revision="{revision}"}'"""],
    )
    latency_unit: Unit | None = Field(None, description="Optional. What the bounds of its buckets are.")
    scrape_interval: ScrapeInterval = defaults_to("15s", "Time between two scrapes; after five without one: no data.")
    token_from: PrometheusVariable | None = Field(
        None, description="Optional. Variable of the Headgate server that holds a bearer token."
    )
    login_from: PrometheusVariable | None = Field(
        None, description="Optional. Variable of the Headgate server that holds USER:PASSWORD."
    )

    @model_validator(mode="after")
    def one_way_in(self) -> "PrometheusSection":
        if self.token_from is not None and self.login_from is not None:
            raise unsuitable("token_from or login_from, not both", "Remove one of the two.")
        return self

    @model_validator(mode="after")
    def all_three(self) -> "PrometheusSection":
        absent = next((name for name in SELECTING if getattr(self, name) is None), None)
        if absent and self.preset is None:
            raise unsuitable(f"{absent}, or a preset", f"Add `preset: {next(iter(PRESETS))}`, or `{absent}: SELECTOR`.")
        if len({is_expression(self.asked(name)) for name in SELECTING}) > 1:
            allowed = "expressions with {window}, or selectors, in all of requests, errors and latency"
            raise unsuitable(allowed, "Write all three the same way.")
        return self

    def asked(self, field: str) -> str:
        """As written, or as the preset has it."""
        written = getattr(self, field)
        return str(written if written is not None else getattr(PRESETS.get(self.preset or ""), field, ""))

    def settings(self) -> dict[str, str]:
        """As the metric source gets them, times in seconds."""
        named = {name: getattr(self, name) for name in ("url", "token_from", "login_from")}
        written = {name: value for name, value in named.items() if value is not None}
        asked = {name: self.asked(name) for name in SELECTING}
        unit = UNITS[self.asked("latency_unit") or "seconds"]
        scraped = f"{self.scrape_interval.total_seconds():g}"
        return {**written, **asked, **({"latency_unit": unit} if unit != "1" else {}), "scrape_interval": scraped}


class MetricsSection(OneOf):
    prometheus: PrometheusSection | None = Field(None, description="Counters that a Prometheus scrapes.")

    def finished(self) -> Metrics:
        return Metrics(self.kind, self.prometheus.settings() if self.prometheus else {})


def _expand(scalar: Scalar, section: Callable[[Mapping], Any]) -> Metrics:
    if scalar.text in MetricsSection.model_fields:
        allowed = f"a mapping: {scalar.text} with its fields"
        raise Unsuitable(allowed, f"Write `{scalar.text}:` and its fields on lines below; `headgate spec` shows them.")
    return Metrics(ADAPTER.parse(scalar))


MetricsValue = Annotated[
    Metrics,
    ShortForm(
        MetricsSection,
        expand=_expand,
        finish=MetricsSection.finished,
        allowed="the name of an adapter, or a mapping with prometheus",
        schema={**ADAPTER.schema, "not": {"enum": list(MetricsSection.model_fields)}},
    ),
]
