"""Requests and what must come back: the first difference is told in one sentence."""

from datetime import timedelta
from typing import Any

import pytest
from tests.adapters.machine.checked import job, open_shop

from headgate.adapters.machine.checks.http import look
from headgate.model.checks import Check, Request

WELL: list[dict[str, Any]] = [
    {},
    {"status": (201, 200)},
    {"expected_headers": {"x-kind": "quotes"}},
    {"json": {"$.total": "3", "$.quotes[0].insurer": '"Bramble"', "$.exact": "true"}},
    {"contains": ("Bramble", "total")},
    {"within": timedelta(seconds=5)},
    {"method": "POST", "body": '{"age": 40}', "contains": ("age",)},
    {"method": "HEAD"},
    {"service": "quotes"},
]

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"status": (404,)}, "expected status 404, found 200 ("),
    ({"status": (404, 410)}, "expected status 404 or 410, found 200 ("),
    ({"expected_headers": {"X-Kind": "other"}}, "expected header X-Kind: other, found 'quotes'"),
    ({"expected_headers": {"X-None": "1"}}, "expected header X-None: 1, found none"),
    ({"json": {"$.total": "4"}}, "expected $.total to be 4, found 3"),
    ({"json": {"$.exact": "1"}}, "expected $.exact to be 1, found true"),
    ({"json": {"$.none": "4"}}, "expected $.none to be 4, found nothing there"),
    ({"json": {"$.[": "4"}}, "expected $.[ to be 4, but $.[ is no JSON path"),
    ({"contains": ("Harbour",)}, "expected the text 'Harbour', which is not in the answer ("),
    ({"path": "/slow", "within": timedelta(seconds=0.05)}, "expected an answer within 50 ms, found none"),
]


def named(fields: object) -> str:
    return str(fields)[:60]


@pytest.mark.parametrize("fields", WELL, ids=named)
async def test_what_is_as_expected(fields: dict[str, Any]) -> None:
    async with open_shop() as shop:
        requests = (Request("/first"), Request(**{"path": "/second", **fields}))
        found = await look(job(Check("api", "http", requests=requests), shop.url, quotes=shop.url))
    assert found.passed, found.sentence
    assert found.sentence.startswith("all 2 requests answered as expected, the slowest in ")
    assert found.numbers["requests"] == 2


@pytest.mark.parametrize(("fields", "told"), WRONG, ids=named)
async def test_what_is_not(fields: dict[str, Any], told: str) -> None:
    async with open_shop() as shop:
        wrong = Request(**{"path": "/second", **fields})
        found = await look(job(Check("api", "http", requests=(Request("/"), wrong, Request("/third"))), shop.url))
        assert "/third" not in shop.asked
    assert not found.passed
    assert found.sentence.startswith(f"GET {shop.url}{wrong.path}: {told}")
    assert (found.numbers["requests"], found.numbers["failed"]) == (2, 1)


async def test_nobody_there() -> None:
    found = await look(job(Check("api", "http", requests=(Request("/"),)), "http://127.0.0.1:1"))
    assert found.sentence == "GET http://127.0.0.1:1/: refused connection"
