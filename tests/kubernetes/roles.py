"""The Roles of deploy/kubernetes, as sets of rights: "patch apps/deployments", "get pods/log"."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).parents[2] / "deploy" / "kubernetes"
ROLES = ("base/lease.yaml", "environment/role.yaml", "gateway/role.yaml", "overlays/cluster/namespaces.yaml")


def objects(path: Path) -> list[dict[str, Any]]:
    return [one for one in yaml.safe_load_all(path.read_text()) if one]


def allowed(role: dict[str, Any]) -> set[str]:
    return {
        f"{verb} {group}/{resource}" if group else f"{verb} {resource}"
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def roles() -> list[dict[str, Any]]:
    return [one for name in ROLES for one in objects(DEPLOY / name) if one["kind"] in ("Role", "ClusterRole")]


@cache
def granted() -> frozenset[str]:
    """Of all Roles together."""
    return frozenset().union(*(allowed(role) for role in roles()))
