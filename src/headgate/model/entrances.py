"""Where users come in, where somebody else's proxy carries the traffic: a gateway or an ingress controller."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Entrance:
    gateway: str = ""  # NAMESPACE/NAME
    section: str = ""  # listener of the gateway; empty: all of them
    ingress_class: str = ""  # of an ingress controller, instead of a gateway
    hostnames: dict[str, tuple[str, ...]] = field(default_factory=dict)  # service -> where its users come in
    previews: dict[str, str] = field(default_factory=dict)  # service -> hostname at which only the candidate answers
