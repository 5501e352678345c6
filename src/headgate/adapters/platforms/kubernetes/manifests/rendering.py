"""From a path in a checkout to manifests: read as they are, or rendered by the tool that they were written for."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from headgate.adapters.platforms.kubernetes.manifests import tools
from headgate.adapters.platforms.kubernetes.manifests.documents import read
from headgate.adapters.platforms.kubernetes.manifests.found import Found, inside, look, measured
from headgate.adapters.platforms.kubernetes.manifests.manifest import Manifest, Refused, shown

HOOK = "helm.sh/hook"


async def render(root: Path, path: str, values: Sequence[str], application: str, namespace: str) -> list[Manifest]:
    """`root` is the release's source. Raises Refused, and AdapterError where a tool is not installed."""
    found = await asyncio.to_thread(look, root, path)
    if found.form != "chart" and values:
        raise Refused(f"manifests: values are for Helm charts, and {found.named} has no Chart.yaml. Remove `values`.")
    manifests = await _rendered(found, values, application, namespace)
    for manifest in manifests:
        if found.form == "chart" and HOOK in manifest.part("metadata", "annotations"):
            remedy = "Nothing runs the hooks of charts: switch it off by a value, and run it as a migration or a check."
            place = ("metadata", "annotations", HOOK)
            raise manifest.refused(place, manifest.at(*place), remedy)
    return manifests


async def _rendered(found: Found, values: Sequence[str], application: str, namespace: str) -> list[Manifest]:
    if found.form == "plain":
        return await asyncio.to_thread(_read_all, found)
    if found.form == "kustomization":
        where, argv = f"kubectl kustomize {found.named}", tools.kustomize(found.path)
    else:
        where, argv = f"helm template {found.named}", _of_chart(found, values, application, namespace)
    try:
        printed = await tools.rendered(argv, f"manifests: {found.named}")
    except Refused as error:
        raise Refused(str(error).replace(f"{found.root}/", "")) from error  # where the server keeps it says nothing
    manifests = await asyncio.to_thread(read, printed, where)
    if not manifests:
        raise Refused(f"manifests: {shown(where)} rendered nothing. Is this the right folder?")
    return manifests


def _of_chart(found: Found, values: Sequence[str], application: str, namespace: str) -> tuple[str, ...]:
    files = [inside(found.root, found.root / one, "manifests, values", one) for one in values]
    measured(files, found.root)
    return tools.helm_template(found.path, application, namespace, files)


def _read_all(found: Found) -> list[Manifest]:
    manifests = []
    for file in found.files:
        manifests += read(file.read_bytes(), str(file.relative_to(found.root)))
    if not manifests:
        raise Refused(f"manifests: {found.named} holds no manifest. Is this the right path?")
    return manifests
