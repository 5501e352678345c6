"""`headgate config`: what a variable is, where it comes from, and how two places differ; no secret is shown."""

import pytest
from tests.cli.conftest import Run, Served
from tests.web.world import FILE, PRESENT, REPOSITORY

from headgate.engine import applying

ENV = "    env: {LOG_LEVEL: info, API_TOKEN: plain-secret-1}\n"
TEXT = FILE.replace("    port: 8000\n", f"    port: 8000\n{ENV}").replace(
    "staging: {platform: process, ",
    "staging: {platform: process, env: {LOG_LEVEL: debug, DB: 'postgres://me:plain-secret-2@db/x'}, ",
)


@pytest.fixture
def configured(served: Served) -> Served:
    understood = applying.understand(TEXT, "headgate.yaml", REPOSITORY, PRESENT)
    served.do(applying.apply(served.shop.engine, understood, "ann"))
    served.shop.source.commit(REPOSITORY, {"headgate.yaml": TEXT}, version="v1")
    served.do(served.shop.engine.release("shop", "HEAD", "ann"))
    served.deploy("staging", "v1")
    return served


def test_where_each_value_comes_from(headgate: Run, configured: Served) -> None:
    out = headgate("config", "staging").out
    assert out.startswith("v1 in staging runs with cfg_")
    assert [line.split() for line in out.splitlines()[2:]] == [
        ["web", "API_TOKEN", "***", "services.web.env", "(headgate.yaml", "at", f"{_commit(configured)}:7)"],
        ["web", "DB", "postgres://***@db/x", "environments.staging.env", "(headgate.yaml:9)"],
        ["web", "LOG_LEVEL", "debug", "environments.staging.env", "(headgate.yaml:9)"],
    ]
    shown = headgate("config", "staging", "--service", "web", "--json").json()
    assert [one["value"] for one in shown["variables"]] == ["***", "postgres://***@db/x", "debug"]
    assert "has no service 'db'" in headgate("config", "staging", "--service", "db", code=1).err


def test_how_two_places_differ(headgate: Run, configured: Served) -> None:
    out = headgate("config", "diff", "staging", "guarded@v1").out.splitlines()
    assert [line.split() for line in out[3:]] == [
        ["web", "DB", "postgres://***@db/x", "-"],
        ["web", "LOG_LEVEL", "debug", "info"],
        ["2", "differ,", "1", "do", "not"],
    ]
    assert out[1].startswith("right: v1 in guarded would run with cfg_")
    same = headgate("config", "diff", "staging", "staging").out
    assert same.endswith("0 differ, 3 do not\n")
    assert headgate("config", "diff", "staging", code=2).err


@pytest.mark.parametrize("name", ["nowhere", "staging@v9", "staging@rev_0", "../x", "staging@../v1"])
def test_what_is_not_there_is_refused(headgate: Run, configured: Served, name: str) -> None:
    ran = headgate("config", name, code=1)
    assert "Traceback" not in ran.err
    assert "plain-secret" not in ran.err


def _commit(served: Served) -> str:
    (release,) = served.shop.engine.applications["shop"].releases.values()
    return release.commit[:7]


def test_parity_lists_what_differs_and_fails_until_it_is_accepted(headgate: Run, configured: Served) -> None:
    ran = headgate("parity", "staging", "guarded@v1", code=1)
    assert [line.split("  ")[0] for line in ran.out.splitlines()[1:]] == [
        "variable web.DB: only in staging",
        "staging is no replica of guarded: 1 differ, 1 of them not accepted",
    ]
    accepted = "    parity: {staging: {accept: [{what: variable web.D*, why: staging tries another database}]}}\n"
    understood = applying.understand(TEXT + accepted, "headgate.yaml", REPOSITORY, PRESENT)
    configured.do(applying.apply(configured.shop.engine, understood, "ann"))
    assert "staging tries another database" in headgate("parity", "staging", "guarded@v1").out
    found = headgate("parity", "guarded@v1", "staging", "--json").json()
    assert (found["replica"], [one["what"] for one in found["differences"]]) == (True, ["variable web.DB"])
    assert "name two environments" in headgate("parity", "staging", "staging", code=1).err
    assert "has no environment 'x'" in headgate("parity", "staging", "x", code=1).err
