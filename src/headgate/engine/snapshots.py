"""Configuration in words and rows: what a revision holds and where each value comes from, or how two differ."""

from dataclasses import dataclass
from typing import Any

from headgate.decide.configuration import shown
from headgate.engine.application import Application
from headgate.engine.refusals import Rejected, Unknown
from headgate.model.releases import Revision
from headgate.model.services import Service, Value

View = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Snapshot:
    environment: str
    revision: Revision
    recorded: bool  # False: as it would be made now


async def found(application: Application, named: str) -> Snapshot:
    """ENV: what is stable there, or would be made of its next release. ENV@RELEASE, ENV@REVISION: of that one.

    Raises Unknown, Rejected, AdapterError.
    """
    environment, _, wanted = named.partition("@")
    state = application.wheel(environment).state
    if not wanted and state.stable:
        return Snapshot(environment, state.stable, True)
    rollout, waiting = state.rollout, state.waiting
    known = [state.stable, rollout and rollout.revision, waiting and waiting.revision, state.previous]
    revisions = [one for one in (*known, *(past.revision for past in reversed(state.past))) if one]
    for revision in revisions:
        if wanted == revision.id:
            return Snapshot(environment, revision, True)
    if wanted.startswith("rev_"):
        told = ", ".join(dict.fromkeys(one.id for one in revisions)) or "none"
        raise Unknown(f"{wanted} never was in {environment}; known: {told}")
    release = application.release(wanted) if wanted else application.newest(environment)
    specification = application.state.specification
    rules = specification.environment(environment) if specification else None
    if rules is None:
        raise Rejected(f"{environment} is not in the applied specification; `headgate apply` it first")
    return Snapshot(environment, await application.composed(rules, release), False)


async def snapshot(application: Application, named: str, service: str | None) -> View:
    one = await found(application, named)
    services = _services(one.revision, service)
    return {
        **head(one),
        "variables": [row for each in services for row in _rows(one.revision, each)],
        "replicas": {each.name: each.replicas for each in services},
        "waits_for": application.configuring.told(one.environment),
    }


async def difference(application: Application, left: str, right: str, service: str | None) -> View:
    """One row for each variable that is not the same in both; of other differences a sentence."""
    both = [await found(application, named) for named in (left, right)]
    old, new = (_values(one.revision, service) for one in both)
    keys = list(dict.fromkeys([*old, *new]))
    other = [key for key in keys if old.get(key) != new.get(key)]
    rows = [{"service": s, "name": n, **_sides(n, old.get((s, n)), new.get((s, n)))} for s, n in other]
    heads = {"left": head(both[0]), "right": head(both[1])}
    return {**heads, "variables": rows, "same": len(keys) - len(other), "replicas": _replicas(both, service)}


def _values(revision: Revision, service: str | None) -> dict[tuple[str, str], tuple[Value, str]]:
    """Service and variable -> where its value comes from, and the version that it has, if it is a secret."""
    return {
        (one.name, name): (value, revision.secret_versions.get(value.reference, "") if value.kind == "secret" else "")
        for one in _services(revision, service)
        for name, value in sorted(one.env.items())
    }


def _sides(name: str, left: tuple[Value, str] | None, right: tuple[Value, str] | None) -> View:
    told = [_shown(name, *side) if side else None for side in (left, right)]
    if told[0] == told[1]:  # what is hidden looks alike
        told[1] = f"{told[1]}, another"
    return {"left": told[0], "right": told[1]}


def _shown(name: str, value: Value, version: str) -> str:
    return f"{shown(name, value)} v{version}" if version else shown(name, value)


def _replicas(both: list[Snapshot], service: str | None) -> list[str]:
    left, right = ({one.name: one.replicas for one in _services(each.revision, service)} for each in both)
    shared = [name for name in left if name in right and left[name] != right[name]]
    return [f"{name}: {left[name]} or {right[name]} replicas" for name in shared]


def head(one: Snapshot) -> View:
    revision = one.revision
    names = {"environment": one.environment, "label": revision.label, "release": revision.release}
    return {**names, "revision": revision.id, "configuration": revision.configuration, "recorded": one.recorded}


def _services(revision: Revision, service: str | None) -> list[Service]:
    chosen = [one for one in revision.services if service in (None, one.name)]
    if not chosen:
        known = ", ".join(one.name for one in revision.services)
        raise Unknown(f"{revision.label} has no service {service!r}; its services: {known}")
    return chosen


def _rows(revision: Revision, service: Service) -> list[View]:
    """Of a secret its reference and version, never its value; what by its name is one is not shown either."""
    return [
        {
            "service": one,
            "name": name,
            "kind": value.kind,
            "value": _shown(name, value, version),
            "reference": value.reference if value.kind != "plain" else None,
            "version": version or None,
            "as": "file" if value.as_file else "variable",
            "from": value.origin or "not recorded",
        }
        for (one, name), (value, version) in _values(revision, service.name).items()
    ]
