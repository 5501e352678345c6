"""Where a manifest describes pods, and what those refer to."""

from collections.abc import Iterator
from typing import Any

from headgate.adapters.platforms.kubernetes.manifests.manifest import Manifest, Step

TEMPLATES: dict[tuple[str, str], tuple[Step, ...]] = {
    ("apps", "Deployment"): ("spec", "template"),
    ("apps", "StatefulSet"): ("spec", "template"),
    ("apps", "DaemonSet"): ("spec", "template"),
    ("apps", "ReplicaSet"): ("spec", "template"),
    ("", "ReplicationController"): ("spec", "template"),
    ("batch", "Job"): ("spec", "template"),
    ("batch", "CronJob"): ("spec", "jobTemplate", "spec", "template"),
    ("", "Pod"): (),
}


def pod_path(manifest: Manifest) -> tuple[Step, ...] | None:
    """Of the pod's spec. None: it describes no pods."""
    template = TEMPLATES.get((manifest.group, manifest.kind))
    return None if template is None else (*template, "spec")


def containers(manifest: Manifest) -> list[dict[str, Any]]:
    """Those that run, init containers left out."""
    path = pod_path(manifest)
    return manifest.rows(*path, "containers") if path else []


def every_container(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Of a pod's spec that was checked."""
    for field in ("initContainers", "containers"):
        yield from spec.get(field) or []


def references(spec: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
    """All ConfigMaps and Secrets that a pod's spec names: kind, the mapping that names it, under which field."""
    for container in every_container(spec):
        for source in container.get("envFrom") or []:
            yield from _named(source, "configMapRef", "secretRef", "name")
        for variable in container.get("env") or []:
            yield from _named(variable.get("valueFrom") or {}, "configMapKeyRef", "secretKeyRef", "name")
    for volume in spec.get("volumes") or []:
        if isinstance(volume.get("configMap"), dict):
            yield "ConfigMap", volume["configMap"], "name"
        if isinstance(volume.get("secret"), dict):
            yield "Secret", volume["secret"], "secretName"
        for source in (volume.get("projected") or {}).get("sources") or []:
            yield from _named(source, "configMap", "secret", "name")


def _named(source: dict[str, Any], config: str, secret: str, field: str) -> Iterator[tuple[str, dict[str, Any], str]]:
    if isinstance(source.get(config), dict):
        yield "ConfigMap", source[config], field
    if isinstance(source.get(secret), dict):
        yield "Secret", source[secret], field
