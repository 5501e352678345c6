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
        manifests=replace(environment.manifests, allow=()) if environment.manifests else None,
    )
    return with_secrets(revision, {})


def with_secrets(revision: Revision, versions: dict[str, str]) -> Revision:
    """The same, with the versions that its secrets have: another revision once one of them is another."""
    bound = replace(revision, secret_versions=versions)
    return replace(bound, id=_id(bound), configuration=_configuration(bound))


def secrets_of(revision: Revision) -> list[Value]:
    """Each once, whatever variables it is in."""
    values = [value for service in revision.services for value in service.env.values() if value.kind == "secret"]
    return list({value.reference: value for value in values}.values())


def outputs_of(revision: Revision) -> list[Value]:
    """Values that are outputs of the environment's infrastructure, each once."""
    values = [value for service in revision.services for value in service.env.values() if value.kind == "terraform"]
    return list({value.text: value for value in values}.values())


def with_outputs(revision: Revision, found: dict[str, str]) -> Revision:
    """The same, with the text of each output: one that changes makes another revision."""
    services = tuple(replace(one, env={n: _given(v, found) for n, v in one.env.items()}) for one in revision.services)
    return with_secrets(replace(revision, services=services), revision.secret_versions)


def _given(value: Value, found: dict[str, str]) -> Value:
    """Text of others is taken as it is: $ in it names no variable of ours."""
    if value.kind != "terraform":
        return value
    return Value("plain", found[value.text].replace("$", "$$"), origin=f"output {value.text} by {value.origin}")


def _service(service: Service, release: Release, environment: Environment, addresses: dict[str, Address]) -> Service:
    """What the file says of a variable wins over an address: a service can be sent elsewhere by hand.

    Of the file, in this order: for all services, for the service, for the environment, for the service there.
    """
    others = [other.name for other in release.services if other.name != service.name]
    given = {variable(name): Value("plain", addresses[name].mesh, origin=f"address of {name}") for name in others}
    env = {**given, **service.env, **environment.env, **environment.service_env.get(service.name, {})}
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
    return RevisionId(f"rev_{_digest({**content, **_manifests(revision)})}")


def _configuration(revision: Revision) -> str:
    """Equal for two releases that are configured alike, whatever their images and commands."""
    services = {one.name: {"env": _content(one)["env"], "replicas": one.replicas} for one in revision.services}
    content = {"services": services, "secret_versions": revision.secret_versions, **_manifests(revision)}
    return f"cfg_{_digest(content)}"


def _manifests(revision: Revision) -> dict[str, Any]:
    """Which ones are rendered, and with which values: another choice runs something else of the same commit."""
    return {"manifests": [revision.manifests.path, *revision.manifests.values]} if revision.manifests else {}


def _digest(content: dict[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=_seconds)
    return hashlib.sha256(text.encode()).hexdigest()[:ID_LENGTH]


def _content(service: Service) -> dict[str, Any]:
    """Without fields at their defaults: one that is new here gives nothing that runs another id."""
    content = asdict(service)
    del content["dockerfile"]  # how the image was built is in its digest
    del content["migrations"]  # the release has them
    if service.container == Container():
        del content["container"]
    if not service.workload:
        del content["workload"]
    for value in content["env"].values():
        del value["origin"]
        for name in [name for name in ("store", "as_file") if not value[name]]:
            del value[name]
    return content


def _seconds(span: Any) -> float:
    """The model holds one type that JSON does not: durations."""
    return float(span.total_seconds())
