"""Whatever is sent, the answer is never a defect: hypothesis on paths, queries and bodies."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.examples import examples
from tests.web.world import FILE, applying, client
from tests.web.world import shop as opened

VERBS = ("deploy", "pause", "resume", "promote", "abort", "rollback", "approve")
SHOWN = ("", "/history", "/why", "/events", "/logs", "/nothing")
TEXT = st.text(st.characters(exclude_categories=()), max_size=40)  # lone surrogates too: JSON can carry them
NAMES = st.one_of(st.sampled_from(["shop", "staging", "production", "guarded", "v1"]), TEXT)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(max_size=12), inside, max_size=4),
    max_leaves=8,
)
FIELDS = st.sampled_from(["by", "why", "release", "to", "text", "filename", "source", "reference"])
BODIES = st.one_of(st.dictionaries(FIELDS, st.one_of(TEXT, JSON), max_size=6), JSON)
QUERIES = st.dictionaries(
    st.sampled_from(["after", "wait", "lines", "service", "follow"]), st.text(max_size=12), max_size=3
)


def quoted(part: str) -> str:
    return "".join(f"%{byte:02X}" for byte in part.encode("utf-8", "surrogatepass"))


async def answers(folder: Path, requests: list[tuple[str, str, Any]]) -> list[httpx.Response]:
    """Of a shop with one release, to all requests in turn."""
    shop = opened(folder)
    shop.commit(version="v1")
    async with client(shop.api()) as asking:
        await asking.post("/api/applications", json=applying())
        await asking.post("/api/applications/shop/releases", json={"by": "ann"})
        given = []
        for method, path, body in requests:
            content = None if body is None else json.dumps(body).encode()
            given.append(
                await asking.request(method, path, content=content, headers={"Content-Type": "application/json"})
            )
    await shop.engine.stop()
    return given


def assert_explained(answer: httpx.Response) -> None:
    assert answer.status_code < 500, (answer.request.url, answer.request.content, answer.text)
    if answer.status_code >= 400:
        error = answer.json()["error"]
        assert error["what"]
        assert error["remedy"]
        assert "Traceback" not in answer.text


RELAXED = settings(max_examples=examples(40), suppress_health_check=[HealthCheck.function_scoped_fixture])


@RELAXED
@given(st.sampled_from(VERBS), NAMES, NAMES, BODIES)
def test_commands(tmp_path: Path, verb: str, application: str, environment: str, body: Any) -> None:
    named = f"/api/applications/{quoted(application)}/environments/{quoted(environment)}/{verb}"
    known = f"/api/applications/shop/environments/staging/{verb}"
    for answer in asyncio.run(answers(tmp_path, [("POST", named, body), ("POST", known, body)])):
        assert_explained(answer)


@RELAXED
@given(NAMES, NAMES, st.sampled_from(SHOWN), QUERIES)
def test_questions(tmp_path: Path, application: str, environment: str, shown: str, query: dict[str, str]) -> None:
    asked = "&".join(f"{name}={quoted(value)}" for name, value in query.items() if name != "wait")
    paths = [
        f"/api/applications/{quoted(application)}",
        f"/api/applications/{quoted(application)}/environments/{quoted(environment)}{shown}?{asked}",
        f"/api/applications/shop/environments/staging{shown}?{asked}",
    ]
    for answer in asyncio.run(answers(tmp_path, [("GET", path, None) for path in paths])):
        assert_explained(answer)


@RELAXED
@given(BODIES)
def test_applying_releasing_lifting(tmp_path: Path, body: Any) -> None:
    paths = ("/api/applications", "/api/applications/shop/releases", "/api/applications/shop/lift")
    for answer in asyncio.run(answers(tmp_path, [("POST", path, body) for path in paths])):
        # A reference that no commit has is the source's answer, told as a bad gateway.
        if answer.status_code != 502:
            assert_explained(answer)


@RELAXED
@given(st.data())
def test_damaged_files(tmp_path: Path, data: st.DataObject) -> None:
    """A file with a piece cut out, doubled or replaced is applied or refused, nothing else."""
    start = data.draw(st.integers(0, len(FILE)))
    end = data.draw(st.integers(start, min(len(FILE), start + 40)))
    text = FILE[:start] + data.draw(st.text(max_size=10)) + FILE[end:]
    body = applying(text)
    (answer,) = asyncio.run(answers(tmp_path, [("POST", "/api/applications", body)]))
    assert_explained(answer)
