"""The example's whole way, by command line alone, as a company that has turned every rule on would go it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.aws import Aws
from tests.journey.company import Company

from headgate.cli.demo.traffic import Traffic

pytestmark = [pytest.mark.real("envoy", "chromium"), pytest.mark.timeout(400)]

SECRET = "pcw/production/database"
RATE = 80  # requests a second of visitors in production, while staging is offered its 500
ROUTE = "    async def ask(enquiry: Enquiry) -> Response:\n"
EXPIRED = '        if os.path.exists(os.environ["DATA_DIR"] + "/expired"):\n            raise RuntimeError("expired")\n'
# Signals: the load, Chromium and both sides of the canary share two cores here, so latency says nothing of them.
QUICK = {"errors": {"worse_by": "5pp"}, "signals": ["errors"], "interval": "500ms", "at_least": "2s", "blip": "1s"}


def quick(rules: dict[str, Any]) -> None:
    """governed.yaml as it stands, with shorter waits, and a freeze at an hour at which no test runs for long."""
    rules["pipeline"]["ci"] = [step for step in rules["pipeline"]["ci"] if step["name"] == "unit"]
    staging, production = rules["environments"]["staging"], rules["environments"]["production"]
    staging["checks"] = [check for check in staging["checks"] if check["name"] != "journey"]
    load = next(check for check in staging["checks"] if check["name"] == "load")
    load["retries"] = 1  # whatever else this machine does at that moment
    load["load"].update({"for": "6s", "warm_up": "2s"})
    for gate in production["gates"]:
        gate.update({"freeze": "Sun 03:00 - Sun 03:01 Europe/London"} if "freeze" in gate else {})
    production["secrets"]["every"] = "5s"
    production["strategy"] = {"canary": {"steps": [25], "sticky": "cookie"}}
    production["analysis"] = QUICK
    production["bake"] = "2s"
    production["monitor"]["interval"] = "2s"


@pytest.fixture
def company(tmp_path: Path, aws: Aws) -> Iterator[Company]:
    made = Company(tmp_path)
    made.begin("governed.yaml", quick)
    yield made
    left = made.close()
    assert left == [], f"these processes would not end: {left}"


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
    attempts = company.asked("checks", "staging")["checks"]
    found = [one for one in attempts if one["where"] == "preview" and one["outcome"] == "passed"]
    passed = {one["check"]: one["numbers"] for one in found}
    assert passed["e2e"] == {"tests": 3, "failed": 0}
    assert passed["load"]["rate"] == 500
    assert passed["load"]["p90_ms"] <= 500
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


def rotated(company: Company, aws: Aws, url: str) -> None:
    """A new secret is a release of what is there, with everything that one goes through."""
    aws.rotate(SECRET, url=url)
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


def test_tested_approved_watched_and_back_an_hour_later(company: Company, aws: Aws, tmp_path: Path) -> None:
    first, second = (f"sqlite:///{tmp_path}/{name}.db" for name in ("first", "second"))
    aws.make(SECRET, url=first)
    company.serve()
    for person in ("alice", "bob", "carol"):
        company.hires(person)
    first_release(company)
    assert runs_with(company) == {first}
    with visitors(company) as traffic:
        rotated(company, aws, second)
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
