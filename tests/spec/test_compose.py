"""A revision is derived from what it holds, and from nothing else."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.model.ids import ReleaseId
from headgate.model.releases import Release, Revision
from headgate.model.routes import Address
from headgate.model.rules import Environment
from headgate.model.services import Container, Health, Service, Value
from headgate.spec.compose import compose

WEB = Service("web", ("serve",), 8000, env={"LOG": Value("plain", "info"), "COLOR": Value("plain", "red")})
PRICES = Service("price-list", ("prices",), 9000)
RELEASE = Release(
    ReleaseId("rel_0123456789ab"),
    "shop",
    "c" * 40,
    "main",
    "ann",
    "Add",
    datetime(2026, 1, 1, tzinfo=UTC),
    (WEB, PRICES),
)
PRODUCTION = Environment("production", "process", env={"LOG": Value("plain", "warning")}, replicas={"web": 3})
ADDRESSES = {
    "web": Address("http://127.0.0.1:1", "http://127.0.0.1:2", "http://127.0.0.1:3"),
    "price-list": Address("http://127.0.0.1:4", "http://127.0.0.1:5", "http://127.0.0.1:6"),
}


def composed(release: Release = RELEASE, environment: Environment = PRODUCTION) -> Revision:
    return compose(release, environment, ADDRESSES, "shop")


def test_what_a_revision_holds() -> None:
    revision = composed()
    assert (revision.environment, revision.release, revision.label) == ("shop/production", RELEASE.id, "ccccccc")
    assert revision.service("web").replicas == 3
    assert revision.service("price-list").replicas == 1
    assert revision.service("web").env == {
        "LOG": Value("plain", "warning"),
        "COLOR": Value("plain", "red"),
        "PRICE_LIST_URL": Value("plain", "http://127.0.0.1:5"),
    }
    assert revision.service("price-list").env == {
        "LOG": Value("plain", "warning"),
        "WEB_URL": Value("plain", "http://127.0.0.1:2"),
    }


def test_what_the_file_says_wins_over_an_address() -> None:
    elsewhere = Value("plain", "http://127.0.0.1:99")
    revision = composed(environment=replace(PRODUCTION, env={"PRICE_LIST_URL": elsewhere}))
    assert revision.service("web").env["PRICE_LIST_URL"] == elsewhere


def test_the_id_is_known() -> None:
    """It is in logs and on disks: a change of how it is made would lose every revision that runs."""
    assert composed().id == "rev_953f09f9846d"


def test_what_is_not_content_changes_no_id() -> None:
    rules = replace(PRODUCTION, bake=timedelta(hours=1), after="staging")
    assert composed(environment=rules).id == composed().id
    shuffled = replace(WEB, env=dict(reversed(WEB.env.items())))
    assert composed(replace(RELEASE, services=(shuffled, PRICES))).id == composed().id


DIFFERENT = {
    "release": (replace(RELEASE, id=ReleaseId("rel_000000000000")), PRODUCTION),
    "environment": (RELEASE, replace(PRODUCTION, name="staging")),
    "environment's variable": (RELEASE, replace(PRODUCTION, env={})),
    "replicas": (RELEASE, replace(PRODUCTION, replicas={})),
    "command": (replace(RELEASE, services=(replace(WEB, command=("other",)), PRICES)), PRODUCTION),
    "container": (replace(RELEASE, services=(replace(WEB, container=Container(read_only=False)), PRICES)), PRODUCTION),
    "health": (replace(RELEASE, services=(replace(WEB, health=Health("/up")), PRICES)), PRODUCTION),
    "kind of a value": (RELEASE, replace(PRODUCTION, env={"LOG": Value("secret", "warning")})),
}


@pytest.mark.parametrize(("release", "environment"), DIFFERENT.values(), ids=DIFFERENT)
def test_other_content_has_another_id(release: Release, environment: Environment) -> None:
    assert composed(release, environment).id != composed().id


def test_a_service_without_an_address_is_an_error_of_ours() -> None:
    with pytest.raises(KeyError, match="web"):
        compose(RELEASE, PRODUCTION, {"price-list": ADDRESSES["price-list"]}, "shop")


@given(st.dictionaries(st.text(), st.text()), st.dictionaries(st.text(), st.text()))
def test_equal_content_equal_id(one: dict[str, str], other: dict[str, str]) -> None:
    def made(env: dict[str, str]) -> Revision:
        return composed(environment=replace(PRODUCTION, env={name: Value("plain", text) for name, text in env.items()}))

    assert (made(one).services == made(other).services) == (made(one).id == made(other).id)


def test_the_layers_of_the_file_in_their_order() -> None:
    web = replace(WEB, env={name: Value("plain", "service") for name in ("B", "C", "D")} | {"A": Value("plain", "all")})
    here = {name: Value("plain", "environment") for name in ("C", "D")}
    rules = replace(PRODUCTION, env=here, service_env={"web": {"D": Value("plain", "both")}})
    env = composed(replace(RELEASE, services=(web, PRICES)), rules).service("web").env
    assert {name: env[name].text for name in "ABCD"} == {
        "A": "all",
        "B": "service",
        "C": "environment",
        "D": "both",
    }
    assert "D" not in composed(environment=replace(rules, env={})).service("price-list").env


def test_where_a_value_stands_is_no_part_of_a_revision() -> None:
    moved = {"LOG": Value("plain", "warning", origin="environments.production.env (headgate.yaml:7)")}
    assert composed(environment=replace(PRODUCTION, env=moved)).id == composed().id
