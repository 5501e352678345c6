"""The configuration of one service of one revision, as immutable objects that are named by what they hold. Pure.

A rollback finds yesterday's configuration with yesterday's code. No value of a secret goes into a name.
"""

import hashlib
import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass

from headgate.adapters.kubernetes.cluster import Object
from headgate.adapters.kubernetes.names import SNAPSHOT, label, labels, short
from headgate.adapters.quoted import short as quoted
from headgate.model.releases import Revision
from headgate.model.secrets import SecretReference
from headgate.model.services import Service
from headgate.ports import AdapterError

DIGITS = 10
STORE = "kubernetes"  # the store whose Secrets pods are pointed at, and this server does not read


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is made, and how a container is told of it."""

    objects: list[Object]
    sources: list[Object]  # envFrom
    references: list[Object]  # env, by reference
    files: list[Object]  # sources of a projected volume


def digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:DIGITS]


def secret_name(revision: Revision, service: Service) -> str:
    """By references and versions: equal versions are equal values, and no value is hashed."""
    known = {
        name: (value.reference, value.as_file, revision.secret_versions.get(value.reference, ""))
        for name, value in service.env.items()
        if value.kind == "secret"
    }
    return label(f"{service.name}-{short(revision.id)}-secret-{digest(known)}")


def config_name(revision: Revision, service: Service, variables: Mapping[str, str]) -> str:
    return label(f"{service.name}-{short(revision.id)}-config-{digest(dict(variables))}")


def snapshot(
    revision: Revision,
    service: Service,
    namespace: str,
    variables: Mapping[str, str],
    values: Mapping[str, str | None],
    references: Mapping[str, SecretReference],
) -> Snapshot:
    """`variables` are plain ones; `values` of secrets that this server reads, None where their Secret is there already;
    `references` are read by the cluster."""
    config, secret = config_name(revision, service, variables), secret_name(revision, service)
    as_files = {name for name, value in service.env.items() if value.as_file}
    own = labels(revision.environment, service.name, revision.id)
    objects: list[Object] = [_config(config, namespace, own, variables)]
    sources: list[Object] = [{"configMapRef": {"name": config}}]
    env, files = _referred(references, namespace)
    if values:
        objects.append(_secret(secret, namespace, own, values))
        env += [_from_secret(name, secret, name) for name in sorted(values) if name not in as_files]
        handed = [{"key": name, "path": name} for name in sorted(values) if name in as_files]
        files += [{"secret": {"name": secret, "items": handed}}] if handed else []
    return Snapshot(objects, sources, env, files)


def _referred(references: Mapping[str, SecretReference], namespace: str) -> tuple[list[Object], list[Object]]:
    env: list[Object] = []
    files: list[Object] = []
    for name, one in sorted(references.items()):
        secret, key = _own_secret(one, namespace)
        if one.as_file:
            files.append({"secret": {"name": secret, "items": [{"key": key, "path": name}]}})
        else:
            env.append(_from_secret(name, secret, key))
    return env, files


def _own_secret(reference: SecretReference, namespace: str) -> tuple[str, str]:
    path, _, key = reference.name.partition("#")
    where, slash, name = path.rpartition("/")
    where = where if slash else reference.store.settings.get("namespace", namespace)
    if where != namespace:
        what = f"secret {quoted(reference.name)} is in namespace {quoted(where)}: pods in {namespace} cannot read it"
        raise AdapterError(f"{what}; keep it in {namespace}, or let the External Secrets Operator bring it there")
    return name, key


def _from_secret(variable: str, secret: str, key: str) -> Object:
    return {"name": variable, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}


def _config(name: str, namespace: str, own: Mapping[str, str], variables: Mapping[str, str]) -> Object:
    metadata = {"name": name, "namespace": namespace, "labels": {**own, SNAPSHOT: digest(dict(variables))}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "immutable": True, "data": dict(variables)}


def _secret(name: str, namespace: str, own: Mapping[str, str], values: Mapping[str, str | None]) -> Object:
    """Without data where they were not read."""
    metadata = {"name": name, "namespace": namespace, "labels": {**own, SNAPSHOT: name[-DIGITS:]}}
    read = {key: b64encode(value.encode()).decode() for key, value in sorted(values.items()) if value is not None}
    data = {"data": read} if len(read) == len(values) else {}
    kind = {"apiVersion": "v1", "kind": "Secret", "type": "Opaque"}
    return {**kind, "metadata": metadata, "immutable": True, **data}
