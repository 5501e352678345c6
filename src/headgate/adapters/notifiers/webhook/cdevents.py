"""A notice as CDEvents 0.5.1 in the structured form of CloudEvents 1.0.

What CDEvents has no word for is a custom event, dev.cdeventsx.headgate-SUBJECT.PREDICATE: see custom/ of its
specification. The notice itself is in customData of every event.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from headgate.model.notices import Notice, NoticeKind

SPECIFICATION = "0.5.1"
CUSTOM = "0.1.0"  # version of our own events
# Kind -> subject and predicate of a custom event. Versions of CDEvents' own: those of the release named above.
CUSTOMS: dict[NoticeKind, tuple[str, str]] = {
    "requested": ("release", "requested"),
    "waiting": ("release", "waiting"),
    "rejected": ("release", "rejected"),
    "dropped": ("release", "dropped"),
    "quarantined": ("release", "quarantined"),
    "reverted": ("release", "reverted"),
    "started": ("rollout", "started"),
    "held": ("rollout", "held"),
    "aborted": ("rollout", "aborted"),
    "break-glass": ("gate", "broken"),
    "misuse": ("gate", "misused"),
    "migration": ("environment", "migrated"),
    "drift": ("environment", "drifted"),
    "frozen": ("environment", "frozen"),
    "unfrozen": ("environment", "unfrozen"),
    "test": ("target", "tested"),
}


@dataclass(frozen=True, slots=True)
class Part:
    """What makes one event of the notice."""

    type: str
    subject: str
    content: dict[str, Any]


def events(notice: Notice) -> list[dict[str, Any]]:
    """In order; several where a release has several services."""
    parts = list(_parts(notice))
    return [_cloud(notice, part, number, len(parts)) for number, part in enumerate(parts, start=1)]


def _parts(notice: Notice) -> Iterator[Part]:
    where = {"environment": {"id": _environment(notice)}}
    match notice.kind:
        case "promoted" | "rolled-back":
            # Of a release whose services are not known any more, the application itself.
            for service, image in (notice.artifacts or {notice.application: ""}).items():
                subject = f"{_environment(notice)}/{service}"
                yield Part(_service(notice), subject, {**where, "artifactId": artifact(notice, service, image)})
        case "alarm" | "alarm-ended":
            predicate = "detected" if notice.kind == "alarm" else "resolved"
            incident = f"{_environment(notice)}/{notice.rollout}" if notice.rollout else notice.id
            content = {**where, "description": _words(notice)}
            yield Part(f"dev.cdevents.incident.{predicate}.0.3.0", incident, content)
        case "build-failed":
            content = {"pipelineName": notice.application, "outcome": "failure", "errors": _words(notice)}
            yield Part("dev.cdevents.pipelinerun.finished.0.3.0", notice.commit or notice.id, content)
        case _:
            subject, predicate = CUSTOMS[notice.kind]
            kind = f"dev.cdeventsx.headgate-{subject}.{predicate}.{CUSTOM}"
            yield Part(kind, _subject(notice, subject), _told(notice))


def _service(notice: Notice) -> str:
    if notice.kind == "rolled-back":
        return "dev.cdevents.service.rolledback.0.3.0"
    return f"dev.cdevents.service.{'deployed' if notice.first else 'upgraded'}.0.3.0"


def artifact(notice: Notice, service: str, image: str) -> str:
    """A package URL: of the image by its digest, else of the folder at the commit."""
    name, at, digest = image.partition("@")
    if at:
        where = f"repository_url={quote(name, safe='')}"
        return f"pkg:oci/{quote(name.rpartition('/')[2])}@{quote(digest, safe='')}?{where}"
    version = notice.commit or notice.label or "unknown"
    return f"pkg:generic/{quote(notice.application)}/{quote(service)}@{quote(version)}"


def _cloud(notice: Notice, part: Part, number: int, of: int) -> dict[str, Any]:
    """The id is the same each time that the notice is told."""
    ident = notice.id if of == 1 else f"{notice.id}_{number}"
    source, at = f"/headgate/{quote(notice.application)}", notice.at.isoformat().replace("+00:00", "Z")
    context = {"specversion": SPECIFICATION, "id": ident, "source": source, "type": part.type, "timestamp": at}
    data = {
        "context": context,
        "subject": {"id": part.subject, "source": source, "content": part.content},
        "customData": {"headgate": _told(notice)},
        "customDataContentType": "application/json",
    }
    return {
        "specversion": "1.0",
        "id": ident,
        "source": source,
        "type": part.type,
        "subject": part.subject,
        "time": at,
        "datacontenttype": "application/json",
        "data": data,
    }


def _told(notice: Notice) -> dict[str, Any]:
    return {
        "notice": notice.id,
        "kind": notice.kind,
        "severity": notice.severity,
        "application": notice.application,
        "environment": notice.environment,
        "what": notice.what,
        "why": notice.why,
        "people": list(notice.people),
        "act": notice.act,
        "link": notice.link,
        "api": notice.api,
        "rollout": notice.rollout,
        "release": notice.release,
        "label": notice.label,
        "commit": notice.commit,
        "left_out": notice.left_out,
    }


def _environment(notice: Notice) -> str:
    return f"{notice.application}/{notice.environment}" if notice.environment else notice.application


def _subject(notice: Notice, kind: str) -> str:
    found = {"release": notice.release, "rollout": notice.rollout, "gate": notice.rollout}.get(kind, "")
    return found or (_environment(notice) if kind == "environment" else "") or notice.id


def _words(notice: Notice) -> str:
    return f"{notice.what}: {notice.why}" if notice.why else notice.what
