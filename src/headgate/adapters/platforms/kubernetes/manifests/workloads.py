"""Which manifest runs a service: the one it names, else the only one that its name, its labels or its image lead to."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from headgate.adapters.platforms.kubernetes.manifests.manifest import Manifest, Refused, shown
from headgate.adapters.platforms.kubernetes.manifests.pods import containers
from headgate.model.services import Service

RUNNING = ("Deployment", "StatefulSet", "DaemonSet")
NAMING = ("app.kubernetes.io/name", "app.kubernetes.io/component", "app", "k8s-app", "name")  # labels


@dataclass(frozen=True, slots=True)
class Workload:
    service: Service
    manifest: Manifest
    container: int  # which of its containers


def find(manifests: Sequence[Manifest], services: Collection[Service]) -> list[Workload]:
    """One for each service, in their order. Raises Refused with what there is, and what to write."""
    running = [one for one in manifests if one.group == "apps" and one.kind in RUNNING]
    found = [_found(running, service) for service in services]
    taken: dict[tuple[str, int], Service] = {}
    for one in found:
        key = (one.manifest.name, one.container)
        same = next((other for name, other in taken.items() if name[0] == key[0]), None)
        if same is not None:
            remedy = f"Services {same.name} and {one.service.name} would share its pods: give each its own Deployment."
            raise one.manifest.refused(("metadata", "name"), one.manifest.name, remedy)
        taken[key] = one.service
    return found


def _found(running: Sequence[Manifest], service: Service) -> Workload:
    manifest = _named(running, service) if service.workload else _guessed(running, service)
    if manifest.kind != "Deployment":
        raise manifest.refused(("kind",), manifest.kind, WHY_NOT[manifest.kind])
    return Workload(service, manifest, _container(manifest, service))


WHY_NOT = {
    "StatefulSet": "Two revisions of it would each have volumes of their own, and rollouts run two side by side: make "
    "it a Deployment, or leave it beside the services, where it is applied once for each release.",
    "DaemonSet": "Its pods cannot be counted out to two revisions: make it a Deployment, or leave it beside the "
    "services, where it is applied once for each release.",
}


def _named(running: Sequence[Manifest], service: Service) -> Manifest:
    kind, name, _ = parts(service.workload)
    same = [one for one in running if one.name == name and kind in ("", one.kind)]
    if len(same) == 1:
        return same[0]
    wanted = f"services.{service.name}.workload: there is {'more than one' if same else 'no'} {service.workload}"
    raise Refused(f"{wanted} in the manifests. {_there(running, service)}")


def parts(workload: str) -> tuple[str, str, str]:
    """Kind, name, container: each but the name may be empty."""
    written = workload.split("/")
    if len(written) == 1:
        return "", written[0], ""
    return written[0], written[1], written[2] if len(written) > 2 else ""


def _guessed(running: Sequence[Manifest], service: Service) -> Manifest:
    """The first way that leads anywhere decides; where it leads to several, the file has to say which."""
    for way in WAYS:
        led = [one for one in running if way(one, service)]
        deployments = [one for one in led if one.kind == "Deployment"] or led
        if len(deployments) == 1:
            return deployments[0]
        if deployments:
            names = ", ".join(one.title for one in deployments)
            raise Refused(f"Service {service.name} could be run by any of {names}. {_there(running, service)}")
    raise Refused(f"No workload in the manifests is service {service.name}'s. {_there(running, service)}")


def by_name(manifest: Manifest, service: Service) -> bool:
    return manifest.name == service.name


def by_label(manifest: Manifest, service: Service) -> bool:
    labels = manifest.part("metadata", "labels")
    return any(labels.get(key) == service.name for key in NAMING)


def by_image(manifest: Manifest, service: Service) -> bool:
    return any(_is_of(container.get("image"), service) for container in containers(manifest))


WAYS: tuple[Callable[[Manifest, Service], bool], ...] = (by_name, by_label, by_image)


def repository(image: str) -> str:
    """An image's name without its tag and digest."""
    bare = image.partition("@")[0]
    head, slash, last = bare.rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}"


def _is_of(image: object, service: Service) -> bool:
    """The same repository, or a name that ends in the service's: `registry.example.org/shop/web:1.2` is web's."""
    if not isinstance(image, str) or not image:
        return False
    own = repository(service.image) if service.image else ""
    return repository(image) == own or repository(image).rpartition("/")[2] == service.name


def _container(manifest: Manifest, service: Service) -> int:
    there = containers(manifest)
    names = [str(one.get("name")) for one in there]
    wanted = parts(service.workload)[2]
    if wanted:
        if wanted in names:
            return names.index(wanted)
        listed = ", ".join(shown(name) for name in names) or "none"
        raise Refused(f"services.{service.name}.workload: {manifest.title} has no container {wanted}, but {listed}.")
    if len(there) == 1:
        return 0
    if service.name in names:
        return names.index(service.name)
    same = [at for at, one in enumerate(there) if _is_of(one.get("image"), service)]
    if len(same) == 1:
        return same[0]
    listed = ", ".join(shown(name) for name in names) or "none"
    remedy = f"Write `services.{service.name}.workload: {manifest.title}/CONTAINER`."
    raise manifest.refused(("spec", "template", "spec", "containers"), listed, remedy)


def _there(running: Sequence[Manifest], service: Service) -> str:
    listed = ", ".join(_described(running)) or "none at all"
    return f"There are: {listed}. Write `services.{service.name}.workload: Deployment/NAME`."


def _described(running: Sequence[Manifest]) -> Iterator[str]:
    for one in running[:20]:
        images = [shown(str(container.get("image"))) for container in containers(one)]
        yield f"{one.title} ({', '.join(images)})"
