"""What a commit's manifests may contain. A release cannot loosen the rules that judge it: more than this has to be
allowed, by name, in the file that someone with the right applied.
"""

from collections.abc import Collection, Iterator, Sequence

from headgate.adapters.platforms.kubernetes.manifests.manifest import Manifest, Refused, Step
from headgate.adapters.platforms.kubernetes.manifests.pods import pod_path

# Kind -> its group: what an application is made of, all of it inside its own namespace.
ORDINARY = {
    **dict.fromkeys(("ConfigMap", "Secret", "Service", "ServiceAccount", "PersistentVolumeClaim"), ""),
    **dict.fromkeys(("Deployment", "StatefulSet", "DaemonSet"), "apps"),
    "CronJob": "batch",
    **dict.fromkeys(("Ingress", "NetworkPolicy"), "networking.k8s.io"),
    "HorizontalPodAutoscaler": "autoscaling",
    "PodDisruptionBudget": "policy",
}
# Kind -> its group. They reach beyond a namespace: allowed by name they are applied, without one.
WIDE = {
    **dict.fromkeys(("Namespace", "PersistentVolume", "Node"), ""),
    **dict.fromkeys(("ClusterRole", "ClusterRoleBinding"), "rbac.authorization.k8s.io"),
    "CustomResourceDefinition": "apiextensions.k8s.io",
    "APIService": "apiregistration.k8s.io",
    **dict.fromkeys(
        (
            "MutatingWebhookConfiguration",
            "ValidatingWebhookConfiguration",
            "ValidatingAdmissionPolicy",
            "ValidatingAdmissionPolicyBinding",
            "MutatingAdmissionPolicy",
            "MutatingAdmissionPolicyBinding",
        ),
        "admissionregistration.k8s.io",
    ),
    **dict.fromkeys(("StorageClass", "CSIDriver", "CSINode", "VolumeAttachment"), "storage.k8s.io"),
    "PriorityClass": "scheduling.k8s.io",
    "RuntimeClass": "node.k8s.io",
    "IngressClass": "networking.k8s.io",
    "GatewayClass": "gateway.networking.k8s.io",
    **dict.fromkeys(("FlowSchema", "PriorityLevelConfiguration"), "flowcontrol.apiserver.k8s.io"),
}
# Kind -> its group. Inside a namespace, and beyond an application: whom the cluster obeys, what others may use.
RULES = {
    **dict.fromkeys(("Role", "RoleBinding"), "rbac.authorization.k8s.io"),
    **dict.fromkeys(("ResourceQuota", "LimitRange", "Pod", "Endpoints"), ""),
    "EndpointSlice": "discovery.k8s.io",
    "Lease": "coordination.k8s.io",
}
# Of a Secret: the cluster fills it with a token of any service account that is here.
TOKEN = "kubernetes.io/service-account-token"  # noqa: S105 - a type
# Of a Secret: a record of ours, which says what is put back when a release goes.
RECORD = "headgate.dev/manifests"
MARKS = "headgate.dev/"  # before the labels by which all of ours is found, routed to and deleted
# What Kubernetes' Pod Security Standard "baseline" lets containers add.
HARMLESS = {
    *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE"),
    *("SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
}


MOST_TOLD = 10
ALLOWING = "or allow it in the file that is applied: `manifests: {{path: ..., allow: [{}]}}`."


def check(manifests: Sequence[Manifest], namespace: str, allow: Collection[str]) -> None:
    """Raises Refused with everything that was found."""
    found = [one for manifest in manifests for one in _of(manifest, namespace, allow)]
    found += _twice(manifests)
    if found:
        raise Refused("; ".join(str(one) for one in found[:MOST_TOLD]))


def wide(manifest: Manifest) -> bool:
    """Whether objects of its kind stand in no namespace."""
    return WIDE.get(manifest.kind) == manifest.group


def _of(manifest: Manifest, namespace: str, allow: Collection[str]) -> Iterator[Refused]:
    if (manifest.group, manifest.kind) == ("batch", "Job"):
        remedy = "A Job runs once and cannot be changed: write it as a migration or a check of headgate.yaml."
        yield manifest.refused(("kind",), "Job", remedy)
    elif ORDINARY.get(manifest.kind) != manifest.group and _name(manifest) not in allow:
        name = _name(manifest)
        found = f"{name}, which is no part of an application by itself"
        yield manifest.refused(("kind",), found, f"Remove it, {ALLOWING.format(name)}")
    said = manifest.part("metadata").get("namespace")
    if said not in (None, namespace) and not wide(manifest):
        remedy = f"Remove it: everything of this environment is in the namespace {namespace}."
        yield manifest.refused(("metadata", "namespace"), said, remedy)
    for path in _marks(manifest.content, ()):
        yield manifest.refused(path, path[-1], "Remove it: by these marks Headgate finds what it made itself.")
    if manifest.content.get("type") == RECORD:
        yield manifest.refused(("type",), RECORD, "Remove it: such a Secret is Headgate's own record.")
    for path, power, there in _powers(manifest):
        if power not in allow:
            yield manifest.refused(path, there, f"Remove it, {ALLOWING.format(power)}")


def _marks(node: object, path: tuple[Step, ...]) -> Iterator[tuple[Step, ...]]:
    """Of objects and of their pods, wherever they stand. To select by them is anybody's."""
    if isinstance(node, dict) and path and path[-1] in ("labels", "annotations"):
        yield from ((*path, key) for key in node if key.startswith(MARKS))
    below = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for step, one in below:
        yield from _marks(one, (*path, step))


def _name(manifest: Manifest) -> str:
    """A kind of Kubernetes goes by its name alone; one that somebody defined, with its group."""
    known = WIDE.get(manifest.kind, RULES.get(manifest.kind))
    return manifest.kind if known == manifest.group else f"{manifest.kind}.{manifest.group}"


def _twice(manifests: Sequence[Manifest]) -> Iterator[Refused]:
    seen: dict[tuple[str, str, str], Manifest] = {}
    for manifest in manifests:
        key = (manifest.group, manifest.kind, manifest.name)
        if key in seen:
            yield manifest.refused(("metadata", "name"), manifest.name, f"It stands in {seen[key].where} already.")
        seen[key] = manifest


def _powers(manifest: Manifest) -> Iterator[tuple[tuple[Step, ...], str, object]]:
    """What lets a pod out of itself: place, the word that allows it, what was found."""
    if manifest.kind == "Secret" and manifest.content.get("type") == TOKEN:
        yield ("type",), "service-account-token", TOKEN
    path = pod_path(manifest)
    if path is None:
        return
    spec = manifest.part(*path)
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(field):
            yield (*path, field), field, spec[field]
    for at, volume in enumerate(manifest.rows(*path, "volumes")):
        if "hostPath" in volume:
            yield (*path, "volumes", at, "hostPath"), "hostPath", manifest.part(*path, "volumes", at, "hostPath")
    for field in ("initContainers", "containers", "ephemeralContainers"):
        for at, _ in enumerate(manifest.rows(*path, field)):
            yield from _of_container(manifest, (*path, field, at))


def _of_container(manifest: Manifest, path: tuple[Step, ...]) -> Iterator[tuple[tuple[Step, ...], str, object]]:
    security = manifest.part(*path, "securityContext")
    if security.get("privileged"):
        yield (*path, "securityContext", "privileged"), "privileged", security["privileged"]
    added = manifest.part(*path, "securityContext", "capabilities").get("add") or []
    for one in added if isinstance(added, list) else [added]:
        if one not in HARMLESS:
            yield (*path, "securityContext", "capabilities", "add"), f"capability {one}", one
    for at, port in enumerate(manifest.rows(*path, "ports")):
        if port.get("hostPort"):
            yield (*path, "ports", at, "hostPort"), "hostPort", port["hostPort"]
