"""A customer's way through the running application at BASE_URL; skipped when that is not set. Standard library only."""

import json
import os
import re
import urllib.error
import urllib.parse
import urllib.request

import pytest

BASE_URL = os.environ.get("BASE_URL", "").rstrip("/")
pytestmark = pytest.mark.skipif(not BASE_URL, reason="BASE_URL is not set: no running application to visit")
SECONDS = 5

CAR = {
    "postcode": "M1 4BT", "driver_age": 34, "licence_years": 12, "no_claims_years": 4, "vehicle_group": 14,
    "vehicle_value_pounds": 8500, "annual_mileage": 9000, "cover": "comprehensive", "voluntary_excess_pounds": 250,
}
HOUSE = {
    "postcode": "LS6 2AB", "building": "terraced", "built_year": 1931, "bedrooms": 3, "no_claims_years": 3,
    "rebuild_cost_pounds": 240000, "contents_pounds": 45000,
}


def visit(path: str, body: bytes | None = None, kind: str = "application/json") -> tuple[int, str]:
    request = urllib.request.Request(BASE_URL + path, data=body, headers={"content-type": kind} if body else {})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as reply:  # noqa: S310
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def send(path: str, form: dict[str, object]) -> tuple[int, str]:
    return visit(path, urllib.parse.urlencode(form).encode(), "application/x-www-form-urlencoded")


def test_the_first_page_leads_to_the_forms() -> None:
    status, page = visit("/")
    assert status == 200
    assert 'href="/motor"' in page
    assert visit("/motor")[0] == visit("/home")[0] == 200


@pytest.mark.parametrize(("path", "form"), [("/motor", CAR), ("/home", HOUSE)], ids=["motor", "home"])
def test_a_customer_compares_prices(path: str, form: dict[str, object]) -> None:
    status, page = send(path, form)
    assert status == 200
    prices = [float(price.replace(",", "")) for price in re.findall(r"<strong>£([\d,.]+)</strong> a year", page)]
    assert len(prices) >= 3
    assert prices == sorted(prices)


def test_a_customer_who_makes_a_mistake_is_told_where() -> None:
    status, page = send("/motor", {**CAR, "postcode": "nowhere"})
    assert status == 422
    assert 'id="postcode-problem"' in page


@pytest.mark.parametrize(("kind", "enquiry"), [("motor", CAR), ("home", HOUSE)], ids=["motor", "home"])
def test_a_program_compares_prices(kind: str, enquiry: dict[str, object]) -> None:
    status, body = visit("/api/quotes", json.dumps({"kind": kind, **enquiry}).encode())
    assert status == 201
    answer = json.loads(body)
    assert len(answer["quotes"]) >= 3
    assert answer["unanswered"] == []


def test_an_unknown_page_is_not_found() -> None:
    assert visit("/no-such-page")[0] == 404
