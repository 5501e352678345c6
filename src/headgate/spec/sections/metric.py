"""The sections `environments.NAME.analysis.metrics[N]` and below: thresholds and queries, as other tools have them."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import Field, model_validator

from headgate.model import conditions
from headgate.model.conditions import Condition
from headgate.model.metrics import PLACEHOLDERS
from headgate.spec.sections.section import Section, Written, defaults_to, unsuitable
from headgate.spec.sections.texts import (
    Adapter,
    Duration,
    Flag,
    Header,
    Name,
    Positive,
    SomeGrowth,
    Text,
    Url,
    duration,
    matching,
    whole,
)
from headgate.spec.tree import Scalar
from headgate.spec.units import Unsuitable

CONDITIONS = 'comparisons with a number ("< 0.05", ">= 99 and != 100", "0.2 .. 0.8")'
PATHS = "a JSON path that begins with $ (RFC 9535)"
LONGEST = 2000  # characters of an expression
_BRACES = re.compile(r"(?<!\\[pPx])\{([A-Za-z_]\w*)\}")  # not a{2}, \p{Greek}


def _condition(scalar: Scalar) -> Condition:
    try:
        return conditions.parse(scalar.text)
    except ValueError as error:
        raise Unsuitable(CONDITIONS, str(error)) from error


def _expression(scalar: Scalar) -> str:
    if not scalar.text.strip() or len(scalar.text) > LONGEST:
        raise Unsuitable("an expression in the source's language", f"Write 1 to {LONGEST:,} characters.")
    return checked(scalar.text)


def checked(text: str) -> str:
    unknown = next((name for name in _BRACES.findall(text) if name not in PLACEHOLDERS), None)
    if unknown:
        known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
        remedy = f"There is no placeholder {{{unknown[:40]}}}: write one of these."
        raise Unsuitable(f"the placeholders {known}", remedy)
    return text


def _path(scalar: Scalar) -> str:
    from jsonpath import JSONPathEnvironment, JSONPathError  # a file without web metrics is read without it

    paths = JSONPathEnvironment(strict=True)
    for name in ("match", "search"):
        del paths.function_extensions[name]
    try:
        if len(scalar.text) > 500:
            raise Unsuitable(PATHS, "Write at most 500 characters.")
        paths.compile(scalar.text)
    except (JSONPathError, RecursionError, ValueError) as error:
        if isinstance(error, Unsuitable):
            raise
        inner = re.fullmatch(r"\{(\$.*)\}", scalar.text)
        raise Unsuitable(PATHS, f"Write {inner[1]}." if inner else "Write a path such as $.results.ok.") from error
    return scalar.text


MetricVariable = Annotated[
    str,
    matching(
        "(METRIC|PROMETHEUS)_[A-Z0-9_]{1,60}",  # no file may have any secret of the server sent anywhere
        "the name of a variable that begins with METRIC_ or PROMETHEUS_",
        "Write a name such as METRIC_TOKEN, and set that variable where the Headgate server runs.",
    ),
]
ConditionText = Annotated[
    Condition, Written(_condition, CONDITIONS, {"type": "string", "description": CONDITIONS, "maxLength": 200})
]
Expression = Annotated[
    str, Written(_expression, "an expression in the source's language", {"type": "string", "maxLength": LONGEST})
]
JsonPath = Annotated[str, Written(_path, PATHS, {"type": "string", "pattern": r"^\$", "maxLength": 500})]
Limit = Annotated[int, whole(0, 1_000_000)]
Seldom = Annotated[timedelta, duration("1s")]
Answered = Annotated[timedelta, duration("100ms", "30s")]


class QuerySection(Section):
    source: Adapter = Field(description="The value source that is asked.", examples=["prometheus"])
    expression: Expression = Field(description="In the source's own language.", examples=["sum(rate(sales[5m]))"])
    url: Url | None = Field(None, description="Optional. Where the source answers, if not at the environment's own.")
    token_from: MetricVariable | None = Field(
        None, description="Optional. Variable of the Headgate server that holds a bearer token."
    )

    def settings(self) -> dict[str, str]:
        return {name: value for name in ("url", "token_from") if (value := getattr(self, name)) is not None}


class WebSection(Section):
    url: Url = Field(description="Asked with GET; answers with JSON.", examples=["https://example.org/ok"])
    json_path: JsonPath = Field(description="Where in the answer the number is.", examples=["$.results.ok"])
    headers: dict[Header, MetricVariable] = Field(
        default_factory=dict, description="Header: variable of the Headgate server that holds its value."
    )
    timeout: Answered = defaults_to("10s", "No answer by then is an error.")

    @model_validator(mode="after")
    def known_placeholders(self) -> "WebSection":
        try:
            checked(self.url)
        except Unsuitable as error:
            raise unsuitable(error.allowed, error.remedy, ("url",)) from error
        return self

    def settings(self) -> dict[str, str]:
        headers = {f"header.{name}": variable for name, variable in self.headers.items()}
        return {"url": self.url, "timeout": f"{self.timeout.total_seconds():g}", **headers}


class JobSection(Section):
    run: Text = Field(description="Shell command; exit code 0 is 1, any other 0.", examples=["pytest -q tests/sales"])
    timeout: Positive = defaults_to("10m", "A job that takes longer is 0.")


class MetricSection(Section):
    """One of query, web and job; judged by success and failure, or by worse_by."""

    name: Name = Field(description="What people call it.", examples=["conversion"])
    query: QuerySection | None = Field(None, description="Ask a value source.")
    web: WebSection | None = Field(None, description="Ask an address.")
    job: JobSection | None = Field(None, description="Run a command against the candidate.")
    success: ConditionText | None = Field(None, description="Optional. A number that does not hold it has failed.")
    failure: ConditionText | None = Field(None, description="Optional. With both, what holds neither is inconclusive.")
    worse_by: SomeGrowth | None = Field(
        None, description="Optional, instead of conditions. Rise against the stable that promotion must rule out."
    )
    interval: Seldom = defaults_to("1m", "Between two readings.")
    initial_delay: Duration = defaults_to("0s", "From the begin of the step to the first reading.")
    count: Limit = defaults_to(0, "Readings after which it is done; 0 reads as long as the step lasts.")
    failure_limit: Limit = defaults_to(0, "Failures in a step that are allowed.")
    inconclusive_limit: Limit = defaults_to(0, "Inconclusive readings in a step that are allowed.")
    consecutive_error_limit: Limit = defaults_to(4, "Errors in a row that are allowed.")
    dry_run: Flag = Field(False, description="Shown, and never decides.")

    @model_validator(mode="after")
    def one_kind(self) -> "MetricSection":
        if sum(one is not None for one in (self.query, self.web, self.job)) != 1:
            raise unsuitable("exactly one of query, web and job", "Write where its number comes from, once.")
        return self

    @model_validator(mode="after")
    def one_way_to_judge(self) -> "MetricSection":
        by_conditions = self.success is not None or self.failure is not None
        if self.worse_by is not None and by_conditions:
            raise unsuitable("conditions or worse_by, not both", "Remove worse_by, or success and failure.")
        if self.worse_by is None and not by_conditions and self.job is None:
            remedy = 'Add a condition, such as `success: "< 0.05"`.'
            raise unsuitable("a metric with success, failure or worse_by", remedy)
        return self
