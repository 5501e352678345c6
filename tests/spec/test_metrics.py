"""Where measurements come from: an adapter's name, or a Prometheus with what is asked there."""

from pathlib import Path

import pytest
from tests.spec.files import PRESENT, SMALL, production
from tests.spec.test_compile import compiled
from tests.spec.test_read import bad, problems

from headgate.model.selectors import PLACEHOLDERS
from headgate.model.selectors import named as placeholders_of
from headgate.spec.missing import missing
from headgate.spec.read import read
from headgate.spec.sections.metrics import SELECTING, SELECTORS
from headgate.spec.sections.presets import PRESETS

REQUESTS = 'r{service="{service}", revision="{revision}"}'
FIELDS = "url, preset, requests, errors, latency, latency_unit, scrape_interval, token_from, login_from"


def prometheus(analysis: str = "analysis: {interval: 30s}", **changed: str | None) -> str:
    """SMALL with a Prometheus; a field that is None is left out."""
    fields: dict[str, str | None] = {
        "url": "http://127.0.0.1:9090",
        "requests": f"'{REQUESTS}'",
        "errors": """'e{revision="{revision}"}'""",
        "latency": """'l{revision="{revision}"}'""",
        **changed,
    }
    written = "".join(f"        {name}: {value}\n" for name, value in fields.items() if value is not None)
    return SMALL.replace(
        "production: {platform: process}",
        f"production:\n    platform: process\n    {analysis}\n    metrics:\n      prometheus:\n{written}",
    )


def test_a_name_alone() -> None:
    assert (compiled(SMALL).metrics, compiled(SMALL).metric_settings) == ("envoy", {})
    assert compiled(production("metrics: mine")).metrics == "mine"


def test_a_prometheus() -> None:
    made = compiled(prometheus(token_from="PROMETHEUS_TOKEN"))
    assert made.metrics == "prometheus"
    assert made.metric_settings == {
        "url": "http://127.0.0.1:9090",
        "requests": REQUESTS,
        "errors": 'e{revision="{revision}"}',
        "latency": 'l{revision="{revision}"}',
        "scrape_interval": "15",
        "token_from": "PROMETHEUS_TOKEN",
    }
    assert compiled(prometheus(scrape_interval="500ms")).metric_settings["scrape_interval"] == "0.5"


def test_a_prometheus_that_is_not_installed_is_named() -> None:
    (problem,) = missing(read(prometheus()), PRESENT)
    assert (problem.field, problem.found) == ("environments.production.metrics", "prometheus")
    assert missing(read(prometheus()), {**PRESENT, "metrics": {"prometheus"}}) == []


PLACE = "environments.production.metrics"
BAD = {
    "a name alone": bad(
        production("metrics: ¦prometheus"),
        f"{PLACE}: found prometheus; allowed: a mapping: prometheus with its fields. "
        "Write `prometheus:` and its fields on lines below; `headgate spec` shows them.",
    ),
    "a list": bad(
        production("metrics: ¦[envoy]"),
        f"{PLACE}: found a list; allowed: the name of an adapter, or a mapping with prometheus. Write one of these.",
    ),
    "nothing": bad(
        production("metrics: ¦{}"),
        f"{PLACE}: found an empty mapping; allowed: exactly one of prometheus. Write one of them.",
    ),
    "a source without fields": bad(
        production("metrics: {¦envoy: {}}"),
        f"{PLACE}.envoy: found envoy; allowed: prometheus. Remove it.",
    ),
    "no address": bad(
        prometheus(url=None).replace("requests", "¦requests"),
        f"{PLACE}.prometheus.url: found nothing; allowed: url, which is required (where it answers). "
        "Add `url: http://127.0.0.1:9090`.",
    ),
    "a password": bad(
        prometheus(url="¦http://me:secret@host"),
        f"{PLACE}.prometheus.url: found http://me:secret@host; allowed: an address that begins with "
        "http:// or https://. Write it with a host and without a password.",
    ),
    "a token": bad(
        prometheus(token="abc").replace("token:", "¦token:"),
        f"{PLACE}.prometheus.token: found token; allowed: {FIELDS}. Did you mean token_from?",
    ),
    "a variable that is not for this": bad(
        prometheus(token_from="¦AWS_SECRET_ACCESS_KEY"),
        f"{PLACE}.prometheus.token_from: found AWS_SECRET_ACCESS_KEY; allowed: the name of a variable that begins with "
        "PROMETHEUS_. Write a name such as PROMETHEUS_TOKEN, and set that variable where the Headgate server runs.",
    ),
    "two ways in": bad(
        prometheus(token_from="PROMETHEUS_A", login_from="PROMETHEUS_B").replace("url:", "¦url:"),
        f"{PLACE}.prometheus: found a mapping; allowed: token_from or login_from, not both. Remove one of the two.",
    ),
    "windows between scrapes": bad(
        prometheus(analysis="analysis: {interval: ¦1s}"),
        "environments.production.analysis.interval: found 1s; allowed: at least 15s, the time between two "
        "scrapes of Prometheus. Write `analysis: {interval: 30s}`, or the true scrape_interval.",
    ),
    "scrapes too seldom": bad(
        prometheus(scrape_interval="¦2m"),
        f"{PLACE}.prometheus.scrape_interval: found 2m; allowed: a duration from 100ms to 1m. "
        "Write a duration from 100ms to 1m.",
    ),
}


