"""What somebody changed by hand: what an object was made as, against what it is. Pure."""

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from headgate.adapters.platforms.kubernetes.objects import MADE
from headgate.adapters.quoted import short

# Tools by which people change things by hand. A controller that holds a field is not contradicted; a person is drift.
# What was begun with (applying.begun) is taken back too, once no autoscaler counts any more.
PEOPLES = "kubectl|k9s|lens|openlens|freelens|headlamp|dashboard|mozilla|curl"
HANDS = re.compile(rf"^({PEOPLES}|headgate-begins$)", re.IGNORECASE)
HELD = {"f:data", "f:binaryData", "f:stringData"}  # of a ConfigMap or a Secret, as managedFields name it
MOST = 3  # differences that are told
UNITS = {"m": Decimal("0.001"), "": Decimal(1), "k": Decimal(1000), "M": Decimal(10**6), "G": Decimal(10**9)}
UNITS |= {"Ki": Decimal(1 << 10), "Mi": Decimal(1 << 20), "Gi": Decimal(1 << 30), "Ti": Decimal(1 << 40)}
SIZES = ("requests", "limits", "sizeLimit")


def drifted(object: Mapping[str, Any]) -> tuple[str, ...]:
    """Fields that are not as they were made. What was left to others, as replicas to an autoscaler, is theirs."""
    made = ((object.get("metadata") or {}).get("annotations") or {}).get(MADE)
    try:
        wanted = json.loads(made) if made else {}
    except ValueError:
        return (f"its annotation {MADE} was changed",)
    found = list(_differences(wanted, object.get("spec") or {}, ""))
    rest = [f"and {len(found) - MOST} more"] if len(found) > MOST else []
    return tuple(found[:MOST] + rest)


def rewritten(object: Mapping[str, Any]) -> tuple[str, ...]:
    """By whose hand a ConfigMap or a Secret holds what it holds: deleted and made anew, since ours are immutable.

    Its metadata says it, so that no value is read for it.
    """
    fields = (object.get("metadata") or {}).get("managedFields") or []
    managers = {str(one.get("manager", "")) for one in fields if HELD & (one.get("fieldsV1") or {}).keys()}
    return tuple(f"what it holds is {one}'s" for one in sorted(managers) if HANDS.match(one))


def _differences(made: Any, seen: Any, path: str) -> Iterator[str]:
    if isinstance(made, dict):
        for name, value in made.items():
            there = seen.get(name) if isinstance(seen, dict) else None
            yield from _differences(value, there, f"{path}.{name}".lstrip("."))
    elif isinstance(made, list) and isinstance(seen, list) and any(isinstance(one, dict) for one in made):
        named = {str(one.get("name")): one for one in seen if isinstance(one, dict)}
        for position, value in enumerate(made):
            name = str(value.get("name", ""))
            there = named.get(name) if name else (seen[position] if position < len(seen) else None)
            yield from _differences(value, there, f"{path}[{name or position}]")
    elif not _equal(made, seen, path):
        yield f"{path} is {_told(seen)}, made as {_told(made)}"


def _equal(made: Any, seen: Any, path: str) -> bool:
    if made == seen or (made in ({}, [], "", None, False) and seen is None):
        return True
    if (path.startswith("metrics[") or any(size in path for size in SIZES)) and isinstance(seen, str | int):
        return quantity(str(made)) == quantity(str(seen))
    return False


def quantity(text: str) -> Decimal | str:
    """As Kubernetes writes amounts, and writes them anew: 65536Ki is 64Mi."""
    number = text.rstrip("".join({letter for unit in UNITS for letter in unit}))
    try:
        return Decimal(number) * UNITS[text[len(number) :]]
    except (KeyError, InvalidOperation):
        return text


def _told(value: Any) -> str:
    return "gone" if value is None else short(json.dumps(value), 60)
