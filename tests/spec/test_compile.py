"""The file into the model: defaults, short forms, groups, and nothing dropped in silence."""

from datetime import timedelta

import pytest
from tests.spec.files import SAMPLE, SMALL, production, service

from headgate.model.checks import Check, Load, Request
from headgate.model.parity import Accepted, Parity, ParityGate
from headgate.model.rules import (
    AnalysisRules,
    ApprovalGate,
    Audience,
    Deadlines,
    Environment,
    FreezeGate,
    Gate,
    SignOffGate,
    SoakGate,
    Strategy,
    Tolerance,
    WebhookGate,
)
from headgate.model.services import Container, Dockerfile, Health, Service, Value
from headgate.model.sources import Following
from headgate.spec.compile import application, services
from headgate.spec.problems import SpecificationError
from headgate.spec.read import read


def compiled(content: str, name: str = "production") -> Environment:
    environment = application(read(content), "/srv/shop", "headgate.yaml").environment(name)
    assert environment is not None
    return environment


def test_the_smallest_file_has_the_models_defaults() -> None:
    assert compiled(SMALL) == Environment("production", "process")
    assert services(read(SMALL)) == (Service("web", ("serve", "$PORT"), 8000),)


def test_the_application() -> None:
    made = application(read(SMALL), "/srv/shop", "deploy/headgate.yaml")
    assert (made.name, made.source, made.file) == ("shop", "/srv/shop", "deploy/headgate.yaml")


def test_the_source_is_what_the_file_says_else_where_it_lies() -> None:
    said = "source: {repository: 'git@git.example.org:shop.git', branches: [main], tags: [v*], poll: 5s}\n"
    made = application(read(SMALL + said), "/srv/shop", "headgate.yaml")
    assert made.source == "git@git.example.org:shop.git"
    assert made.following == Following(("main",), ("v*",), timedelta(seconds=5))
    assert application(read(SMALL), "/srv/shop", "headgate.yaml").following == Following()
    announced = application(read(SMALL + "source: {releases: on-announce}\n"), "/srv/shop", "headgate.yaml")
    assert announced.following.releases == "on-announce"


def test_an_environment_that_integrates_takes_what_is_built() -> None:
    made = compiled(SMALL.replace("platform: process", "platform: process, integrate: true"))
    assert (made.integrate, made.deploy) == (True, "on-build")


def test_the_samples_services() -> None:
    assert services(read(SAMPLE)) == (
        Service(
            name="quotes",
            command=("uvicorn", "quotes.app:app", "--host", "0.0.0.0", "--port", "$PORT"),
            port=8000,
            build="services/quotes",
            health=Health("/healthz", timedelta(seconds=1)),
            replicas=2,
            env={"LOG_LEVEL": Value("plain", "info")},
        ),
    )


def test_how_an_image_is_built() -> None:
    (web,) = services(read(SMALL))
    assert (web.build, web.dockerfile) == (".", Dockerfile())
    (web,) = services(read(SMALL.replace("port: 8000", "port: 8000, build: web")))
    assert (web.build, web.dockerfile) == ("web", Dockerfile())
    how = "{context: web, dockerfile: build/web.Dockerfile, target: slim, args: {BASE: python:3.11, WORKERS: 2}}"
    (web,) = services(read(SMALL.replace("port: 8000", f"port: 8000, build: {how}")))
    assert web.build == "web"
    assert web.dockerfile == Dockerfile("build/web.Dockerfile", "slim", {"BASE": "python:3.11", "WORKERS": "2"})


def test_how_far_a_container_is_closed() -> None:
    assert services(read(SMALL))[0].container == Container()
    opened = (
        "{read_only: false, tmp: 1GiB, capabilities: [NET_BIND_SERVICE, CHOWN, CHOWN], new_privileges: true, "
        'user: "1000:web", memory: 512MiB, cpus: 0.5, processes: 50}'
    )
    (web,) = services(read(SMALL.replace("port: 8000", f"port: 8000, container: {opened}")))
    assert web.container == Container(
        read_only=False,
        tmp=1024**3,
        capabilities=("NET_BIND_SERVICE", "CHOWN"),
        new_privileges=True,
        user="1000:web",
        memory=512 * 1024**2,
        cpus=0.5,
        processes=50,
    )


@pytest.mark.parametrize(
    ("field", "allowed"),
    [
        ("capabilities: [SYS_ADMIN]", "NET_BIND_SERVICE"),
        ("memory: 512", "512MiB"),
        ("cpus: 0", "a number of processors"),
        ("cpus: many", "a number of processors"),
        ("user: '--privileged'", "USER or USER:GROUP"),
        ("privileged: true", "read_only"),
    ],
)
def test_what_no_container_may_have_is_refused(field: str, allowed: str) -> None:
    with pytest.raises(SpecificationError, match=allowed):
        read(SMALL.replace("port: 8000", f"port: 8000, container: {{{field}}}"))


