"""How a release was made, as an in-toto statement with SLSA provenance; and whether one says what a release is.

Pure: the statement is made and compared here, signed and opened by who holds the key.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from headgate.model.images import ImageMade, digest_of
from headgate.model.releases import Release

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
BUILD = "urn:headgate:build:v1"
ELSEWHERE = "elsewhere"  # by another CI
Statement = dict[str, Any]


def statement(release: Release, source: str, trees: dict[str, str], made: Sequence[ImageMade], by: str) -> Statement:
    """`trees`: service -> digest of the folder it was built from. `by`: what built it, with its version."""
    return {
        "_type": STATEMENT,
        "subject": [_subject(one, release) for one in sorted(made, key=lambda one: one.service)],
        "predicateType": PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD,
                "externalParameters": {
                    "application": release.application,
                    "source": source,
                    "commit": release.commit,
                    "version": release.version,
                },
                "internalParameters": {"builds": _builds(release, made)},
                "resolvedDependencies": [_commit(source, release.commit), *_materials(source, trees, made)],
            },
            "runDetails": {
                "builder": {"id": "urn:headgate:server", "version": {"headgate": by}},
                "metadata": {"invocationId": release.id, "finishedOn": release.created_at.isoformat()},
            },
        },
    }


def payload(content: Statement) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def _subject(made: ImageMade, release: Release) -> Statement:
    """Of what another CI has built it says only that it was announced: how it was made, nobody here has seen."""
    elsewhere = {"built": ELSEWHERE} if made.service in release.elsewhere else {}
    name = made.reference.partition("@")[0]
    return {"name": name, "digest": _digest(made.digest), "annotations": {"service": made.service, **elsewhere}}


def _commit(source: str, sha: str) -> Statement:
    return {"uri": f"git+{source}@{sha}", "digest": {"gitCommit": sha}}


def _builds(release: Release, made: Sequence[ImageMade]) -> Statement:
    """How each image that was built here was asked for; the commit's file says so."""
    built = {one.service for one in made if one.built_from}
    return {one.name: asdict(one.dockerfile) for one in release.services if one.name in built}


def _materials(source: str, trees: dict[str, str], made: Sequence[ImageMade]) -> Iterator[Statement]:
    """The folder of each image that was built here; a commit before this one where its content was the same."""
    for one in sorted(made, key=lambda one: one.service):
        if one.built_from and one.service in trees:
            tree, named = {"gitTree": trees[one.service]}, {"service": one.service}
            yield {"uri": f"git+{source}@{one.built_from}", "digest": tree, "annotations": named}


def _digest(digest: str) -> dict[str, str]:
    kind, _, value = digest.partition(":")
    return {kind: value}


def differences(content: bytes, release: Release) -> list[str]:
    """Why a statement, its signature verified, is not one about this release. None: it is."""
    try:
        found = json.loads(content)
        said = {one["annotations"]["service"]: one["digest"]["sha256"] for one in found["subject"]}
        elsewhere = {one["annotations"]["service"] for one in found["subject"] if "built" in one["annotations"]}
        parameters = found["predicate"]["buildDefinition"]["externalParameters"]
        known = (found["_type"], found["predicateType"], parameters["application"], parameters["commit"])
    except (ValueError, KeyError, TypeError) as error:
        return [f"the statement cannot be understood ({type(error).__name__}: {error})"]
    return [*_told(known, said, release), *_told_of_others(elsewhere, release)]


def _told(known: tuple[Any, ...], said: dict[str, str], release: Release) -> Iterator[str]:
    kind, predicate, application, commit = known
    if (kind, predicate) != (STATEMENT, PREDICATE):
        yield f"it is a {kind} with {predicate}, not a statement of provenance"
    if (application, commit) != (release.application, release.commit):
        yield f"it is about {application} at {str(commit)[:12]}, not {release.application} at {release.commit[:12]}"
    for service in release.services:
        digest = digest_of(service.image or "")
        if digest is None:
            yield f"{service.name} names no image by digest"
        elif release.images.get(service.name) != digest:
            yield f"{service.name} runs {digest}, and the release lists {release.images.get(service.name)}"
        elif f"sha256:{said.get(service.name)}" != digest:
            yield f"{service.name} runs {digest}, which the statement does not name"


def _told_of_others(elsewhere: set[str], release: Release) -> Iterator[str]:
    if elsewhere != set(release.elsewhere):
        said, listed = (", ".join(sorted(names)) or "nothing" for names in (elsewhere, release.elsewhere))
        yield f"it says that {said} was built elsewhere, and the release lists {listed}"
