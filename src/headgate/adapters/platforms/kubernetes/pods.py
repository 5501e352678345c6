"""The pods of one service of one revision: closed by default, opened only where the file says so by name. Pure."""

from collections.abc import Mapping
from typing import Any

from headgate.adapters.kubernetes.cluster import Object
from headgate.adapters.kubernetes.names import pods_of
from headgate.adapters.platforms.kubernetes.snapshots import Snapshot
from headgate.model.clusters import ClusterRules
from headgate.model.releases import Revision
from headgate.model.services import Container, Service

MAIN = "main"  # its only container
TMP, DATA, FILES = "/tmp", "/data", "/run/secrets/headgate"  # noqa: S108 - inside the container
GRACE = 30  # seconds, from SIGTERM to SIGKILL
# Seconds before SIGTERM, in which proxies everywhere learn that the pod is no endpoint any more.
LEAVING = 5
PATIENCE = 3  # failed probes in a row, until a pod is not ready
READERS = 10001  # the group of files with secrets, where the service names none: else root alone may read them


def pod_spec(
    revision: Revision, service: Service, command: tuple[str, ...], snapshot: Snapshot, rules: ClusterRules
) -> Object:
    """As a Deployment and a migration's Job have it."""
    spec: Object = {
        "automountServiceAccountToken": rules.token,
        "enableServiceLinks": False,  # old variables for every Service of the namespace
        "terminationGracePeriodSeconds": GRACE + LEAVING,
        "securityContext": _pod_security(service.container, rules, bool(snapshot.files)),
        "topologySpreadConstraints": spread(pods_of(revision.environment, service.name, revision.id)),
        "containers": [_container(service, command, snapshot)],
        "volumes": _volumes(service.container, snapshot),
    }
    if rules.service_account:
        spec["serviceAccountName"] = rules.service_account
    if rules.pull_secrets:
        spec["imagePullSecrets"] = [{"name": name} for name in rules.pull_secrets]
    return spec


def spread(labels: Mapping[str, str]) -> list[Object]:
    """Over nodes and zones as far as there are some: a cluster of one node runs it too."""
    return [
        {
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": dict(labels)},
        }
        for key in ("kubernetes.io/hostname", "topology.kubernetes.io/zone")
    ]


def probed(service: Service) -> Object:
    """Readiness alone: a liveness probe that fails under load makes it worse, and a program that hangs is not ready."""
    return {
        "readinessProbe": {
            "httpGet": {"path": service.health.path, "port": "http"},
            "periodSeconds": max(1, round(service.health.interval.total_seconds())),
            "timeoutSeconds": max(1, round(service.health.timeout.total_seconds())),
            "failureThreshold": PATIENCE,
        },
        "lifecycle": {"preStop": {"sleep": {"seconds": LEAVING}}},
    }


def _container(service: Service, command: tuple[str, ...], snapshot: Snapshot) -> Object:
    mounts: list[Object] = [{"name": "tmp", "mountPath": TMP}, {"name": "data", "mountPath": DATA}]
    if snapshot.files:
        mounts.append({"name": "secrets", "mountPath": FILES, "readOnly": True})
    found: Object = {
        "name": MAIN,
        "image": service.image or "",
        "ports": [{"name": "http", "containerPort": service.port, "protocol": "TCP"}],
        "envFrom": snapshot.sources,
        "env": snapshot.references,
        "resources": resources(service.container),
        "securityContext": _security(service.container),
        "volumeMounts": mounts,
    }
    if command:
        # The whole program, as `command` is on every platform: an entry point of the image would stand before it.
        # $(NAME) would be filled in by the kubelet, a second time.
        found["command"] = [part.replace("$(", "$$(") for part in command]
    return found


def resources(container: Container) -> Object:
    """Asked for and limited alike: what the file names is what there is, on a crowded node too."""
    found: dict[str, str] = {}
    if container.memory is not None:
        found["memory"] = str(container.memory)
    if container.cpus is not None:
        found["cpu"] = f"{round(container.cpus * 1000)}m"
    return {"requests": dict(found), "limits": dict(found)} if found else {}


def _pod_security(container: Container, rules: ClusterRules, files: bool) -> Object:
    found: Object = {"seccompProfile": {"type": "RuntimeDefault"}}
    if rules.security == "restricted":
        found["runAsNonRoot"] = True
    user, _, group = (container.user or "").partition(":")
    if user.isdecimal():
        found["runAsUser"] = int(user)
    if group.isdecimal():
        found["runAsGroup"] = int(group)
    if files:
        found["fsGroup"] = int(group) if group.isdecimal() else READERS
    return found


def _security(container: Container) -> Object:
    return {
        "allowPrivilegeEscalation": container.new_privileges,
        "readOnlyRootFilesystem": container.read_only,
        "capabilities": {
            "drop": ["ALL"],
            **({"add": list(container.capabilities)} if container.capabilities else {}),
        },
    }


def _volumes(container: Container, snapshot: Snapshot) -> list[Object]:
    tmp: dict[str, Any] = {"medium": "Memory", "sizeLimit": str(container.tmp)}
    volumes: list[Object] = [{"name": "tmp", "emptyDir": tmp}, {"name": "data", "emptyDir": {}}]
    if snapshot.files:
        volumes.append({"name": "secrets", "projected": {"defaultMode": 0o440, "sources": snapshot.files}})
    return volumes
