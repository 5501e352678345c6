"""The pages as a person uses them, against a real quotes process."""

import re

import pytest
from starlette.testclient import TestClient

FILLED = {
    "motor": {
        "postcode": "m1 4bt", "driver_age": "34", "licence_years": "12", "no_claims_years": "4", "vehicle_group": "14",
        "vehicle_value_pounds": "8500", "annual_mileage": "9000", "cover": "comprehensive",
        "voluntary_excess_pounds": "250",
    },
    "home": {
        "postcode": "LS6 2AB", "building": "terraced", "built_year": "1931", "bedrooms": "3", "no_claims_years": "3",
        "cover": "buildings_and_contents", "rebuild_cost_pounds": "240000", "contents_pounds": "45000",
        "claims_last_5_years": "0", "voluntary_excess_pounds": "250",
    },
}


def test_home_leads_to_both_forms(web: TestClient) -> None:
    page = web.get("/").text
    assert 'href="/motor"' in page
    assert 'href="/home"' in page


@pytest.mark.parametrize("kind", FILLED)
def test_every_field_has_a_label_and_can_be_sent(web: TestClient, kind: str) -> None:
    page = web.get(f"/{kind}").text
    named = set(re.findall(r'<(?:input|select) id="(\w+)" name="\1"', page))
    assert named == set(re.findall(r'<label for="(\w+)"', page)) == set(FILLED[kind])


@pytest.mark.parametrize("kind", FILLED)
def test_results_are_sorted_and_say_what_is_included(web: TestClient, kind: str) -> None:
    page = web.post(f"/{kind}", data=FILLED[kind])
    assert page.status_code == 200
    prices = [float(price.replace(",", "")) for price in re.findall(r"<strong>£([\d,.]+)</strong> a year", page.text)]
    assert len(prices) >= 3
    assert prices == sorted(prices)
    assert "Windscreen" in page.text if kind == "motor" else "Finding leaks" in page.text


def test_results_can_be_opened_again(web: TestClient) -> None:
    page = web.post("/motor", data=FILLED["motor"]).text
    address = re.search(r'href="(/quotes/quo_\w+)"', page)
    assert address is not None
    assert web.get(address[1]).text == page


def test_a_mistake_is_shown_beside_its_field_and_nothing_typed_is_lost(web: TestClient) -> None:
    reply = web.post("/motor", data={**FILLED["motor"], "driver_age": "<b>34"})
    assert reply.status_code == 422
    assert 'id="driver_age-problem">Must be a whole number' in reply.text
    assert 'value="&lt;b&gt;34"' in reply.text
    assert 'value="m1 4bt"' in reply.text


def test_nobody_can_offer(web: TestClient) -> None:
    page = web.post("/home", data={**FILLED["home"], "claims_last_5_years": "9"})
    assert page.status_code == 200
    assert "None of the insurers" in page.text


def test_the_json_api_passes_through(web: TestClient, motor: dict[str, object]) -> None:
    made = web.post("/api/quotes", json=motor)
    assert made.status_code == 201
    assert web.get(f"/api/quotes/{made.json()['id']}").json() == made.json()
    assert web.post("/api/quotes", json={}).status_code == 422


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/boat", 404), ("GET", "/quotes/quo_unknown", 404), ("GET", "/quotes/..%2Fversion", 404),
        ("DELETE", "/motor", 405), ("GET", "/api/quotes/%00", 404),
    ],
)
def test_wrong_addresses(web: TestClient, method: str, path: str, status: int) -> None:
    assert web.request(method, path).status_code == status


def test_too_much_and_unreadable(web: TestClient) -> None:
    assert web.post("/motor", content=b"x" * 20_000).status_code == 413
    assert web.post("/motor", content=b"\xff\xfe").status_code == 400


def test_version_and_readiness(web: TestClient) -> None:
    assert web.get("/healthz").json() == {"ready": True}
    assert web.get("/version").json() == {"service": "web", "release": "rel_test", "revision": "rev_test"}
