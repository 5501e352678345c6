"""The bootstrap and the listeners: three doors to each service of each environment."""

from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any, Literal

from headgate.adapters.envoy_admin import EnvoySettings, admin_socket
from headgate.adapters.envoy_bridges import Bridge
from headgate.adapters.traffic.envoy.files import Resource

Door = Literal["public", "mesh", "preview"]
DOORS: tuple[Door, ...] = ("mesh", "public", "preview")  # the order in which new routes take hold

_EXTENSIONS = "type.googleapis.com/envoy.extensions"
DOOR_HEADER = "x-headgate-door"  # set by the listener, never by who calls: one route configuration serves all doors
_STREAM_WINDOW = 65536  # bytes; Envoy's advice for an edge, as are the other limits here
_CONNECTION_WINDOW = 1048576


@dataclass(frozen=True, slots=True)
class Folder:
    """Where each file is."""

    root: Path

    @property
    def bootstrap(self) -> Path:
        return self.root / "bootstrap.json"

    @property
    def log(self) -> Path:
        return self.root / "envoy.log"

    @property
    def listeners(self) -> Path:
        return self.root / "lds.json"

    @property
    def clusters(self) -> Path:
        return self.root / "cds.json"

    def routes(self, name: str) -> Path:
        return self.root / "rds" / f"{name.replace('/', '.')}.json"

    def endpoints(self, name: str) -> Path:
        return self.root / "eds" / f"{name.replace('/', '.')}.json"


def watched(path: Path) -> Resource:
    """A file that is damaged holds up the start for so long, and no longer."""
    return {"path_config_source": {"path": str(path)}, "resource_api_version": "V3", "initial_fetch_timeout": "2s"}


def extension(name: str, kind: str, **fields: Any) -> Resource:
    return {"name": name, "typed_config": {"@type": f"{_EXTENSIONS}.{kind}", **fields}}


def bootstrap(settings: EnvoySettings, folder: Folder) -> Resource:
    limit = extension(
        "envoy.resource_monitors.global_downstream_max_connections",
        "resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
        max_active_downstream_connections=50000,
    )
    return {
        "node": {"id": "headgate", "cluster": "headgate"},
        "admin": {"address": {"pipe": {"path": str(admin_socket(settings.folder)), "mode": 0o600}}},
        "dynamic_resources": {"lds_config": watched(folder.listeners), "cds_config": watched(folder.clusters)},
        # The default of 100 would refuse routes over the longest revision ids.
        "layered_runtime": {
            "layers": [{"name": "static", "static_layer": {"re2.max_program_size.error_level": 1000}}],
        },
        "overload_manager": {"resource_monitors": [limit]},
        # Histograms are merged when someone asks, not by a timer: an idle Envoy stays idle.
        "stats_flush_on_admin": True,
    }


def listener(settings: EnvoySettings, folder: Folder, name: str, door: Door, port: int) -> Resource:
    """`name` is APPLICATION/ENVIRONMENT/SERVICE/DOOR."""
    return {
        "@type": "type.googleapis.com/envoy.config.listener.v3.Listener",
        "name": name,
        "address": {"socket_address": {"address": settings.address, "port_value": port}},
        # With SO_REUSEPORT a second process could take the same port unnoticed.
        "enable_reuse_port": False,
        "connection_balance_config": {"exact_balance": {}},
        "per_connection_buffer_limit_bytes": 32768,
        "filter_chains": [{"filters": [_connections(folder, name, door)]}],
    }


def bridge_listener(settings: EnvoySettings, folder: Folder, name: str, port: int, bridge: Bridge) -> Resource:
    """The mesh door once more, for containers: at the gateway of their networks, and for nobody else."""
    networks = [IPv4Network(subnet) for subnet in bridge.subnets]
    own = [{"address_prefix": str(one.network_address), "prefix_len": one.prefixlen} for one in networks]
    same = listener(settings, folder, name, "mesh", port)
    return {
        **same,
        "name": bridge_door(name, bridge),
        "address": {"socket_address": {"address": bridge.gateway, "port_value": port}},
        "freebind": True,  # the network may be away for a moment, while the Docker Engine is
        "filter_chains": [{**same["filter_chains"][0], "filter_chain_match": {"source_prefix_ranges": own}}],
    }