LONDON = "Europe/London"


def test_the_sample_without_what_arrives_later() -> None:
    content = SAMPLE.replace(", {name: load, load: {rate: 500/s, for: 60s, p90: 500ms, errors: 0.1%}}", "")
    made = application(read(content + "groups: {release-managers: [alice, bob]}\n"), "/srv", "headgate.yaml")
    assert [one.name for one in made.environments] == ["devint", "qa", "staging", "production"]
    assert made.environment("devint") == Environment(
        "devint", "docker", deploy="on-build", branches=("main", "feature/*")
    )
    assert made.environment("staging") == Environment(
        "staging",
        "kubernetes",
        deploy="on-build",
        strategy=Strategy("blue-green"),
        checks=(Check("e2e", "run", "pytest tests/e2e"),),
    )
    assert made.environment("production") == Environment(
        "production",
        "kubernetes",
        deploy="on-advance",
        after="staging",
        gates=(ApprovalGate(("alice", "bob"), 2), FreezeGate(timedelta(days=4, hours=16), timedelta(hours=8), LONDON)),
        strategy=Strategy("canary", (5, 25, 50), sticky=True, audience=Audience({"X-Beta": "1"})),
        analysis=AnalysisRules(errors=Tolerance(0.001, 0.005), p99=Tolerance(0.20 / 3, 0.20)),
        bake=timedelta(minutes=30),
        env={
            "DATABASE_URL": Value("secret", "pcw/production/database-url"),
            "QUOTE_CACHE": Value("terraform", "cache_endpoint"),
        },
    )


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("canary", Strategy("canary", (5, 25, 50))),
        ("blue-green", Strategy("blue-green")),
        ("all-at-once", Strategy("all-at-once")),
        ("{canary: {}}", Strategy("canary", (5, 25, 50))),
        ("{canary: {steps: [1, 99]}}", Strategy("canary", (1, 99))),
        ("{canary: {sticky: cookie}}", Strategy("canary", (5, 25, 50), sticky=True)),
        ("{canary: {baseline: true}}", Strategy("canary", (5, 25, 50), baseline=True)),
        ("{canary: {baseline: false}}", Strategy("canary", (5, 25, 50))),
        ("{blue-green: {}}", Strategy("blue-green")),
        ("{blue-green: {audience: {header: {A: 1}}}}", Strategy("blue-green", audience=Audience({"A": "1"}))),
        ("{all-at-once: {}}", Strategy("all-at-once")),
    ],
)
def test_strategies(written: str, expected: Strategy) -> None:
    assert compiled(production(f"strategy: {written}")).strategy == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("bake: 0s", "on-request"),
        ("branches: [main]", "on-build"),
        ("after: staging", "on-advance"),
        ("after: staging, branches: [main]", "on-advance"),
        ("after: staging, deploy: on-request", "on-request"),
        ("branches: [main], deploy: on-request", "on-request"),
    ],
)
def test_when_releases_come(fields: str, expected: str) -> None:
    assert compiled(production(fields) + "  staging: {platform: process}\n").deploy == expected


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


