"""What a container of ours is: its name, the labels it is known by, and what the engine is asked to make. Pure."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from headgate.adapters.platforms.docker.settings import DockerSettings
from headgate.model.ids import EnvironmentId, RevisionId
from headgate.model.releases import Revision
from headgate.model.services import Health, Service
from headgate.ports import AdapterError

SERVER = "headgate.server"  # the label by which one server's containers are told from all others of the machine
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
DATA = "/data"  # in every container: the environment's volume
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Tag:
    """What the labels of one container say."""

    environment: EnvironmentId
    revision: RevisionId
    service: str
    number: int
    port: int  # that the program listens on inside
    health: Health
    place: str = ""  # address of the host that it is on; empty: this machine
    replicas: int = 0  # of its service in this revision; 0: not written down

    @property
    def id(self) -> str:
        where = f"-{self.place}" if self.place else ""
        return f"{self.service}.{self.revision}.{self.number}{where}"


@dataclass(frozen=True, slots=True)
class Network:
    name: str
    gateway: str  # its machine, as its containers see it
    subnet: str


def server_id(data: Path) -> str:
    """The same folder has the same id, even after it was lost."""
    return hashlib.sha256(str(data.resolve()).encode()).hexdigest()[:8]


def checked(kind: str, name: str) -> str:
    """The name itself, if it is fit to become part of a container's."""
    if NAME.fullmatch(name):
        return name
    raise AdapterError(f"{kind} {name!r} is refused: use A-Z a-z 0-9 _ - (at most 63), a letter or digit first")


def scope(server: str, environment: EnvironmentId) -> str:
    """What the names of one environment's network, volume and containers begin with."""
    application, _, name = environment.partition("/")
    return f"headgate-{server}-{checked('application', application)}.{checked('environment', name)}"


def name(server: str, tag: Tag) -> str:
    return f"{scope(server, tag.environment)}.{tag.id}"


def tagged(revision: Revision, service: Service, number: int, place: str) -> Tag:
    checked("revision", revision.id)
    checked("service", service.name)
    made = Tag(revision.environment, revision.id, service.name, number, service.port, service.health)
    return replace(made, place=place, replicas=service.replicas)


def labels(server: str, tag: Tag) -> dict[str, str]:
    application, _, environment = tag.environment.partition("/")
    return {
        SERVER: server,
        "headgate.application": application,
        "headgate.environment": environment,
        "headgate.revision": tag.revision,
        "headgate.service": tag.service,
        "headgate.number": str(tag.number),
        "headgate.replicas": str(tag.replicas),
        "headgate.host": tag.place,
        "headgate.port": str(tag.port),
        "headgate.health.path": tag.health.path,
        "headgate.health.interval": f"{tag.health.interval.total_seconds():g}",  # seconds, as the next
        "headgate.health.timeout": f"{tag.health.timeout.total_seconds():g}",
    }


def read_labels(found: Mapping[str, str]) -> Tag | None:
    """None: they are not whole, so someone else wrote them."""
    try:
        return Tag(
            EnvironmentId(f"{found['headgate.application']}/{found['headgate.environment']}"),
            RevisionId(found["headgate.revision"]),
            found["headgate.service"],
            int(found["headgate.number"]),
            int(found["headgate.port"]),
            Health(
                found["headgate.health.path"],
                timedelta(seconds=float(found["headgate.health.interval"])),
                timedelta(seconds=float(found["headgate.health.timeout"])),
            ),
            found.get("headgate.host", ""),
            int(found.get("headgate.replicas", 0)),
        )
    except (KeyError, ValueError):
        return None


def request(
    server: str, tag: Tag, service: Service, image: str, variables: Mapping[str, str], command: tuple[str, ...]
) -> dict[str, Any]:
    """The body of POST /containers/create, without what the host decides."""
    body: dict[str, Any] = {
        "Image": image,
        "Env": [f"{name}={value}" for name, value in variables.items()],
        "Labels": labels(server, tag),
        "ExposedPorts": {f"{tag.port}/tcp": {}},
        "Healthcheck": {"Test": ["NONE"]},  # readiness is asked for over HTTP, by us
    }
    if command:
        # The whole program, as `command` is on every platform: an entry point of the image would stand before it.
        body |= {"Entrypoint": list(command), "Cmd": []}
    if service.container.user is not None:
        body["User"] = service.container.user
    return body


def host_request(
    settings: DockerSettings, server: str, tag: Tag, service: Service, network: Network
) -> dict[str, Any]:
    """HostConfig: closed by default, opened only where the file says so by name."""
    own = service.container
    return {
        "NetworkMode": network.name,
        "ExtraHosts": [f"host.docker.internal:{network.gateway}"],
        # HostPort: see `published`.
        "PortBindings": {f"{tag.port}/tcp": [{"HostIp": tag.place or LOOPBACK, "HostPort": ""}]},
        "Mounts": [volume(server, network.name)],
        "RestartPolicy": {"Name": "no"},  # the server restarts, with back-off, and tells why it died
        "Init": True,  # signals reach a program that has no handlers as process 1, and its children are reaped
        "ReadonlyRootfs": own.read_only,
        "Tmpfs": {"/tmp": f"rw,nosuid,nodev,mode=1777,size={own.tmp}"},  # noqa: S108 - inside the container
        "CapDrop": ["ALL"],
        "CapAdd": list(own.capabilities),
        "SecurityOpt": [] if own.new_privileges else ["no-new-privileges:true"],
        "PidsLimit": own.processes,
        "Memory": own.memory or 0,  # bytes
        "MemorySwap": own.memory or 0,  # memory and swap together: no swap
        "NanoCpus": round((own.cpus or 0) * 1e9),
        "LogConfig": {
            "Type": "json-file",
            "Config": {"max-size": str(settings.log_bytes), "max-file": str(settings.log_files)},
        },
    }


def volume(server: str, name: str) -> dict[str, Any]:
    """Made by the engine with its first container, and never removed by us: data outlive releases."""
    return {"Type": "volume", "Source": name, "Target": DATA, "VolumeOptions": {"Labels": {SERVER: server}}}


def published_port(inspected: Mapping[str, Any], tag: Tag) -> int | None:
    """None: it does not run."""
    bindings = (inspected["NetworkSettings"].get("Ports") or {}).get(f"{tag.port}/tcp") or []
    return next((int(one["HostPort"]) for one in bindings if one["HostIp"] == (tag.place or LOOPBACK)), None)
