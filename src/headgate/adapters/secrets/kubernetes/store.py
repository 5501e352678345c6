"""Two documented GETs of the API. A cluster keeps no earlier contents of a Secret, so there are no earlier versions."""

import re
from base64 import b64decode
from pathlib import Path
from typing import Any

from headgate.adapters.quoted import short
from headgate.adapters.secrets.kubernetes.cluster import SERVICE_ACCOUNT, Cluster
from headgate.adapters.secrets.references import decoded, entry, keyed, near
from headgate.adapters.secrets.server import Answer
from headgate.model.secrets import Secret, SecretRules
from headgate.ports import AdapterError, Unusable

LABEL = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
NAME = re.compile(rf"({LABEL}/)?{LABEL}(\.{LABEL})*")
SUCH_AS = "NAMESPACE/database#url"
# What a Secret is without its contents: its version is told, and no value is sent.
METADATA = {"Accept": "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"}
NAMES = {"Accept": "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"}
MOST_NAMES = "200"  # that are looked through for one that may be meant


class KubernetesStore:
    keeps_versions = False

    def __init__(self, account: Path = SERVICE_ACCOUNT) -> None:
        self._account = account

    async def get(self, reference: str, store: SecretRules, version: str | None = None) -> Secret:
        path, key = keyed(reference, NAME, SUCH_AS)
        found = await self._read(path, store, {})
        current = _version(found)
        if version not in (None, current):
            what = f"version {short(version, 60)} of {path} is gone"
            raise Unusable(f"{what}: a cluster keeps the current contents of a Secret only")
        data = found.field("data")
        encoded = entry(data if isinstance(data, dict) else {}, key, path)
        try:
            return Secret(decoded(b64decode(encoded, validate=True), reference), current)
        except (ValueError, TypeError):
            raise AdapterError(f"Kubernetes sent no base64 for {reference}") from None

    async def version(self, reference: str, store: SecretRules) -> str:
        path, _ = keyed(reference, NAME, SUCH_AS)
        return _version(await self._read(path, store, METADATA))

    async def _read(self, path: str, store: SecretRules, headers: dict[str, str]) -> Answer:
        cluster = Cluster.of(store.settings, self._account)
        namespace, name = _place(path, cluster)
        where = f"/api/v1/namespaces/{namespace}/secrets"
        answer = await cluster.server.ask("GET", f"{where}/{name}", {**cluster.headers, **headers})
        if answer.status == 200:
            return answer
        said = f"HTTP {answer.status} {short(answer.field('message') or '', 160)}".strip()
        if answer.status == 404:
            known = await self._names(cluster, where)
            raise Unusable(f"{cluster.server} has no Secret {name} in {namespace}{near(name, known)}")
        if answer.status == 401:
            raise AdapterError(f"{cluster.server} does not know us: {said}; renew the token")
        if answer.status == 403:
            rule = f'{{apiGroups: [""], resources: [secrets], resourceNames: [{name}], verbs: [get]}}'
            what = f"{cluster.server} does not let us read Secret {name} in {namespace}: {said}"
            raise AdapterError(f"{what}; add to a Role there: {rule}")
        raise AdapterError(f"{cluster.server} answered {said} for Secret {name} in {namespace}")

    async def _names(self, cluster: Cluster, where: str) -> list[str]:
        """Where we may list them."""
        try:
            answer = await cluster.server.ask(
                "GET", where, {**cluster.headers, **NAMES}, query={"limit": MOST_NAMES}
            )
        except AdapterError:
            return []
        items: Any = answer.field("items")
        found = [Answer(200, item).field("metadata", "name") for item in items] if isinstance(items, list) else []
        return [name for name in found if isinstance(name, str)]


def _place(path: str, cluster: Cluster) -> tuple[str, str]:
    namespace, slash, name = path.rpartition("/")
    chosen = namespace if slash else cluster.namespace
    if not re.fullmatch(LABEL, chosen):
        raise AdapterError(f"{short(chosen)!r} is no namespace of Kubernetes")
    return chosen, name


def _version(answer: Answer) -> str:
    """Of this object, and of no later one that has its name. Labels and annotations count too."""
    uid, version = answer.field("metadata", "uid"), answer.field("metadata", "resourceVersion")
    if not isinstance(uid, str) or not isinstance(version, str):
        raise AdapterError("what answers is no Kubernetes: it names no version; check url")
    return f"{uid}.{version}"