@pytest.mark.parametrize(("content", "message"), BAD.values(), ids=BAD)
def test_what_is_none(content: str, message: str) -> None:
    assert problems(content) == [message]


def test_a_preset_fills_in_what_is_not_written() -> None:
    left_out = {"requests": None, "latency": None}
    made = compiled(prometheus(preset="istio", errors="""'e{revision="{revision}"}'""", **left_out)).metric_settings
    assert made["requests"].startswith("istio_requests_total{")
    assert (made["errors"], made["latency_unit"]) == ('e{revision="{revision}"}', "0.001")


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_tells_services_and_revisions_apart(name: str) -> None:
    several = prometheus(preset=name, requests=None, errors=None, latency=None)
    made = compiled(several.replace("services:\n", "services:\n  api: {command: [a], port: 1}\n")).metric_settings
    assert all(placeholders_of(made[field]) for field in SELECTING)


def test_expressions_count_a_window() -> None:
    texts = {field: f"""'sum(increase({field}{{revision="{{revision}}"}}[{{window}}]))'""" for field in SELECTING}
    assert "[{window}]" in compiled(prometheus(**texts)).metric_settings["latency"]
    (problem,) = problems(prometheus(requests=texts["requests"]))
    assert "expressions with {window}, or selectors, in all of requests" in problem
    (problem,) = problems(prometheus(**{**texts, "errors": "'sum(e[{window}])'"}))
    assert problem.endswith('Add revision="{revision}", or candidate and stable are the same numbers.')


def test_three_selectors_or_a_preset() -> None:
    (problem,) = problems(prometheus(errors=None))
    assert problem.endswith("allowed: errors, or a preset. Add `preset: istio`, or `errors: SELECTOR`.")


BESIDE = 'Write LABEL="VALUE", LABEL="VALUE" in braces; no functions, no ranges.'


@pytest.mark.parametrize(
    ("written", "remedy"),
    [
        ("r", 'Add {revision="{revision}"}.'),
        ("r{}", 'Add revision="{revision}", or candidate and stable are the same numbers.'),
        ('r{revision!="{revision}"}', 'Add revision="{revision}", or candidate and stable are the same numbers.'),
        (
            'r{revision="{revision}", a="{sevice}"}',
            f"There is no placeholder {{sevice}}: known are {', '.join(f'{{{name}}}' for name in PLACEHOLDERS)}.",
        ),
        ('rate(r{revision="{revision}"}[5m])', f"Not part of a selector: `(r{{revision=\"{{revisi`. {BESIDE}"),
        ('r{revision="{revision}"}[5m]', f"Not part of a selector: `[5m]`. {BESIDE}"),
        ('r{revision="{revision}"} offset 5m', f"Not part of a selector: `offset 5m`. {BESIDE}"),
        ('r{revision="{revision}"', f"Not part of a selector: `revision=\"{{revision}}`. {BESIDE}"),
        ('r{revision="{revision}}', f"Not part of a selector: `revision=\"{{revision}}`. {BESIDE}"),
        ('r{revision="{revision}" or 1}', f"Not part of a selector: `revision=\"{{revision}}`. {BESIDE}"),
        ("r{revision={revision}}", f"Not part of a selector: `revision={{revision}}}}`. {BESIDE}"),
        ("r{", "Close the quotes and the brace."),
        ('a b{revision="{revision}"}', f"Not part of a selector: `b{{revision=\"{{revisio`. {BESIDE}"),
        ('r{revision="{revision}"}' + " " * 2000, "Write at most 2,000 characters."),
    ],
)
def test_what_is_no_selector(written: str, remedy: str) -> None:
    (problem,) = problems(prometheus(errors=f"'{written}'"))
    assert problem.partition(": ")[0] == "f.yaml:12:17"
    assert f"allowed: {SELECTORS}. " in problem
    assert problem.endswith(f". {remedy}")


@pytest.mark.parametrize(
    "written",
    [
        '{__name__="r", revision="{revision}"}',
        'a:b_c{revision=~"{revision}|x{2}", code!~"4..", }',
        "r { revision = \"{revision}\", a='b\"c' }",
        'r{revision="{revision}", a="\\\\d\\"}", b="é"}',
    ],
)
def test_selectors(written: str) -> None:
    quoted = "'" + written.replace("'", "''") + "'"
    assert compiled(prometheus(errors=quoted)).metric_settings["errors"] == written


def test_with_several_services_each_selector_tells_them_apart() -> None:
    content = prometheus().replace("services:\n", "services:\n  api: {command: [a], port: 1}\n")
    assert [problem.partition(" found ")[0] for problem in problems(content)] == [
        f"f.yaml:13:17: {PLACE}.prometheus.errors:",
        f"f.yaml:14:18: {PLACE}.prometheus.latency:",
    ]


def test_the_documents_example_can_be_applied() -> None:
    text = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
    environment = text.partition("```yaml\n")[2].partition("```")[0]
    made = compiled(SMALL.partition("environments:")[0] + environment)
    assert made.metrics == "prometheus"
