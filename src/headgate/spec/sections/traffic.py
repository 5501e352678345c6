"""The section `environments.NAME.traffic`: what shifts the traffic, and where users come in."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, model_validator

from headgate.model.entrances import Entrance
from headgate.spec.sections.section import OneOf, Section, ShortForm, defaults_to, unsuitable
from headgate.spec.sections.texts import ADAPTER, Name, matching
from headgate.spec.tree import Mapping, Scalar
from headgate.spec.units import Unsuitable

_LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"


@dataclass(frozen=True, slots=True)
class Traffic:
    router: str
    entrance: Entrance | None = None


Hostname = Annotated[
    str,
    matching(
        rf"{_LABEL}(\.{_LABEL}){{1,9}}", "a hostname in lower case, without a port", "Write one as shop.example.org."
    ),
]
Hostnames = Annotated[list[Hostname], Field(min_length=1, max_length=16)]
GatewayName = Annotated[
    str, matching(f"{_LABEL}/{_LABEL}", "the namespace and the name of a Gateway", "Write one as infra/public.")
]
ObjectName = Annotated[str, matching(_LABEL, "a name as Kubernetes has them", "Write lower case, digits and dashes.")]


class EntranceSection(Section):
    hostnames: Annotated[dict[Name, Hostnames], Field(min_length=1)] = Field(
        description="Service: the hostnames at which its users come in.", examples=["{web: [shop.example.org]}"]
    )
    previews: dict[Name, Hostname] = Field(
        default_factory=dict, description="Service: the hostname at which only the candidate answers."
    )

    @model_validator(mode="after")
    def each_once(self) -> "EntranceSection":
        every = [*(name for names in self.hostnames.values() for name in names), *self.previews.values()]
        twice = next((name for name in every if every.count(name) > 1), None)
        if twice:
            raise unsuitable("each hostname once", f"Give {twice} to one service, or to its preview.")
        return self

    def entrance(self) -> Entrance:
        hostnames = {service: tuple(names) for service, names in self.hostnames.items()}
        return Entrance(hostnames=hostnames, previews=dict(self.previews))


class GatewaySection(EntranceSection):
    gateway: GatewayName = Field(description="Gateway that users come in by.", examples=["infra/public"])
    section: ObjectName | None = Field(None, description="Optional. Its listener; else all that fit.")


class IngressSection(EntranceSection):
    ingress_class: ObjectName = defaults_to("nginx", "Class of the ingress controller.")


class TrafficSection(OneOf):
    gateway_api: GatewaySection | None = Field(None, description="HTTPRoutes at a Gateway of a Kubernetes cluster.")
    ingress_nginx: IngressSection | None = Field(None, description="Canary annotations for ingress-nginx.")

    def finished(self) -> Traffic:
        gateway, ingress = self.gateway_api, self.ingress_nginx
        if gateway is not None:
            at = gateway.entrance()
            return Traffic(self.kind, Entrance(gateway.gateway, gateway.section or "", "", at.hostnames, at.previews))
        if ingress is not None:
            at = ingress.entrance()
            return Traffic(self.kind, Entrance("", "", ingress.ingress_class, at.hostnames, at.previews))
        return Traffic(self.kind)


def _expand(scalar: Scalar, section: Callable[[Mapping], Any]) -> Traffic:
    if scalar.text in TrafficSection.model_fields:
        allowed = f"a mapping: {scalar.text} with its fields"
        raise Unsuitable(allowed, f"Write `{scalar.text}:` and its fields on lines below; `headgate spec` shows them.")
    return Traffic(ADAPTER.parse(scalar))


TrafficValue = Annotated[
    Traffic,
    ShortForm(
        TrafficSection,
        expand=_expand,
        finish=TrafficSection.finished,
        allowed="the name of an adapter, or a mapping with gateway_api or ingress_nginx",
        schema={**ADAPTER.schema, "not": {"enum": list(TrafficSection.model_fields)}},
    ),
]
