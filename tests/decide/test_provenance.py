"""What a statement of provenance says, and what it must say to be about a release."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from headgate.decide.provenance import differences, payload, statement
from headgate.model.ids import ReleaseId
from headgate.model.images import ImageMade
from headgate.model.releases import Release
from headgate.model.services import Service

WEB, QUOTES = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MADE = (
    ImageMade("web", f"r.example.org/shop/web@{WEB}", WEB, "c" * 40),
    ImageMade("quotes", f"r.example.org/shop/quotes@{QUOTES}", QUOTES),
)
RELEASE = Release(
    id=ReleaseId("rel_1"),
    application="shop",
    commit="c" * 40,
    branch="main",
    author="Ada <ada@example.org>",
    subject="x",
    created_at=NOW,
    services=tuple(Service(one.service, (), 8000, image=one.reference) for one in MADE),
    images={one.service: one.digest for one in MADE},
    version="v1",
)


def made() -> dict[str, Any]:
    return statement(RELEASE, "/repositories/shop", {"web": "d" * 40, "quotes": "e" * 40}, MADE, "0.1.0")


def test_it_has_the_shape_of_in_toto_and_slsa() -> None:
    found = made()
    assert (found["_type"], found["predicateType"]) == (
        "https://in-toto.io/Statement/v1",
        "https://slsa.dev/provenance/v1",
    )
    assert found["subject"][1] == {
        "name": "r.example.org/shop/web",
        "digest": {"sha256": "a" * 64},
        "annotations": {"service": "web"},
    }
    assert set(found["predicate"]) == {"buildDefinition", "runDetails"}
    definition, run = found["predicate"]["buildDefinition"], found["predicate"]["runDetails"]
    assert {"buildType", "externalParameters", "resolvedDependencies"} <= set(definition)
    web = {"path": "Dockerfile", "target": "", "args": {}}
    assert definition["internalParameters"] == {"builds": {"web": web}}  # quotes was not built here
    assert definition["resolvedDependencies"][0]["digest"] == {"gitCommit": "c" * 40}
    assert definition["resolvedDependencies"][1]["digest"] == {"gitTree": "d" * 40}
    assert len(definition["resolvedDependencies"]) == 2  # what was not built here has no folder here
    assert run["metadata"] == {"invocationId": "rel_1", "finishedOn": "2026-11-23T12:00:00+00:00"}


def test_the_same_release_is_the_same_bytes() -> None:
    again = statement(RELEASE, "/repositories/shop", {"quotes": "e" * 40, "web": "d" * 40}, MADE[::-1], "0.1.0")
    assert payload(made()) == payload(again)


def test_about_its_release_there_is_nothing_to_say() -> None:
    assert differences(payload(made()), RELEASE) == []


def test_what_another_ci_built_is_announced_not_claimed() -> None:
    release = replace(RELEASE, elsewhere=("quotes",))
    said = statement(release, "/repositories/shop", {"web": "d" * 40}, MADE, "0.1.0")
    told = {one["annotations"]["service"]: one["annotations"].get("built") for one in said["subject"]}
    assert told == {"web": None, "quotes": "elsewhere"}
    assert differences(payload(said), release) == []
    (why,) = differences(payload(said), RELEASE)
    assert why == "it says that quotes was built elsewhere, and the release lists nothing"
    (why,) = differences(payload(made()), release)
    assert why == "it says that nothing was built elsewhere, and the release lists quotes"


def with_image(image: str | None) -> Release:
    return replace(RELEASE, services=(replace(RELEASE.services[0], image=image), RELEASE.services[1]))


@pytest.mark.parametrize(
    ("release", "reason"),
    [
        (replace(RELEASE, commit="d" * 40), "it is about shop at cccccccccccc, not shop at dddddddddddd"),
        (replace(RELEASE, application="other"), "it is about shop at cccccccccccc, not other at cccccccccccc"),
        (with_image(None), "web names no image by digest"),
        (with_image("r.example.org/shop/web:v1"), "web names no image by digest"),
        (with_image("r.example.org/shop/web@sha256:abc"), "web names no image by digest"),
        (with_image(f"r.example.org/shop/web@{QUOTES}"), f"web runs {QUOTES}, and the release lists {WEB}"),
        (replace(RELEASE, services=(*RELEASE.services, Service("new", (), 1))), "new names no image by digest"),
    ],
)
def test_another_release_is_told_apart(release: Release, reason: str) -> None:
    assert differences(payload(made()), release) == [reason]


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"null", b"\xff", b'{"subject": [1]}'])
def test_what_is_no_statement_is_told(content: bytes) -> None:
    (reason,) = differences(content, RELEASE)
    assert reason.startswith("the statement cannot be understood")


def test_a_statement_of_another_kind_is_told() -> None:
    content = json.dumps({**made(), "predicateType": "https://example.org/other"}).encode()
    assert differences(content, RELEASE) == [
        "it is a https://in-toto.io/Statement/v1 with https://example.org/other, not a statement of provenance"
    ]
