"""ConfigMaps and Secrets that pods refer to: named after what they hold and never changed, so that going back restores
them. Who reads one by its own name, such as an Ingress, finds it under that too.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any

from headgate.adapters.platforms.kubernetes.manifests.manifest import Manifest, texts
from headgate.adapters.platforms.kubernetes.manifests.pods import pod_path, references

HELD = ("data", "binaryData", "stringData", "type")
DIGITS = 10  # hexadecimal, of a name
LONGEST = 253  # characters of such a name
Names = Mapping[tuple[str, str], str]  # kind and name as written -> name after what it holds


def addressed(manifests: Sequence[Manifest]) -> list[Manifest]:
    """The same manifests, with contents in the place of those that pods refer to, and each reference led to them."""
    named = _named(manifests)
    led = [_led(manifest, named) for manifest in manifests]
    read_elsewhere = {text for manifest in manifests for text in texts(_without_pods(manifest))}
    return [one for manifest in led for one in _content(manifest, named, read_elsewhere)]


def is_content(manifest: Manifest) -> bool:
    """Whether it may be left behind for the next one: it is not changed by any release."""
    return manifest.kind in ("ConfigMap", "Secret") and manifest.content.get("immutable") is True


def _named(manifests: Sequence[Manifest]) -> dict[tuple[str, str], str]:
    there = {(one.kind, one.name): one for one in manifests if one.kind in ("ConfigMap", "Secret") and not one.group}
    referred = {(kind, str(at.get(field))) for one in manifests for kind, at, field in _references(one.content, one)}
    return {key: _name(there[key]) for key in referred if key in there}


def _name(manifest: Manifest) -> str:
    held = {field: manifest.content[field] for field in HELD if manifest.content.get(field) is not None}
    digest = hashlib.sha256(json.dumps(held, sort_keys=True).encode()).hexdigest()[:DIGITS]
    return f"{manifest.name[: LONGEST - DIGITS - 1]}-{digest}"


def _led(manifest: Manifest, named: Names) -> Manifest:
    if pod_path(manifest) is None:
        return manifest
    content = deepcopy(manifest.content)
    for kind, at, field in _references(content, manifest):
        at[field] = named.get((kind, str(at.get(field))), at.get(field))
    return replace(manifest, content=content)


def _references(content: dict[str, Any], manifest: Manifest) -> list[tuple[str, dict[str, Any], str]]:
    path = pod_path(manifest)
    if path is None:
        return []
    return list(references(replace(manifest, content=content).part(*path)))


def _content(manifest: Manifest, named: Names, read_elsewhere: set[str]) -> list[Manifest]:
    name = named.get((manifest.kind, manifest.name))
    if name is None or manifest.group:
        return [manifest]
    metadata = {**manifest.part("metadata"), "name": name}
    content = {**manifest.content, "metadata": metadata, "immutable": True}
    kept = [manifest] if manifest.name in read_elsewhere else []
    return [replace(manifest, content=content), *kept]


def _without_pods(manifest: Manifest) -> Any:
    """What else it says, its own name left out."""
    if pod_path(manifest) is not None:
        return None
    return {key: value for key, value in manifest.content.items() if key not in ("metadata", *HELD)} | {
        "annotations": manifest.part("metadata").get("annotations")
    }
