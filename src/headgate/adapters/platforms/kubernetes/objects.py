"""What one service of one revision is in a cluster, as objects to apply. Pure."""

import json
from collections.abc import Mapping, Sequence

from headgate.adapters.kubernetes import names
from headgate.adapters.kubernetes.cluster import Object, Objects
from headgate.adapters.kubernetes.kinds import DEPLOYMENT, DISRUPTION_BUDGET
from headgate.adapters.platforms.kubernetes.pods import pod_spec, probed
from headgate.adapters.platforms.kubernetes.snapshots import Snapshot
from headgate.model.clusters import Autoscale, ClusterRules
from headgate.model.releases import Revision
from headgate.model.services import Service

MADE = "headgate.dev/made"  # annotation: what it was made as, so that drift is found with nothing remembered
NEEDS = "headgate.dev/needs"  # annotation of a Deployment: what was made with it, so that what is deleted is missed
REPLICAS = "headgate.dev/replicas"  # annotation: how many the file asks for, the least where it scales by itself


def workload(
    revision: Revision, service: Service, namespace: str, command: tuple[str, ...], found: Snapshot, rules: ClusterRules
) -> Objects:
    """In the order in which they are applied: what pods need comes before them."""
    scaled = rules.autoscale.get(service.name)
    objects = [*found.objects, _deployment(revision, service, namespace, command, found, rules)]
    objects.append(service_object(revision, service, namespace))
    if service.replicas > 1:
        objects.append(_budget(revision, service, namespace))
    if scaled is not None:
        objects.append(_autoscaler(revision, service, namespace, scaled))
    return objects


def described(object: Object) -> Object:
    """With what it is made as, to be compared with what it is later."""
    return annotated(object, {MADE: json.dumps(object["spec"], sort_keys=True, separators=(",", ":"))})


def known(objects: Sequence[Object]) -> Objects:
    """All of one service of a revision, so that what becomes of each is found with nothing remembered."""
    needs = " ".join(f"{one['kind']}/{one['metadata']['name']}" for one in objects if one["kind"] != DEPLOYMENT.name)
    compared = [described(one) if one["apiVersion"] == DISRUPTION_BUDGET.api else one for one in objects]
    return [annotated(one, {NEEDS: needs}) if one["kind"] == DEPLOYMENT.name else one for one in compared]


def annotated(object: Object, notes: Mapping[str, str]) -> Object:
    metadata = object["metadata"]
    return {**object, "metadata": {**metadata, "annotations": {**metadata.get("annotations", {}), **notes}}}


def service_object(revision: Revision, service: Service, namespace: str) -> Object:
    """Leads to this revision's ready pods alone, whatever weight it has: routes point at it."""
    spec = {
        "type": "ClusterIP",
        "selector": names.pods_of(revision.environment, service.name, revision.id),
        "ports": [{"name": "http", "port": service.port, "targetPort": "http", "protocol": "TCP"}],
    }
    return described(_object("v1", "Service", revision, service, namespace, spec))


def _deployment(
    revision: Revision, service: Service, namespace: str, command: tuple[str, ...], found: Snapshot, rules: ClusterRules
) -> Object:
    own = names.labels(revision.environment, service.name, revision.id)
    pods = pod_spec(revision, service, command, found, rules)
    pods["containers"][0] |= probed(service)
    spec: Object = {
        "selector": {"matchLabels": names.pods_of(revision.environment, service.name, revision.id)},
        "template": {"metadata": {"labels": own}, "spec": pods},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0}},
        "revisionHistoryLimit": 0,  # a revision of ours never changes
    }
    if service.name not in rules.autoscale:  # else the autoscaler's alone
        spec["replicas"] = service.replicas
    made = _object("apps/v1", "Deployment", revision, service, namespace, spec)
    made["metadata"]["annotations"] = {REPLICAS: str(service.replicas)}
    return described(made)


def _budget(revision: Revision, service: Service, namespace: str) -> Object:
    """Nodes are emptied one pod at a time."""
    pods = names.pods_of(revision.environment, service.name, revision.id)
    spec = {"maxUnavailable": 1, "selector": {"matchLabels": pods}}
    return _object("policy/v1", "PodDisruptionBudget", revision, service, namespace, spec)


def _autoscaler(revision: Revision, service: Service, namespace: str, scaled: Autoscale) -> Object:
    """One for each revision, so that the stable has its own whichever it is. How few it may leave: see scaling.held."""
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": names.workload_name(service.name, revision.id)}
    wanted = {"type": "Utilization", "averageUtilization": scaled.cpu}
    spec = {
        "scaleTargetRef": target,
        "minReplicas": service.replicas,
        "maxReplicas": max(scaled.most, service.replicas),
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": wanted}}],
    }
    return _object("autoscaling/v2", "HorizontalPodAutoscaler", revision, service, namespace, spec)


def _object(api: str, kind: str, revision: Revision, service: Service, namespace: str, spec: Object) -> Object:
    metadata = {
        "name": names.workload_name(service.name, revision.id),
        "namespace": namespace,
        "labels": names.labels(revision.environment, service.name, revision.id),
    }
    return {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec}
