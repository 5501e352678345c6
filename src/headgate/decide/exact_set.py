"""Exactly what would happen if the release that waits were let in, as one digest: an approval is for that alone.

Its tail is a short digest of each part, so that it can be said which one changed; only the whole is relied on.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from headgate.decide.provisioning import planned
from headgate.model.rollouts import EnvironmentState, Request
from headgate.model.rules import Environment

WHOLE, PART = 40, 6  # hex digits: 160 bits against whoever makes two sets on purpose; 24 to tell what changed
MARK = "set_"


def exact_set(request: Request, state: EnvironmentState, rules: Environment) -> str:
    """Equal content has an equal digest, also after a restart. Raises nothing."""
    parts = _parts(request, state, rules)
    whole = _digest((parts, request.revision), WHOLE)
    return f"{MARK}{whole}{''.join(_digest(part, PART) for part in parts.values())}"


def _parts(request: Request, state: EnvironmentState, rules: Environment) -> dict[str, Any]:
    """What changed is told in these words, in this order."""
    revision = request.revision
    return {
        "the release was asked for anew": (request.rollout, request.kind),
        "it is another release": revision.release,
        "the images, commands or replicas changed": [replace(service, env={}) for service in revision.services],
        "the configuration or a secret's version changed": (
            {service.name: service.env for service in revision.services},
            revision.secret_versions,
        ),
        "what is stable here changed": state.stable.id if state.stable else None,
        "the rules changed": rules,
        **_infrastructure(request, state),
    }


def _infrastructure(request: Request, state: EnvironmentState) -> dict[str, Any]:
    """Nothing where nothing would be changed: sets of environments without infrastructure are as they always were."""
    plan = planned(request, state)
    return {"the infrastructure plan changed": plan.digest} if plan and not plan.empty else {}


def rules_digest(rules: Environment) -> str:
    return _digest(rules, 12)


def changed(shown: str, request: Request, state: EnvironmentState, rules: Environment) -> str:
    """What is different now from the set of that digest, in words; empty: nothing is."""
    now = exact_set(request, state, rules)
    if shown == now:
        return ""
    tail = shown[len(MARK) + WHOLE :]
    said = list(_parts(request, state, rules))
    then, current = _cut(tail), _cut(now[len(MARK) + WHOLE :])
    if not shown.startswith(MARK) or abs(len(shown) - len(now)) not in (0, PART):
        return "that is no digest of a set"
    found = [words for words, old, new in zip(said, then, current, strict=False) if old != new]
    if len(then) != len(current):  # one of the two has no plan of infrastructure
        found.append("the infrastructure plan changed")
    return ", ".join(found) or "the revision changed"


def _cut(tail: str) -> list[str]:
    return [tail[at : at + PART] for at in range(0, len(tail), PART)]


def _digest(value: Any, length: int) -> str:
    text = json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def _plain(value: Any) -> Any:
    """A field that is as it is by itself is left out: a later Headgate, which knows more fields, gives the same."""
    if is_dataclass(value) and not isinstance(value, type):
        told = {"": type(value).__name__}
        for name, default in _fields(type(value)):
            one = getattr(value, name)
            if type(default) is not type(one) or default != one:
                told[name] = _plain(one)
        return told
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    if isinstance(value, set | frozenset):
        return sorted((_plain(one) for one in value), key=repr)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, datetime):
        return value.isoformat()
    return value if value is None or isinstance(value, str | bool | int | float) else repr(value)


@cache  # a set is looked at in every turn, and its rules have some hundred fields
def _fields(noun: type[Any]) -> tuple[tuple[str, Any], ...]:
    """Names with what they are by themselves, or MISSING. Nouns are frozen: one that is made once may be compared."""
    return tuple((one.name, _default(one)) for one in fields(noun))


def _default(field: "Field[Any]") -> Any:
    return field.default_factory() if field.default_factory is not MISSING else field.default
