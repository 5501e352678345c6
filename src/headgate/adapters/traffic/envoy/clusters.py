"""Clusters and endpoints: each service of each revision, once for users and once for the preview.

Endpoints of users' clusters have files of their own: a cluster that is replaced to change them would lose its
histogram. Nobody measures previews, so those save the file: see `watches.py`.
"""

from headgate.adapters.envoy_admin import Side, check_revision, check_service, cluster_name
from headgate.adapters.traffic.envoy.files import Resource
from headgate.adapters.traffic.envoy.listeners import Folder, watched
from headgate.model.routes import Routes
from headgate.ports import AdapterError

_HTTP = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
# Envoy's own limits (1024 requests, 3 retries at a time) would answer 503 under load that the instances could bear.
_LIMITS = {"max_connections": 65536, "max_pending_requests": 65536, "max_requests": 65536, "max_retries": 1024}


def endpoint_name(routes: Routes, revision: str, service: str) -> str:
    return f"{routes.environment}/{check_service(service)}/{check_revision(revision)}"


def endpoints(routes: Routes) -> dict[str, Resource]:
    """One assignment for each service of each revision."""
    return {
        name: _assignment(name, addresses)
        for backend in routes.backends
        for service, addresses in backend.endpoints.items()
        for name in [endpoint_name(routes, backend.revision, service)]
    }


def hosts(routes: Routes) -> dict[str, tuple[str, ...]]:
    """Cluster -> addresses of its hosts."""
    found = {}
    for backend in routes.backends:
        sides: tuple[Side, ...] = ("live", "preview") if backend.revision == routes.preview else ("live",)
        for service, addresses in backend.endpoints.items():
            for side in sides:
                found[cluster_name(routes.environment, service, backend.revision, side)] = tuple(sorted(addresses))
    return found


def clusters(routes: Routes, folder: Folder) -> dict[str, Resource]:
    return {name: _cluster(name, addresses, folder) for name, addresses in hosts(routes).items()}


def _cluster(name: str, addresses: tuple[str, ...], folder: Folder) -> Resource:
    endpoint, _, side = name.rpartition("/")
    if side == "live":
        from_file = {"service_name": endpoint, "eds_config": watched(folder.endpoints(endpoint))}
        members: Resource = {"type": "EDS", "eds_cluster_config": from_file}
    else:
        members = {"type": "STATIC", "load_assignment": _members(name, addresses)}
    return {
        "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster",
        "name": name,
        **members,
        "connect_timeout": "1s",
        # In turn: by least load, an instance that refuses everything would draw everything.
        "lb_policy": "ROUND_ROBIN",
        "per_connection_buffer_limit_bytes": 32768,
        "circuit_breakers": {"thresholds": [_LIMITS]},
        "typed_extension_protocol_options": {
            _HTTP: {
                "@type": f"type.googleapis.com/{_HTTP}",
                "explicit_http_config": {"http_protocol_options": {}},
                # Shorter than any common server's keep-alive (gunicorn 2 s, uvicorn and Node 5 s): a request must not
                # be sent on a connection that its server is about to close.
                "common_http_protocol_options": {"idle_timeout": "1.5s"},
            }
        },
    }


def _assignment(name: str, addresses: tuple[str, ...]) -> Resource:
    kind = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"
    return {"@type": kind, **_members(name, addresses)}


def _members(name: str, addresses: tuple[str, ...]) -> Resource:
    return {"cluster_name": name, "endpoints": [{"lb_endpoints": [_endpoint(one) for one in addresses]}]}


def _endpoint(address: str) -> Resource:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise AdapterError(f"Envoy: {address!r} is not the address of an instance: host:port is wanted")
    return {"endpoint": {"address": {"socket_address": {"address": host, "port_value": int(port)}}}}
