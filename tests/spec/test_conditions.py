"""Metrics of the file: where a number comes from, what it must be, and what would never be read or never decide."""

from datetime import timedelta

import pytest
from tests.spec.files import PRESENT, SMALL
from tests.spec.test_compile import compiled
from tests.spec.test_read import bad, problems

from headgate.model.conditions import parse
from headgate.model.metrics import MetricRule, ValueQuery
from headgate.spec.missing import missing
from headgate.spec.read import read

WEB = "name: sales, web: {url: 'http://127.0.0.1/a?r={revision}', json_path: $.n}"
JOB = "name: work, job: {run: pytest}"
CANARY = "strategy: {canary: {steps: [20]}}"
PLACE = "environments.production.analysis.metrics"


def measured(metrics: str, rest: str = CANARY) -> str:
    return SMALL.replace("platform: process", f"platform: process, {rest}, analysis: {{metrics: [{metrics}]}}")


def metric(fields: str) -> MetricRule:
    (found,) = compiled(measured(f"{{{fields}}}")).analysis.metrics
    return found


def test_an_address() -> None:
    found = metric(f"{WEB[:-1]}, headers: {{Authorization: METRIC_TOKEN}}, timeout: 500ms}}, success: '>= 3 and < 9'")
    settings = {"url": "http://127.0.0.1/a?r={revision}", "timeout": "0.5", "header.Authorization": "METRIC_TOKEN"}
    assert found.query == ValueQuery("web", "$.n", settings)
    assert found.success == parse(">= 3 and < 9")


def test_a_command_succeeds_with_1_unless_the_file_says_otherwise() -> None:
    found = metric(f"{JOB}, count: 3, interval: 5s")
    assert found.job is not None
    assert (found.job.run, found.job.timeout, found.count) == ("pytest", timedelta(minutes=10), 3)
    assert found.success == parse("== 1")
    assert metric(f"{JOB}, failure: '== 0'").success is None


def test_a_query_goes_where_the_environment_measures_unless_it_has_an_address() -> None:
    field = "metrics: {prometheus: {url: http://p:9090, requests: 'r{revision=\"{revision}\"}', errors: 'e{revision="
    field += "\"{revision}\"}', latency: 'l{revision=\"{revision}\"}', scrape_interval: 1s, token_from: PROMETHEUS_T}}"
    text = measured("{name: up, query: {source: prometheus, expression: up}, success: '> 0'}", f"{CANARY}, {field}")
    (found,) = compiled(text.replace("analysis: {", "analysis: {interval: 2s, ")).analysis.metrics
    assert found.query == ValueQuery("prometheus", "up", {"url": "http://p:9090", "token_from": "PROMETHEUS_T"})
    own = metric("name: up, query: {source: prometheus, expression: up, url: http://q}, success: '> 0'").query
    assert own == ValueQuery("prometheus", "up", {"url": "http://q"})


def test_what_is_not_installed_is_named() -> None:
    text = measured("{name: up, query: {source: mine, expression: up, url: http://q}, success: '> 0'}")
    (problem,) = missing(read(text), {**PRESENT, "values": {"web", "prometheus"}})
    assert (problem.field, problem.found, problem.allowed) == (f"{PLACE}[0].query.source", "mine", "prometheus")
    (problem,) = missing(read(measured(f"{{{WEB}, success: '> 0'}}")), PRESENT)
    assert problem.field == f"{PLACE}[0].web"


