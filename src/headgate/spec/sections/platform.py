"""The section `environments.NAME.platform`: what runs the services, and on which machines."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Annotated, Any

from pydantic import Field, model_validator

from headgate.model.clusters import ClusterRules
from headgate.model.rules import ContainerHost
from headgate.spec.sections.cluster import KubernetesSection
from headgate.spec.sections.section import OneOf, Section, ShortForm, Written, unsuitable
from headgate.spec.sections.texts import ADAPTER, matching
from headgate.spec.tree import Mapping, Scalar
from headgate.spec.units import Unsuitable

SSH = "ssh://"
LOOPBACK = "127.0.0.1"
ADDRESS_PATTERN = r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}"
ADDRESSES = "an IPv4 address of a network interface"


@dataclass(frozen=True, slots=True)
class Platform:
    name: str
    hosts: tuple[ContainerHost, ...] = ()
    server: str = ""
    cluster: ClusterRules = ClusterRules()


def _address(scalar: Scalar) -> str:
    try:
        found = IPv4Address(scalar.text if re.fullmatch(ADDRESS_PATTERN, scalar.text) else "")
    except ValueError as error:
        raise Unsuitable(ADDRESSES, "Write one such as 10.0.0.5.") from error
    if found.is_loopback or found.is_unspecified or found.is_multicast or found.is_reserved:
        raise Unsuitable(ADDRESSES, "Write one at which other machines reach it, such as 10.0.0.5.")
    return str(found)


Address = Annotated[
    str, Written(_address, ADDRESSES, {"type": "string", "pattern": f"^{ADDRESS_PATTERN}$", "description": ADDRESSES})
]
Engine = Annotated[
    str,
    matching(
        r"ssh://(?:[A-Za-z_][A-Za-z0-9_.-]{0,31}@)?[A-Za-z0-9][A-Za-z0-9.-]{0,252}(?::[1-9][0-9]{0,4})?"
        r"|unix:///[A-Za-z0-9._/-]{1,100}",
        "ssh://USER@HOST, or unix:///PATH of the server's own engine",
        "Write one such as ssh://deploy@10.0.0.5.",
    ),
]


class HostSection(Section):
    engine: Engine = Field(description="Its Docker Engine.", examples=["ssh://deploy@10.0.0.5"])
    address: Address | None = Field(
        None, description="Of a host by ssh: its own, where the server reaches what it publishes."
    )

    @model_validator(mode="after")
    def reached(self) -> "HostSection":
        if self.far and self.address is None:
            remedy = "Add `address: 10.0.0.5`, one of its own addresses that the server reaches."
            raise unsuitable("a host by ssh with its address", remedy)
        if not self.far and self.address is not None:
            raise unsuitable("no address for the server's own engine", "Remove it: it publishes on 127.0.0.1.")
        return self

    @property
    def far(self) -> bool:
        return self.engine.startswith(SSH)

    def host(self) -> ContainerHost:
        return ContainerHost(self.engine, self.address or LOOPBACK)


class DockerSection(Section):
    hosts: Annotated[list[HostSection], Field(min_length=1)] = Field(
        description="The machines that containers are spread over.",
        examples=["[{engine: ssh://deploy@10.0.0.5, address: 10.0.0.5}]"],
    )
    server: Address | None = Field(
        None, description="Of the server's machine: where containers on other hosts reach its Envoy."
    )


class PlatformSection(OneOf):
    docker: DockerSection | None = Field(None, description="Containers on several hosts.")
    kubernetes: KubernetesSection | None = Field(None, description="Deployments in a cluster.")

    def finished(self) -> Platform:
        if self.kubernetes is not None:
            return Platform(self.kind, cluster=self.kubernetes.rules())
        if self.docker is None:
            return Platform(self.kind)
        return Platform(self.kind, tuple(one.host() for one in self.docker.hosts), self.docker.server or "")


def _expand(scalar: Scalar, section: Callable[[Mapping], Any]) -> Platform:
    return Platform(ADAPTER.parse(scalar))


PlatformValue = Annotated[
    Platform,
    ShortForm(
        PlatformSection,
        expand=_expand,
        finish=PlatformSection.finished,
        allowed="the name of an adapter, or a mapping with docker or kubernetes",
        schema=ADAPTER.schema,
    ),
]
