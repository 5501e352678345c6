"""The example's whole way, by command line alone, as a company that has turned every rule on would go it."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer
from tests.journey.company import Company

from headgate.cli.demo.traffic import Traffic

pytestmark = [pytest.mark.real("envoy", "chromium"), pytest.mark.timeout(400)]

SECRET = "pcw/production/database"
KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "eu-west-1"}
RATE = 80  # requests a second of visitors in production, while staging is offered its 500
PROMISED = {"rate": "500/s", "for": "6s", "warm_up": "2s", "paths": {"/": "70%", "/motor": "30%"}, "p90": "500ms"}
ROUTE = '    async def ask(enquiry: Enquiry) -> Response:\n'
EXPIRED = '        if os.path.exists(os.environ["DATA_DIR"] + "/expired"):\n            raise RuntimeError("expired")\n'

JOURNEY = '''\
"""What a visitor of the price comparison does, in a browser."""


def test_a_visitor_compares_prices(page):
    page.goto("/")
    page.click('a[href="/motor"]')
    for name, value in {"postcode": "M1 4BT", "driver_age": "34", "licence_years": "12", "no_claims_years": "4",
                        "vehicle_group": "14", "vehicle_value_pounds": "8500", "annual_mileage": "9000"}.items():
        page.fill(f'[name="{name}"]', value)
    page.click("button")
    assert page.locator("strong", has_text="£").count() >= 3
'''


def governed(aws: str) -> Any:
    """A change of the example's file: every gate, a browser, the load that was promised, a store, and a sentinel."""

    def change(rules: dict[str, Any]) -> None:
        rules["people"] = {name: {"accounts": [f"{name}@example.org"]} for name in ("alice", "bob", "carol")}
        rules["groups"] = {"approvers": ["alice", "bob", "carol"]}
        rules["secrets"] = {"aws-secrets-manager": {"region": "eu-west-1", "endpoint": aws}}
        rules["pipeline"]["ci"] = [step for step in rules["pipeline"]["ci"] if step["name"] == "unit"]
        environments = rules["environments"]
        environments["staging"]["checks"] = [
            {"smoke": True},
            {"name": "e2e", "browser": {"script": "tests/e2e/visitor.py"}, "timeout": "60s", "when": "before"},
            {"name": "load", "load": PROMISED, "when": "before"},
        ]  # fmt: skip
        production = environments["production"]
        production["checks"] = [{"smoke": True}]
        production["gates"] = [
            {"sign_off": {"from": "qa"}},
            {"approval": {"from": ["approvers"], "count": 2}},
            {"freeze": "Sun 03:00 - Sun 03:01 Europe/London"},
        ]
        production["strategy"] = {"canary": {"steps": [25], "sticky": "cookie"}}
        production["analysis"] = {
            "errors": {"worse_by": "5pp"}, "signals": ["errors"], "interval": "500ms", "at_least": "2s", "blip": "1s",
        }  # fmt: skip
        production["bake"] = "2s"
        production["monitor"] = {"for": "4h", "interval": "2s", "objectives": {"availability": "99.95%"}}
        production["services"] = {"quotes": {"env": {"DATABASE_URL": {"secret": f"{SECRET}#url"}}}}

    return change


@pytest.fixture
def aws() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def company(tmp_path: Path, aws: str) -> Iterator[Company]:
    made = Company(tmp_path, KEYS)
    made.begin(governed(aws))
    (made.source / "tests" / "e2e" / "visitor.py").write_text(JOURNEY)
    yield made
    left = made.close()
    assert left == [], f"these processes would not end: {left}"


class Store:
    """Who runs the database, at AWS."""

    def __init__(self, aws: str) -> None:
        self._client = boto3.client(
            "secretsmanager", endpoint_url=aws, region_name="eu-west-1", aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )  # fmt: skip

    def create(self, url: str) -> None:
        self._client.create_secret(Name=SECRET, SecretString=json.dumps({"url": url}))

    def rotate(self, url: str) -> None:
        self._client.put_secret_value(SecretId=SECRET, SecretString=json.dumps({"url": url}))


