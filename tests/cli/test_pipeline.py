"""Pins, sign-offs, hotfixes and the picture of the pipeline, as people type and read them."""

from pathlib import Path

import pytest
from tests.cli.conftest import HEADGATE, Run, Served
from tests.cli.terminal import on_a_terminal
from tests.web.world import FILE

from headgate.model.steps import describe

PIPELINE = FILE.replace("    deploy: on-request\n    after: staging", "    after: staging\n    concurrency: finish")


@pytest.fixture
def applied(served: Served, repository: Path) -> Served:
    """v1 is stable in staging and production, v2 is stable in staging and on trial in production."""
    served.apply(repository, PIPELINE)
    wheel = served.shop.engine.application("shop").wheel("production")
    for version, there in (
        ("v1", lambda: wheel.state.stable and not wheel.state.rollout),
        ("v2", lambda: wheel.state.rollout and describe(wheel.state.rollout.step) == "analyze"),
    ):
        subject = f"Make {version} \x1b[31m"
        served.shop.source.commit(str(repository), {"headgate.yaml": FILE}, subject=subject, version=version)
        served.release()
        served.deploy("staging", version)
        served.until(there)
    return served


def test_one_line_for_each_release_and_one_column_for_each_environment(headgate: Run, applied: Served) -> None:
    headgate("sign-off", "staging", "--verdict", "rejected", "--note", "totals \x1b[31mare wrong", "--by", "ann")
    lines = headgate("pipeline").out.splitlines()
    assert lines[0].split() == ["RELEASE", "STAGING", "PRODUCTION", "GUARDED", "SUBJECT"]
    assert lines[1].startswith("v2       stable ")
    assert "pinned, rejected" in lines[1]
    assert "on trial 5 %" in lines[1]
    assert lines[1].endswith("Make v2")
    assert lines[2].startswith("v1       passed ")
    assert "staging: v2 rejected by ann: totals are wrong" in lines[3:]
    assert "\x1b" not in headgate("pipeline").out
    view = headgate("pipeline", "--json").json()
    assert [one["label"] for one in view["releases"]] == ["v2", "v1"]
    assert view["releases"][0]["environments"]["production"]["weight"] == 5
    assert view["environments"][1]["concurrency"] == "finish"


def test_a_terminal_gets_it_drawn(applied: Served, work: Path, data: Path) -> None:
    assert "on trial 5 %" in on_a_terminal([*HEADGATE, "pipeline", "--data", str(data)], work, 3)


def test_a_pin_is_said_wherever_someone_looks(headgate: Run, applied: Served) -> None:
    out = headgate("pin", "production", "--why", "the audit", "--by", "ann").out
    assert out == (
        "v2 is pinned in production: nothing replaces it by itself until `headgate unpin production`, "
        "or a deployment\n"
    )
    said = "pinned by ann (the audit): nothing comes by itself until `headgate unpin production`, or a deployment"
    assert said in headgate("why", "production").out
    assert "production: v2 is pinned by ann: the audit" in headgate("pipeline").out
    assert "v2 pinned" in headgate("status").out  # of staging: a person named it
    assert "pinned here already" in headgate("pin", "production", code=1).err
    assert headgate("unpin", "production").out.startswith("production is no longer pinned")
    assert "nothing is pinned here" in headgate("unpin", "production", code=1).err


def test_what_was_found_is_said_wherever_someone_looks(headgate: Run, applied: Served) -> None:
    out = headgate("sign-off", "staging", "v2", "--verdict", "accepted", "--note", "all well", "--by", "ann").out
    assert out == "v2 is accepted in staging\n"
    assert "v2 was accepted here by ann: all well" in headgate("why", "staging").out
    assert "v2 pinned, accepted" in headgate("status").out
    assert "a rejection says why" in headgate("sign-off", "staging", "--verdict", "rejected", code=1).err
    assert "never stable here" in headgate("sign-off", "production", "v2", "--verdict", "accepted", code=1).err
    headgate("sign-off", "staging", "--verdict", "perhaps", code=2)
    headgate("sign-off", "staging", code=2)


def test_a_hotfix_goes_before_what_is_in_flight(headgate: Run, applied: Served, repository: Path) -> None:
    files = {"headgate.yaml": FILE}
    applied.shop.source.commit(str(repository), files, subject="Put out the fire", version="v3")
    applied.release()
    applied.deploy("staging", "v3")
    assert "v2 is finished first" in headgate("deploy", "production", "v3", code=1).err
    assert "say why" in headgate("deploy", "production", "v3", "--hotfix", code=1).err
    headgate("deploy", "production", "v3", "--hotfix", "--why", "it burns")
    wheel = applied.shop.engine.application("shop").wheel("production")
    applied.until(lambda: wheel.state.rollout and wheel.state.rollout.revision.label == "v3")
    lines = headgate("pipeline").out.splitlines()
    assert lines[1].startswith("v3 ")
    assert ", hotfix" in lines[1]
    assert "gave way" in lines[2]
    assert "quarantined" not in "".join(lines)