def bridge_door(name: str, bridge: Bridge) -> str:
    return f"{name}@{bridge.gateway}"


def _connections(folder: Folder, name: str, door: Door) -> Resource:
    environment, service = name.rsplit("/", 2)[:2]
    # Nobody counts as internal: only then is an incoming x-request-id replaced and are x-envoy-* headers dropped.
    nobody = {"cidr_ranges": [{"address_prefix": "255.255.255.255", "prefix_len": 32}]}
    edge: Resource = {"use_remote_address": True, "internal_address_config": nobody}
    return extension(
        "envoy.filters.network.http_connection_manager",
        "filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix=door,
        rds={"route_config_name": environment, "config_source": watched(folder.routes(environment))},
        early_header_mutation_extensions=[_say_which_door(service, door)],
        server_header_transformation="PASS_THROUGH",
        normalize_path=True,
        common_http_protocol_options={"idle_timeout": "3600s", "headers_with_underscores_action": "DROP_HEADER"},
        http2_protocol_options={
            "max_concurrent_streams": 100,
            "initial_stream_window_size": _STREAM_WINDOW,
            "initial_connection_window_size": _CONNECTION_WINDOW,
        },
        request_headers_timeout="30s",
        upgrade_configs=[{"upgrade_type": "websocket"}],
        request_id_extension={"typed_config": _request_ids()},
        http_filters=_filters(door),
        **({} if door == "mesh" else edge),
    )


def _say_which_door(service: str, door: Door) -> Resource:
    return extension(
        "say-which-door",
        "http.early_header_mutation.header_mutation.v3.HeaderMutation",
        mutations=[_overwrite(DOOR_HEADER, f"{service}.{door}")],
    )


def _overwrite(header: str, value: str) -> Resource:
    one = {"key": header, "value": value}
    return {"append": {"header": one, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}}


def _request_ids() -> Resource:
    """Not to be changed after a new visitor's bucket was drawn from it: it becomes his cookie."""
    kind = f"{_EXTENSIONS}.request_id.uuid.v3.UuidRequestIdConfig"
    return {"@type": kind, "pack_trace_reason": False}


def _filters(door: Door) -> list[Resource]:
    router = extension("envoy.filters.http.router", "filters.http.router.v3.Router", suppress_envoy_headers=True)
    return [_retry_what_may_be_sent_twice(), *([] if door == "mesh" else [_drop_foreign_baggage()]), router]


def _retry_what_may_be_sent_twice() -> Resource:
    """These methods change nothing, so a connection that breaks on the way is worth a second try.

    Silence counts as a break too, therefore no third: an instance that hangs must not get three times the load.
    """
    wanted = {"x-envoy-retry-on": "reset", "x-envoy-max-retries": "1"}
    mutations = [_overwrite(name, value) for name, value in wanted.items()]
    return _where("retry-safe-methods", {"request_mutations": mutations}, ":method", "GET|HEAD|OPTIONS")


def _drop_foreign_baggage() -> Resource:
    """A visitor's own baggage passes, unless it names our key (or hides a key behind %): that would choose a side."""
    ours = r"(?i)(.*headgate.*|(.*,)?[^=,]*%.*)"
    return _where("drop-foreign-baggage", {"request_mutations": [{"remove": "baggage"}]}, "baggage", ours)


def _where(name: str, mutations: Resource, header: str, pattern: str) -> Resource:
    """Mutate the headers of requests that have one like this."""
    source = {"@type": "type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput", "header_name": header}
    like = {
        "input": {"name": header, "typed_config": source},
        "value_match": {"safe_regex": {"google_re2": {}, "regex": pattern}},
    }
    skip = {"name": "skip", "typed_config": {"@type": f"{_EXTENSIONS}.filters.common.matcher.action.v3.SkipFilter"}}
    unlike = {"predicate": {"not_matcher": {"single_predicate": like}}, "on_match": {"action": skip}}
    return extension(
        name,
        "common.matching.v3.ExtensionWithMatcher",
        extension_config=extension(name, "filters.http.header_mutation.v3.HeaderMutation", mutations=mutations),
        xds_matcher={"matcher_list": {"matchers": [unlike]}},
    )
