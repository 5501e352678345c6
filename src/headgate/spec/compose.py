"""A release as it runs in one environment: its services with that environment's variables and replicas merged in."""

import hashlib
import json
from dataclasses import asdict, replace
from typing import Any

from headgate.model.ids import RevisionId, environment_id
from headgate.model.releases import Release, Revision
from headgate.model.routes import Address
from headgate.model.rules import Environment
from headgate.model.services import Container, Service, Value

ID_LENGTH = 12  # hex digits: 48 bits


def compose(release: Release, environment: Environment, addresses: dict[str, Address], application: str) -> Revision:
    """`addresses` has every service of the release. Equal content gives an equal id."""
    services = tuple(_service(service, release, environment, addresses) for service in release.services)
    revision = Revision(
        id=RevisionId(""),
        environment=environment_id(application, environment.name),
        release=release.id,
        commit=release.commit,
        label=release.label,
        services=services,
        author=release.author,
    )
    return replace(revision, id=_id(revision))


def _service(service: Service, release: Release, environment: Environment, addresses: dict[str, Address]) -> Service:
    """What the file says of a variable wins over an address: a service can be sent elsewhere by hand."""
    others = (other.name for other in release.services if other.name != service.name)
    given = {variable(name): Value("plain", addresses[name].mesh) for name in others}
    env = {**given, **service.env, **environment.env}
    return replace(service, env=env, replicas=environment.replicas.get(service.name, service.replicas))


def variable(service: str) -> str:
    """The variable in which the other services find this one: price-list is at PRICE_LIST_URL."""
    return service.upper().replace("-", "_") + "_URL"


def _id(revision: Revision) -> RevisionId:
    content = {
        "release": revision.release,
        "environment": revision.environment,
        "services": [_content(service) for service in revision.services],
        "secret_versions": revision.secret_versions,
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=_seconds)
    return RevisionId("rev_" + hashlib.sha256(text.encode()).hexdigest()[:ID_LENGTH])


def _content(service: Service) -> dict[str, Any]:
    """Without what the file leaves as it is, a field that is new here gives nothing that runs another id; and without
    how the image was built: that is in its digest."""
    content = asdict(service)
    del content["dockerfile"]
    del content["migrations"]  # the release has them
    if service.container == Container():
        del content["container"]
    for value in content["env"].values():
        for name in [name for name in ("store", "as_file") if not value[name]]:
            del value[name]
    return content


def _seconds(span: Any) -> float:
    """The model holds one type that JSON does not: durations."""
    return float(span.total_seconds())