BAD = {
    "no condition": (f"¦{{{WEB}}}", 'Add a condition, such as `success: "< 0.05"`.'),
    "no source": ("¦{name: a, success: '> 1'}", "Write where its number comes from, once."),
    "two sources": (f"¦{{{WEB}, job: {{run: x}}, success: '> 1'}}", "exactly one of query, web and job"),
    "a number alone": (f"{{{WEB}, success: ¦'5'}}", "write <= 5 or >= 5."),
    "percent": (f"{{{WEB}, success: ¦'< 5 %'}}", "Write the number that the source gives, without %."),
    "both ways": (f"¦{{{WEB}, success: '< 5', worse_by: 10%}}", "conditions or worse_by, not both"),
    "a comparison with a count": (f"{{{WEB}, worse_by: 10%, count: ¦3}}", "what is compared is read until"),
    "a comparison with a limit": (f"{{{WEB}, worse_by: 10%, failure_limit: ¦3}}", "only with success or failure"),
    "equality": (f"{{{WEB}, worse_by: ¦0%}}", "equality cannot be proven"),
    "another placeholder": (
        "{name: a, web: {url: ¦'http://a/{version}', json_path: $.n}, success: '> 1'}",
        "There is no placeholder {version}: write one of these.",
    ),
    "no path": ("{name: a, web: {url: 'http://a/', json_path: ¦n}, success: '> 1'}", "such as $.results.ok."),
    "a path of another tool": (
        "{name: a, web: {url: 'http://a/', json_path: ¦'{$.n}'}, success: '> 1'}",
        "Write $.n.",
    ),
    "a pattern that may run for ever": (
        "{name: a, web: {url: 'http://a/', json_path: ¦\"$[?match(@.a,'a')]\"}, success: '> 1'}",
        "a JSON path that begins with $",
    ),
    "a secret of the server": (
        "{name: a, web: {url: 'http://a/', json_path: $.n, headers: {X-A: ¦AWS_SECRET}}, success: '> 1'}",
        "a variable that begins with METRIC_ or PROMETHEUS_",
    ),
    "a query that goes nowhere": (
        "{name: a, query: ¦{source: prometheus, expression: up}, success: '> 1'}",
        "Add `url: ADDRESS`: the environment's own metrics come from envoy.",
    ),
    "a command that is compared": ("{name: a, job: {run: x}, worse_by: ¦5%}", "a job runs for the candidate alone"),
    "one number for both": (
        "{name: a, query: {source: prometheus, url: 'http://a', expression: up}, worse_by: ¦5%}",
        "Name the revision in it, or candidate and stable are the same number.",
    ),
    "a name twice": (f"{{{JOB}}}, {{name: ¦work, job: {{run: y}}}}", "found work twice"),
    "every failure allowed": (f"{{{JOB}, count: 5, failure_limit: ¦5}}", "a metric without a success does not pass"),
    "more than the deadline": (f"{{{JOB}, count: ¦50}}", "found 49m; allowed: a metric that is read within 30m"),
    "after the deadline": (f"{{{JOB}, initial_delay: ¦40m}}", "a metric that is read within 30m"),
    "more often than measured": (f"{{{JOB}, interval: ¦500ms}}", "a duration from 1s"),
    "the word of another tool": (f"{{{JOB}, ¦successCondition: x}}", "Did you mean success?"),
}


@pytest.mark.parametrize(("fields", "told"), BAD.values(), ids=BAD)
def test_bad_metrics(fields: str, told: str) -> None:
    text, begin = bad(measured(fields), "")
    (problem,) = [one for one in problems(text) if told in one]
    assert problem.startswith(f"{begin.rstrip(': ')}: {PLACE}")


BAKED = {
    "never read": ("strategy: all-at-once", f"{{{JOB}}}", "metrics only with a canary or a bake"),
    "read too late": ("strategy: all-at-once, bake: 5m", f"{{{JOB}, initial_delay: 5m}}", "less than 5m, the bake"),
    "nothing to compare with": (
        "strategy: all-at-once, bake: 5m",
        f"{{{WEB}, worse_by: 5%}}",
        "nothing else serves beside the stable",
    ),
}


@pytest.mark.parametrize(("rest", "fields", "told"), BAKED.values(), ids=BAKED)
def test_where_nothing_is_analyzed(rest: str, fields: str, told: str) -> None:
    (problem,) = problems(measured(fields, rest))
    assert told in problem


def test_a_bake_alone_is_enough_for_conditions() -> None:
    assert compiled(measured(f"{{{JOB}}}", "strategy: all-at-once, bake: 5m")).analysis.metrics