ASKED = Request(
    "/q",
    "POST",
    "web",
    {"X-A": "1"},
    "{}",
    (200, 201),
    {"X-B": "2"},
    {"$.a": "3", "$.b": '"x"', "$.c": "true"},
    ("ok",),
    seconds(0.3),
)
GONE = Request("/", status=(404,))
OFFERED = Load(1, seconds(1), seconds(2), {"/": 0.7, "/q": 0.3}, "web", seconds(1), seconds(2), seconds(3), 0.001, 0.95)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("{smoke: true}", Check("smoke", "smoke")),
        ("{name: alive, smoke: true, timeout: 5s}", Check("alive", "smoke", timeout=timedelta(seconds=5))),
        ("{name: e2e, run: pytest -q}", Check("e2e", "run", "pytest -q")),
        (
            "{name: e2e, run: pytest, image: python, junit: r/*.xml, artifacts: [r/*], retries: 2, when: both}",
            Check("e2e", "run", "pytest", retries=2, when="both", image="python", junit="r/*.xml", artifacts=("r/*",)),
        ),
        ("{name: api, http: [{path: /q}]}", Check("api", "http", requests=(Request("/q"),))),
        (
            """{name: api, http: [{path: /q, method: POST, service: web, headers: {X-A: 1}, body: '{}', expect: {status:
            [200, 201], headers: {X-B: 2}, json: {$.a: 3, $.b: x, $.c: true}, contains: ok, within: 300ms}}]}""",
            Check("api", "http", requests=(ASKED,)),
        ),
        ("{name: api, http: [{path: /, expect: {status: 404}}]}", Check("api", "http", requests=(GONE,))),
        ("{name: l, load: {rate: 1/s, for: 1s}}", Check("l", "load", load=Load(1, seconds(1), paths={"/": 1.0}))),
        (
            """{name: l, load: {rate: 60/min, for: 1s, warm_up: 2s, service: web, paths: {/: 70%, /q: 30%}, p50: 1s,
            p90: 2s, p99: 3s, errors: 0.1%, achieved: 95%}}""",
            Check("l", "load", load=OFFERED),
        ),
        ("{name: b, browser: {script: e2e/shop.py}}", Check("b", "browser", script="e2e/shop.py")),
    ],
)
def test_checks(written: str, expected: Check) -> None:
    assert compiled(production(f"checks: [{written}]")).checks == (expected,)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("{approval: {}}", ApprovalGate(())),
        ("{approval: {from: [team, dave, alice]}}", ApprovalGate(("alice", "bob", "dave"))),
        (
            "{approval: {from: [team], count: 2, author_may_approve: true, deadline: 1d}}",
            ApprovalGate(("alice", "bob"), 2, True, timedelta(days=1)),
        ),
        ("{soak: 2h}", SoakGate(timedelta(hours=2))),
        ("{sign_off: {from: staging}}", SignOffGate("staging", timedelta(days=7))),
        ("{parity: staging}", ParityGate("staging")),
        ("{webhook: {url: 'https://a.b/c?d'}}", WebhookGate("https://a.b/c?d")),
        (
            "{webhook: {url: 'https://a.b', timeout: 2s, every: 1m, secret_from: GATE_KEY, deadline: 1h}}",
            WebhookGate("https://a.b", timedelta(seconds=2), timedelta(minutes=1), "GATE_KEY", timedelta(hours=1)),
        ),
    ],
)
def test_gates(written: str, expected: Gate) -> None:
    more = "  staging: {platform: process}\ngroups: {team: [alice, bob]}\n"
    assert compiled(production(f"after: staging, gates: [{written}]") + more).gates == (expected,)


def test_what_may_differ() -> None:
    more = "  staging: {platform: process}\n"
    written = "parity: {staging: {traffic: 10%, accept: [{what: image *, why: staging is ahead}]}}"
    assert compiled(production(written) + more).parity == {
        "staging": Parity(0.1, (Accepted("image *", "staging is ahead"),))
    }


def test_who_may_break_glass() -> None:
    more = "groups: {team: [alice, bob]}\n"
    assert compiled(production("break_glass: [team, dave, alice]") + more).break_glass == ("alice", "bob", "dave")
    assert compiled(production("")).break_glass == ()


def test_rules_with_numbers() -> None:
    environment = compiled(
        production(
            "analysis: {errors: {worse_by: 1pp}, latency: {worse_by: 30%, p99_worse_by: 150%, tolerated: 10%}, "
            "false_rollback_rate: 2%, blip: 5s, unproven: promote, instance_spread: 3%, minimum_requests: 10, "
            "interval: 2s, at_least: 5s, deadline: 1m}, bake: 5m, keep_warm: 1h, listen: {web: 8080}, "
            "replicas: {web: 3}, deadlines: {ready: 1m, weight: 2s, retire: 3s, drain: 4s}"
        )
    )
    second = timedelta(seconds=1)
    assert environment.analysis == AnalysisRules(
        Tolerance(0.002, 0.01),
        Tolerance(0.1, 0.3),
        Tolerance(0.1, 1.5),
        false_rollback_rate=0.02,
        blip=5 * second,
        unproven="promote",
        instance_spread=0.03,
        minimum_requests=10,
        interval=2 * second,
        at_least=5 * second,
        deadline=60 * second,
    )
    assert environment.deadlines == Deadlines(60 * second, 2 * second, 3 * second, 4 * second)
    assert (environment.bake, environment.keep_warm) == (300 * second, 3600 * second)
    assert (environment.listen, environment.replicas) == ({"web": 8080}, {"web": 3})


@pytest.mark.parametrize("text", ["1.10", "0x10", "010", "true", "1e3", "yes", "'null'", '""', "a b"])
def test_a_value_is_the_text_that_stands_there(text: str) -> None:
    (web,) = services(read(service(f"env: {{A: {text}}}")))
    assert web.env == {"A": Value("plain", text.strip("'\""))}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ("strategy: {blue-green: {gate: {approval: {}}}}", "strategy.blue-green.gate"),
    ],
)
def test_a_rule_the_model_has_no_word_for_is_never_dropped(fields: str, field: str) -> None:
    with pytest.raises(SpecificationError) as error:
        compiled(production(fields))
    assert error.value.problems[0].field == f"environments.production.{field}"
