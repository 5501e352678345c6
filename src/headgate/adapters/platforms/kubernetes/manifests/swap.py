"""A service's own manifests with what makes them one revision's: names, labels, selectors, image, configuration.

`made` is always what the platform would make where there were no manifests. Pure: objects in, objects out.
"""

from collections.abc import Collection, Mapping
from copy import deepcopy
from typing import Any

from headgate.adapters.kubernetes.names import FOLLOWS, INSTANCE, NAME
from headgate.adapters.platforms.kubernetes.manifests.manifest import Manifest
from headgate.adapters.platforms.kubernetes.manifests.pods import every_container
from headgate.adapters.platforms.kubernetes.manifests.workloads import Workload, repository

Object = dict[str, Any]
STABLE = "stable"
TEMPLATE = ("spec", "template")
POD = (*TEMPLATE, "spec")
OURS = "headgate-"  # before the names of volumes
THEIRS = (NAME, INSTANCE)  # labels whose values stay the team's own: policies of theirs select by them


def deployment(workload: Workload, made: Object, variables: Collection[str], counted: bool = False) -> Object:
    """Raises Refused.

    `variables`: names that come with the configuration; the manifest's own of these names give way. `counted`: the
    environment itself says how many instances there are.
    """
    content = deepcopy(workload.manifest.content)
    content["metadata"] = metadata(workload.manifest.part("metadata"), made["metadata"])
    spec = content["spec"]
    spec.pop("paused", None)
    spec["selector"] = made["spec"]["selector"]
    if "replicas" in made["spec"]:
        spec["replicas"] = made["spec"]["replicas"] if counted else _replicas(workload, made["spec"]["replicas"])
    else:
        spec.pop("replicas", None)  # an autoscaler's to say
    template = spec["template"]
    template["metadata"] = {
        **template.get("metadata", {}),
        **metadata(workload.manifest.part(*TEMPLATE, "metadata"), made["spec"]["template"]["metadata"]),
    }
    _pod(workload, template["spec"], made["spec"]["template"]["spec"], variables)
    return content


def metadata(theirs: Mapping[str, Any], made: Mapping[str, Any]) -> Object:
    """The name is the revision's; labels and annotations are both's, and where both say something, ours holds."""
    kept = {key: value for key, value in (theirs.get("labels") or {}).items() if key in THEIRS}
    both = {"labels": {**(theirs.get("labels") or {}), **(made.get("labels") or {}), **kept}}
    annotations = {**(theirs.get("annotations") or {}), **(made.get("annotations") or {})}
    named = {key: made[key] for key in ("name", "namespace") if key in made}
    return {**named, **both, **({"annotations": annotations} if annotations else {})}


def service(manifest: Manifest, labels: Mapping[str, str], namespace: str) -> Object:
    """One that leads to a service: whom to, is the router's to say, and changes with the stable."""
    content = deepcopy(manifest.content)
    content["spec"].pop("selector", None)
    return labelled(content, {**labels, FOLLOWS: STABLE}, namespace)


def budget(manifest: Manifest, made: Object) -> Object:
    """`made` is the revision's Deployment: the budget is for its pods alone."""
    content = deepcopy(manifest.content)
    content["metadata"] = metadata(manifest.part("metadata"), _unnoted(made))
    content["spec"] = {**manifest.part("spec"), "selector": made["spec"]["selector"]}
    return content


def autoscaler(manifest: Manifest, made: Object, least: int) -> Object:
    """`made` is the Deployment that it is to scale; a rollout waits for `least` instances of it."""
    content = deepcopy(manifest.content)
    content["metadata"] = metadata(manifest.part("metadata"), _unnoted(made))
    spec = manifest.part("spec")
    fewest = max(_whole(manifest, "minReplicas", 1), least)
    bounds = {"minReplicas": fewest, "maxReplicas": max(_whole(manifest, "maxReplicas", fewest), fewest)}
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": made["metadata"]["name"]}
    content["spec"] = {**spec, **bounds, "scaleTargetRef": target}
    return content


def to_port(made: Object, port: int) -> Object:
    """The Service of one revision, by the number of its port: what the team calls it is its own matter."""
    ports = [{**one, "targetPort": port} for one in made["spec"]["ports"]]
    return {**made, "spec": {**made["spec"], "ports": ports}}


def _whole(manifest: Manifest, name: str, otherwise: int) -> int:
    found = manifest.at("spec", name)
    if found is not None and (not isinstance(found, int) or isinstance(found, bool)):
        raise manifest.refused(("spec", name), found, "Write a whole number.")
    return otherwise if found is None else found


def _unnoted(made: Object) -> Object:
    """What it was made as is the Deployment's own note."""
    return {key: value for key, value in made["metadata"].items() if key != "annotations"}


def images(manifest: Manifest, path: tuple[str | int, ...], built: Mapping[str, str]) -> Object:
    """Every container of a repository that a service is built into gets that build: `built` is by repository."""
    content = deepcopy(manifest.content)
    spec: Any = content
    for step in path:
        spec = spec[step]
    for container in every_container(spec):
        container["image"] = built.get(repository(str(container.get("image"))), container.get("image"))
    return content