@contextmanager
def visitors(company: Company) -> Iterator[Traffic]:
    """Of production; they go on until the block ends."""
    address = company.view("production")["addresses"]["web"]["public"]
    traffic = Traffic(address, company.source / "traffic" / "enquiries.jsonl", company.folder)
    traffic.start(RATE, 300)
    try:
        yield traffic
    finally:
        traffic.stop()


def met(traffic: Traffic) -> tuple[int, int]:
    """Answers, and bad ones among them, of whole seconds so far."""
    return sum(figures.answered for figures in traffic.figures), sum(figures.bad for figures in traffic.figures)


def runs_with(company: Company) -> set[str]:
    return company.given("production", "quotes", "DATABASE_URL")


def approved(company: Company) -> None:
    """By two who did not write it, once it waits."""
    company.until(lambda: company.environment("production")["waiting"], "production is asked for", 60)
    for person in ("bob", "carol"):
        company.does("approve", "production", "--yes", person=person)


def accepted(company: Company, label: str) -> None:
    """Tested in Staging by itself, and by QA."""
    company.serves("staging", label)
    tested = company.does("history", "staging", "--events")
    assert re.search(r"check e2e \(preview\) passed: 1 test passed in Chromium", tested)
    assert re.search(r"check load \(preview\) passed: 3,000 requests at 500/s: .* p90 .* 0 failed", tested)
    company.does("deploy", "qa", label, "--wait")
    company.does("sign-off", "qa", "--verdict", "accepted", "--note", "prices are right", person="carol")


def first_release(company: Company) -> None:
    """Its author may not approve it, and nothing starts while the line is stopped, whoever approved."""
    company.commit("The price comparison", "v1")
    company.does("apply")
    company.does("release", "v1")
    accepted(company, "v1")
    company.until(lambda: company.environment("production")["waiting"], "v1 waits")
    refused = company.run("approve", "production", "--yes", person="alice")
    assert refused.returncode == 1
    assert "alice wrote v1" in refused.stderr
    company.does("freeze", "production", "--why", "the quarter closes", person="bob")
    approved(company)
    company.until(lambda: "the quarter closes" in company.does("why", "production"), "the freeze is waited for")
    assert company.environment("production")["stable"] is None
    company.does("unfreeze", "production", person="bob")
    company.serves("production", "v1")


def rotated(company: Company, store: Store, url: str) -> None:
    """A new secret is a release of what is there, with everything that one goes through."""
    store.rotate(url)
    approved(company)
    company.until(lambda: runs_with(company) == {url}, "the new value is what runs", 60)
    company.until(lambda: company.environment("production")["rollout"] is None, "the rotation is promoted", 60)


def second_release(company: Company) -> None:
    """Followed from its commit. It will fail one day, and nobody can see that in it."""
    application = company.source / "services" / "quotes" / "quotes" / "application.py"
    application.write_text(f"import os\n{application.read_text()}".replace(ROUTE, ROUTE + EXPIRED))
    company.commit("Tariffs expire", "v2")
    accepted(company, "v2")
    approved(company)
    company.serves("production", "v2")


def the_day_comes(company: Company) -> None:
    for folder in company.given("production", "quotes", "DATA_DIR"):
        (Path(folder) / "expired").touch()


def test_tested_approved_watched_and_back_an_hour_later(company: Company, aws: str, tmp_path: Path) -> None:
    store = Store(aws)
    first, second = (f"sqlite:///{tmp_path}/{name}.db" for name in ("first", "second"))
    store.create(first)
    company.serve()
    for person in ("alice", "bob", "carol"):
        company.hires(person)
    first_release(company)
    assert runs_with(company) == {first}
    with visitors(company) as traffic:
        rotated(company, store, second)
        second_release(company)
        answered, bad = met(traffic)
        assert answered > 0
        assert bad == 0
        company.jump(hours=1)
        the_day_comes(company)
        company.serves("production", "v1", 30)
    assert runs_with(company) == {second}, "what goes back is the release, not the secret"
    assert company.run("deploy", "production", "v2").returncode == 1, "it is quarantined"
    assert "each as it was written" in company.does("audit", "verify")
