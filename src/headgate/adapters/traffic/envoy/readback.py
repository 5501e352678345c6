"""Routes as Envoy itself holds them: put together from its admin interface, never from the files it was given."""

import json
import re
from collections.abc import Iterable
from typing import Any

from headgate.adapters.envoy_admin import EnvoyAdmin
from headgate.adapters.traffic.envoy.files import Resource
from headgate.adapters.traffic.envoy.listeners import Door
from headgate.adapters.traffic.envoy.routing import UNSET
from headgate.model.ids import EnvironmentId, RevisionId
from headgate.model.routes import Backend, Routes
from headgate.model.rules import Audience

Endpoints = dict[tuple[str, str], tuple[str, ...]]  # (service, revision) -> sorted addresses


class Readback:
    def __init__(self, admin: EnvoyAdmin) -> None:
        self._admin = admin

    async def routes_version(self, environment: str) -> str:
        """Of the route configuration that is in use; empty where there is none."""
        entries = await self._dump("dynamic_route_configs", environment, mask="route_config.name,version_info")
        return next((one.get("version_info", "") for one in entries if "route_config" in one), "")

    async def route_configuration(self, environment: str) -> tuple[Resource, str]:
        """The one that is in use, and its version."""
        entries = await self._dump("dynamic_route_configs", environment)
        found = [(one["route_config"], one.get("version_info", "")) for one in entries if "route_config" in one]
        return found[0] if found else ({}, "")

    async def clusters(self, environment: str) -> dict[str, tuple[str, ...]]:
        """Cluster -> sorted addresses of its hosts; a cluster that is still warming is not there."""
        query = {"format": "json", "filter": f"^{re.escape(environment)}/"}
        answer = await self._admin.json("/clusters", query)
        return {one["name"]: _hosts(one) for one in answer.get("cluster_statuses", [])}

    async def active(self, environment: str) -> dict[tuple[str, str, str], int]:
        """(service, revision, side) -> requests in flight."""
        query = {"format": "json", "filter": rf"^cluster\.{re.escape(environment)}/.*\.upstream_rq_active$"}
        answer = await self._admin.json("/stats", query)
        found = {}
        for stat in answer["stats"]:
            if "name" in stat:
                _, _, service, revision, side = stat["name"].removeprefix("cluster.").split(".")[0].split("/")
                found[service, revision, side] = int(stat["value"])
        return found

    async def listener_errors(self, names: Iterable[str]) -> dict[str, str]:
        """Of the listeners that do not listen: what Envoy says about each; empty where it has not got to it yet."""
        entries = await self._configs({"resource": "dynamic_listeners"})
        known = {entry.get("name", ""): entry for entry in entries}
        late = {name: known.get(name, {}) for name in names if "active_state" not in known.get(name, {})}
        return {name: entry.get("error_state", {}).get("details", "") for name, entry in late.items()}

    async def _dump(self, resource: str, environment: str, mask: str = "") -> list[Any]:
        query = {"resource": resource, "name_regex": re.escape(environment)}
        if mask:
            query["mask"] = mask
        return await self._configs(query)

    async def _configs(self, query: dict[str, str]) -> list[Any]:
        """404 is how Envoy says that it has none at all."""
        text = await self._admin.text("/config_dump", query, accept=(200, 404))
        return list(json.loads(text).get("configs", [])) if text.startswith("{") else []


def _hosts(status: Resource) -> tuple[str, ...]:
    sockets = [host["address"]["socket_address"] for host in status.get("host_statuses", [])]
    return tuple(sorted(f"{one['address']}:{one['port_value']}" for one in sockets))


def endpoints_of(clusters: dict[str, tuple[str, ...]]) -> Endpoints:
    found = {}
    for name, hosts in clusters.items():
        _, _, service, revision, side = name.split("/")
        if side == "live":
            found[service, revision] = hosts
    return found


def routes_of(environment: EnvironmentId, configuration: Resource, endpoints: Endpoints) -> Routes | None:
    """None before anything was set.

    Where services disagree (someone edited) each revision has the greatest of its weights, so that whoever stops
    instances never stops one that is still routed to.
    """
    seen = [_Door(host) for host in configuration.get("virtual_hosts", [])]
    weights = {revision: 0 for one in seen for revision in one.order}
    for one in seen:
        for revision, weight in one.weights.items():
            weights[revision] = max(weights[revision], weight)
    if not any(one.is_set for one in seen):
        return None
    return Routes(
        environment,
        tuple(
            Backend(RevisionId(one), weight, _endpoints(one, seen, endpoints))
            for one, weight in _ordered(weights, seen)
        ),
        preview=next((one.preview for one in seen if one.preview), None),
        sticky=any(one.sticky for one in seen),
        audience=next((one.audience for one in seen if one.audience), None),
    )


def _ordered(weights: dict[str, int], doors: list["_Door"]) -> list[tuple[str, int]]:
    """In the order of the longest list that a door has, then whatever other doors add."""
    order: dict[str, None] = {}
    for one in sorted(doors, key=lambda door: -len(door.order)):
        order.update(dict.fromkeys(one.order))
    return [(revision, weights[revision]) for revision in order]


def _endpoints(revision: str, doors: list["_Door"], endpoints: Endpoints) -> dict[str, tuple[str, ...]]:
    services = sorted({door.service for door in doors if door.door == "mesh" and revision in door.order})
    return {service: endpoints[service, revision] for service in services if (service, revision) in endpoints}


class _Door:
    """What the routes of one door say."""

    def __init__(self, host: Resource) -> None:
        self.service, door = host["name"].split("/")
        self.door: Door = door  # type: ignore[assignment]
        self.order: list[str] = []
        self.weights: dict[str, int] = {}
        self.is_set = False
        self.sticky = False
        self.preview: RevisionId | None = None
        self.audience: Audience | None = None
        for route in host.get("routes", []):
            self._read(route)

    def _read(self, route: Resource) -> None:
        kind = route.get("name", "").split(":")[0]
        action = route.get("route", {})
        self.is_set = self.is_set or kind != UNSET
        if "weighted_clusters" in action:
            self._read_shares(action["weighted_clusters"])
        elif kind == "preview":
            self.preview = RevisionId(_revision(action["cluster"]))
        elif kind == "side" and (revision := _revision(action["cluster"])) not in self.order:
            self.order.append(revision)
        if kind.startswith("audience"):
            self._read_audience(route)

    def _read_shares(self, shares: Resource) -> None:
        self.sticky = self.sticky or bool(shares.get("use_hash_policy"))
        for share in shares["clusters"]:
            self.weights[_revision(share["name"])] = int(share.get("weight", 0))
        self.order = self.order or list(self.weights)

    def _read_audience(self, route: Resource) -> None:
        wanted = {
            one["name"]: one["string_match"].get("exact", "") for one in route["match"]["headers"] if _is_exact(one)
        }
        self.audience = self.audience or Audience(wanted)


def _is_exact(header: Resource) -> bool:
    return "safe_regex" not in header.get("string_match", {})


def _revision(cluster: str) -> str:
    return cluster.split("/")[3]