def _replicas(workload: Workload, wanted: int) -> int:
    """What the manifest says and the file does not is found before production has one instance instead of ten."""
    written = workload.manifest.at("spec", "replicas")
    if written is not None and written != workload.service.replicas:
        name, said = workload.service.name, workload.service.replicas
        remedy = f"headgate.yaml says {said}: write `services.{name}.replicas: {written}` there, or remove it here."
        raise workload.manifest.refused(("spec", "replicas"), written, remedy)
    return wanted


def _pod(workload: Workload, spec: Object, made: Object, variables: Collection[str]) -> None:
    own, ours = spec["containers"][workload.container], made["containers"][0]
    _ports(workload, own, ours)
    _called(workload, spec, own, ours)
    written = repository(str(own.get("image")))
    for container in every_container(spec):
        if container is own or repository(str(container.get("image"))) == written:
            container["image"] = ours["image"]
    told = {*variables, *(one["name"] for one in ours.get("env", []))}
    own["env"] = [*(one for one in own.get("env") or [] if one.get("name") not in told), *ours.get("env", [])]
    own["envFrom"] = [*(own.get("envFrom") or []), *ours.get("envFrom", [])]
    if not own.get("ports"):
        own["ports"] = ours["ports"]
    if not own.get("readinessProbe") and "readinessProbe" in ours:
        own["readinessProbe"] = _probe(ours["readinessProbe"], workload.service.port)
    if not own.get("command") and not own.get("args"):
        own.update({field: ours[field] for field in ("command", "args") if field in ours})
    _files(spec, own, made, ours)
    for field in ("env", "envFrom"):
        if not own[field]:
            del own[field]


def _called(workload: Workload, spec: Object, own: Object, ours: Object) -> None:
    """As the platform calls it: whose state and whose log are the service's is told by that."""
    if any(one.get("name") == ours["name"] for one in every_container(spec) if one is not own):
        remedy = f"So is the service's own called here: name {workload.manifest.title}'s other one otherwise."
        raise workload.manifest.refused((*POD, "containers"), f"another container {ours['name']}", remedy)
    own["name"] = ours["name"]


def _probe(made: Object, port: int) -> Object:
    """By number: what the team calls the port is its own matter."""
    return {**made, **({"httpGet": {**made["httpGet"], "port": port}} if "httpGet" in made else {})}


def _ports(workload: Workload, own: Object, ours: Object) -> None:
    """The router sends to the port that the file names: it comes first, as an instance's address has it."""
    path = (*POD, "containers", workload.container, "ports")
    there = [row.get("containerPort") for row in workload.manifest.rows(*path)]
    if there and workload.service.port not in there:
        listed = ", ".join(str(one) for one in there)
        remedy = f"services.{workload.service.name}.port is {workload.service.port}: write one of these there."
        raise workload.manifest.refused(path, listed, remedy)
    own["ports"] = sorted(own.get("ports") or [], key=lambda one: one.get("containerPort") != workload.service.port)


def _files(spec: Object, own: Object, made: Object, ours: Object) -> None:
    """Files that configuration is handed over in; scratch space is the manifest's own matter."""
    volumes = [{**one, "name": f"{OURS}{one['name']}"} for one in made.get("volumes", []) if "emptyDir" not in one]
    names = {one["name"] for one in volumes}
    mounts = [{**one, "name": f"{OURS}{one['name']}"} for one in ours.get("volumeMounts", [])]
    mounts = [one for one in mounts if one["name"] in names]
    if mounts:
        if not (spec.get("securityContext") or {}).get("fsGroup"):
            volumes = [_for_all(one) for one in volumes]
        spec["volumes"] = [*(spec.get("volumes") or []), *volumes]
        own["volumeMounts"] = [*(own.get("volumeMounts") or []), *mounts]


def _for_all(volume: Object) -> Object:
    """A group of ours would take over the team's own volumes; but for one, root alone could read what is in it."""
    return {**volume, "projected": {**volume["projected"], "defaultMode": 0o444}} if "projected" in volume else volume


def selects(manifest: Manifest, workload: Workload) -> bool:
    """Whether a Service or a disruption budget is for the workload's pods."""
    wanted = manifest.part("spec", "selector")
    wanted = manifest.part("spec", "selector", "matchLabels") if manifest.kind == "PodDisruptionBudget" else wanted
    labels = workload.manifest.part(*TEMPLATE, "metadata", "labels")
    return bool(wanted) and all(labels.get(key) == value for key, value in wanted.items())


def scales(manifest: Manifest, workload: Workload) -> bool:
    target = manifest.part("spec", "scaleTargetRef")
    return (target.get("kind"), target.get("name")) == ("Deployment", workload.manifest.name)


def labelled(content: Object, labels: Mapping[str, str], namespace: str | None) -> Object:
    """Something that stands beside the services: found again, and deleted with its environment."""
    said = content["metadata"]
    kept = {key: value for key, value in (said.get("labels") or {}).items() if key in THEIRS}
    place = {"namespace": namespace} if namespace else {}
    return {**content, "metadata": {**said, **place, "labels": {**(said.get("labels") or {}), **labels, **kept}}}

