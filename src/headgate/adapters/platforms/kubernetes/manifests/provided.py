"""A revision's manifests, from its release's source: rendered once, then what was rendered."""

from collections import OrderedDict
from pathlib import Path

from headgate.adapters.kubernetes.names import environment_labels, split
from headgate.adapters.platforms.kubernetes.manifests.manifest import Manifest, Refused
from headgate.adapters.platforms.kubernetes.manifests.parts import Parts, beside, sort
from headgate.adapters.platforms.kubernetes.manifests.rendering import render
from headgate.adapters.platforms.kubernetes.manifests.swap import Object
from headgate.model.manifests import Manifests
from headgate.model.releases import Revision
from headgate.model.rules import Environment

REMEMBERED = 8  # renderings
Key = tuple[str, Manifests, str]


class Provided:
    def __init__(self, releases: Path) -> None:
        self._releases = releases
        self._rendered: OrderedDict[Key, list[Manifest]] = OrderedDict()

    async def parts(self, revision: Revision, namespace: str, rules: Environment | None) -> Parts | None:
        """None: it has none. What may be in them is what is applied now. Raises Refused, and AdapterError."""
        if revision.manifests is None:
            return None
        allow = rules.manifests.allow if rules is not None and rules.manifests is not None else ()
        manifests = await self._of(revision, revision.manifests, namespace)
        try:
            return sort(manifests, revision.services, namespace, allow)
        except Refused as error:
            raise Refused(f"{revision.environment}, release {revision.label}: {error}") from error

    async def _of(self, revision: Revision, wanted: Manifests, namespace: str) -> list[Manifest]:
        key = (revision.release, wanted, namespace)
        if key not in self._rendered:
            application, _ = split(revision.environment)
            root = self._releases / revision.release
            self._rendered[key] = await render(root, wanted.path, wanted.values, application, namespace)
        self._rendered.move_to_end(key)
        while len(self._rendered) > REMEMBERED:
            self._rendered.popitem(last=False)
        return self._rendered[key]


def beside_of(parts: Parts, revision: Revision, namespace: str) -> list[Object]:
    built = {service.name: service.image for service in revision.services if service.image}
    return beside(parts, built, environment_labels(revision.environment), namespace)
