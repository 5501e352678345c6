"""What a gateway says of a route: whether it does what was written, is still at it, or refuses."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from headgate.adapters.kubernetes.cluster import Object
from headgate.adapters.quoted import short

ROUTE_CONDITIONS = ("Accepted", "ResolvedRefs")


@dataclass(frozen=True, slots=True)
class Standing:
    """Set where nothing is awaited and nothing refused."""

    awaited: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()

    @property
    def is_set(self) -> bool:
        return not self.awaited and not self.refused

    def __add__(self, other: "Standing") -> "Standing":
        return Standing(self.awaited + other.awaited, self.refused + other.refused)


def of_route(route: Object) -> Standing:
    """Every parent must have said it of this very generation: an earlier one's word is for what stood there before."""
    name, generation = _name(route), route["metadata"].get("generation", 0)
    parents = [one for one in (route.get("status") or {}).get("parents") or [] if isinstance(one, Mapping)]
    standing = Standing()
    for wanted in route["spec"].get("parentRefs") or []:
        answers = [one for one in parents if _same(one.get("parentRef") or {}, wanted, route)]
        if not answers:
            standing += Standing((f"no controller has answered for {name}",))
        for answer in answers:
            who = f"{name} at {answer.get('controllerName')}"
            standing += _of(who, answer.get("conditions"), ROUTE_CONDITIONS, generation)
    return standing


def of_gateway(gateway: Object) -> Standing:
    conditions = (gateway.get("status") or {}).get("conditions")
    return _of(f"Gateway {_name(gateway)}", conditions, ("Programmed",), gateway["metadata"].get("generation", 0))


def _of(who: str, conditions: Any, kinds: Iterable[str], generation: int) -> Standing:
    standing = Standing()
    found = {one.get("type"): one for one in conditions or [] if isinstance(one, Mapping)}
    for kind in kinds:
        one = found.get(kind, {})
        if one.get("observedGeneration") != generation or one.get("status") not in ("True", "False"):
            standing += Standing((f"{who} is not yet {kind} in generation {generation}",))
        elif one["status"] == "False":
            why = short(f"{one.get('reason')}: {one.get('message')}")
            standing += Standing(refused=(f"{who} is not {kind}: {why}",))
    return standing


def _same(answered: Mapping[str, Any], wanted: Mapping[str, Any], route: Object) -> bool:
    here = route["metadata"].get("namespace")
    keys = ("name", "sectionName", "port")
    same = all((answered.get(key) or None) == (wanted.get(key) or None) for key in keys)
    return same and (answered.get("namespace") or here) == (wanted.get("namespace") or here)


def _name(object: Object) -> str:
    return f"{object['metadata'].get('namespace')}/{object['metadata'].get('name')}"
