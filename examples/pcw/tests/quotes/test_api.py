"""The service over HTTP, with a real SQLite file behind it."""

import pytest
from fastapi.testclient import TestClient
from pydantic import TypeAdapter
from quotes.answer import Answer
from quotes.application import create_app
from quotes.settings import Settings


@pytest.mark.parametrize("kind", ["motor", "home"])
def test_an_enquiry_gets_sorted_quotes_that_can_be_read_back(
    quotes: TestClient, kind: str, request: pytest.FixtureRequest
) -> None:
    reply = quotes.post("/quotes", json=request.getfixturevalue(kind))
    assert reply.status_code == 201
    answer = TypeAdapter(Answer).validate_json(reply.content, strict=True)
    prices = [quote["annual_premium_pence"] for quote in answer["quotes"]]
    assert len(prices) >= 3
    assert prices == sorted(prices)
    assert quotes.get(f"/quotes/{answer['id']}").json() == reply.json()


def test_a_clean_stop_writes_what_was_answered(quotes_settings: Settings, motor: dict[str, object]) -> None:
    with TestClient(create_app(quotes_settings)) as client:
        ids = [client.post("/quotes", json=motor).json()["id"] for _ in range(5)]
    with TestClient(create_app(quotes_settings)) as client:
        assert [client.get(f"/quotes/{id}").json()["id"] for id in ids] == ids


def test_an_unknown_quote_is_not_found(quotes: TestClient) -> None:
    assert quotes.get("/quotes/quo_nothing").status_code == 404


@pytest.mark.parametrize(
    ("changes", "field", "problem"),
    [
        ({"kind": "boat"}, "kind", "motor or home"),
        ({"postcode": "QQ1 1AA"}, "postcode", "begins with QQ"),
        ({"postcode": "here"}, "postcode", "is not a full postcode"),
        ({"driver_age": "old"}, "driver_age", "must be a whole number"),
        ({"driver_age": 16}, "driver_age", "must be 17 or more"),
        ({"vehicle_group": 51}, "vehicle_group", "must be 50 or less"),
        ({"licence_years": 18}, "licence_years", "at most 17 years"),
        ({"no_claims_years": 13}, "no_claims_years", "cannot be more than"),
        ({"cover": "everything"}, "cover", "'comprehensive'"),
        ({"name": "Ada"}, "name", "is not part of this enquiry"),
    ],
)
def test_what_is_wrong_is_named(
    quotes: TestClient, motor: dict[str, object], changes: dict[str, object], field: str, problem: str
) -> None:
    reply = quotes.post("/quotes", json={**motor, **changes})
    assert reply.status_code == 422
    [named] = reply.json()["fields"]
    assert named["field"] == field
    assert problem in named["problem"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"motor"', b"\xff", b"{}"])
def test_no_body_is_a_server_error(quotes: TestClient, body: bytes) -> None:
    reply = quotes.post("/quotes", content=body, headers={"content-type": "application/json"})
    assert reply.status_code in (400, 422), reply.text


def test_a_defect_of_ours_is_told_without_a_traceback_and_ends_the_connection(
    quotes: TestClient, motor: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    def defect(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("quotes.application.compose", defect)
    reply = quotes.post("/quotes", json=motor, headers={"x-request-id": "req-7"})
    assert (reply.status_code, reply.headers["connection"]) == (500, "close")
    assert reply.json() == {"error": "something went wrong on our side", "request_id": "req-7"}


def test_sums_must_fit_the_cover(quotes: TestClient, home: dict[str, object]) -> None:
    reply = quotes.post("/quotes", json={**home, "contents_pounds": 0})
    assert reply.json()["fields"][0]["field"] == "contents_pounds"
    assert quotes.post("/quotes", json={**home, "contents_pounds": 0, "cover": "buildings"}).status_code == 201


def test_version_and_readiness(quotes: TestClient) -> None:
    assert quotes.get("/healthz").json() == {"ready": True}
    assert quotes.get("/version").json() == {"service": "quotes", "release": "rel_test", "revision": "rev_test"}


def test_without_a_database_it_answers_but_is_not_ready(motor: dict[str, object]) -> None:
    settings = Settings(database_url="sqlite:////nowhere/at/all.db")
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        assert client.get("/healthz").status_code == 503
        assert client.post("/quotes", json=motor).status_code == 201
        assert client.get("/quotes/quo_unknown").status_code == 503
