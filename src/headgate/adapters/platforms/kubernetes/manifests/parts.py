"""All manifests of a release, sorted by what becomes of them: what runs a service, follows it, or stands beside it."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from headgate.adapters.kubernetes.names import SERVICE, label
from headgate.adapters.platforms.kubernetes.manifests import allowed
from headgate.adapters.platforms.kubernetes.manifests.contents import addressed, is_content
from headgate.adapters.platforms.kubernetes.manifests.manifest import Manifest
from headgate.adapters.platforms.kubernetes.manifests.pods import pod_path
from headgate.adapters.platforms.kubernetes.manifests.swap import (
    Object,
    autoscaler,
    budget,
    deployment,
    images,
    labelled,
    scales,
    selects,
    to_port,
)
from headgate.adapters.platforms.kubernetes.manifests.swap import service as team_service
from headgate.adapters.platforms.kubernetes.manifests.workloads import Workload, find, repository
from headgate.model.services import Service

FIRST = ("Namespace", "CustomResourceDefinition", "ServiceAccount", "ConfigMap", "Secret", "PersistentVolumeClaim")
FOLLOWING = {"Service": "services", "PodDisruptionBudget": "budgets", "HorizontalPodAutoscaler": "autoscalers"}


@dataclass(frozen=True, slots=True)
class Told:
    """What the platform knows of a revision's service."""

    counted: bool  # whether the environment itself says how many instances there are
    described: Callable[[Object], Object]  # adds what an object is made as, to find drift by


@dataclass(frozen=True, slots=True)
class Parts:
    workloads: dict[str, Workload]  # by service, as everything of a service
    services: dict[str, list[Manifest]] = field(default_factory=dict)
    budgets: dict[str, list[Manifest]] = field(default_factory=dict)
    autoscalers: dict[str, list[Manifest]] = field(default_factory=dict)
    contents: list[Manifest] = field(default_factory=list)  # ConfigMaps and Secrets that no release changes
    beside: list[Manifest] = field(default_factory=list)


def sort(manifests: Sequence[Manifest], services: Sequence[Service], namespace: str, allow: Collection[str]) -> Parts:
    """Raises Refused: what may not be in it, services without a workload, and what could not follow one."""
    allowed.check(manifests, namespace, allow)
    content = addressed(manifests)
    found = {one.service.name: one for one in find(content, services)}
    parts = Parts(found)
    running = [id(one.manifest) for one in found.values()]
    for manifest in (one for one in content if id(one) not in running):
        _place(parts, manifest)
    return parts


def _place(parts: Parts, manifest: Manifest) -> None:
    matches = scales if manifest.kind == "HorizontalPodAutoscaler" else selects
    names = [name for name, one in parts.workloads.items() if manifest.kind in FOLLOWING and matches(manifest, one)]
    if len(names) > 1:
        remedy = f"It leads to pods of {' and '.join(names)}: give each service's pods a label of their own."
        raise manifest.refused(("spec", "selector"), "pods of several services", remedy)
    if names:
        getattr(parts, FOLLOWING[manifest.kind]).setdefault(names[0], []).append(manifest)
    elif is_content(manifest):
        parts.contents.append(manifest)
    else:
        _refuse_strangers(parts, manifest)
        parts.beside.append(manifest)


def _refuse_strangers(parts: Parts, manifest: Manifest) -> None:
    """Whoever steers a service's Deployment by its name would steer nothing: each revision has one of its own."""
    spec = manifest.content.get("spec")
    for name in ("scaleTargetRef", "targetRef"):
        target = spec.get(name) if isinstance(spec, dict) else None
        steered = f"{target.get('kind')}/{target.get('name')}" if isinstance(target, dict) else ""
        if steered in [one.manifest.title for one in parts.workloads.values()]:
            remedy = "Each revision has a Deployment of its own; only a HorizontalPodAutoscaler follows them."
            raise manifest.refused(("spec", name), steered, remedy)


def revised(parts: Parts, service: Service, made: Sequence[Object], told: Told) -> list[Object]:
    """What the platform would make of one service of one revision, with the team's own in its place. Raises Refused."""
    name, workload = service.name, parts.workloads[service.name]
    (deployed,) = [one for one in made if one["kind"] == "Deployment"]
    scalers, budgets = parts.autoscalers.get(name, []), parts.budgets.get(name, [])
    for more in [*scalers[1:], *budgets[1:]]:
        raise more.refused(("metadata", "name"), more.name, f"Service {name} has a {more.kind} already: remove one.")
    replaced = {*(["HorizontalPodAutoscaler"] if scalers else []), *(["PodDisruptionBudget"] if budgets else [])}
    variables = {key for one in made if one["kind"] == "ConfigMap" for key in one["data"]}
    found = []
    for one in [one for one in made if one["kind"] not in replaced]:
        if one["kind"] == "Deployment":
            own = deployment(workload, one, variables, told.counted)
            found.append(told.described(_scaled(own) if scalers else own))
        else:
            found.append(told.described(to_port(one, service.port)) if one["kind"] == "Service" else one)
    found += [budget(one, deployed) for one in budgets]
    return [*found, *(autoscaler(one, deployed, service.replicas) for one in scalers)]


def _scaled(content: Object) -> Object:
    """How many there are is the autoscaler's to say."""
    return {**content, "spec": {key: value for key, value in content["spec"].items() if key != "replicas"}}


def beside(parts: Parts, built: dict[str, str], labels: dict[str, str], namespace: str) -> list[Object]:
    """Objects that are applied once for each release. `built`: service -> its image, by digest."""
    made = []
    by_repository = {repository(_image(one)): built[name] for name, one in parts.workloads.items() if name in built}
    for manifest in [*parts.contents, *parts.beside]:
        path = pod_path(manifest)
        content = images(manifest, path, by_repository) if path is not None else manifest.content
        made.append(labelled(content, labels, None if allowed.wide(manifest) else namespace))
    for name, services in parts.services.items():
        made += [team_service(one, {**labels, SERVICE: label(name)}, namespace) for one in services]
    return sorted(made, key=_order)


def _order(content: Object) -> int:
    """What others need comes first."""
    return FIRST.index(content["kind"]) if content["kind"] in FIRST else len(FIRST)


def _image(workload: Workload) -> str:
    return str(workload.manifest.at("spec", "template", "spec", "containers", workload.container, "image"))
