"""What `terraform show -json` says, in our words. Values are compared and digested here, and go no further."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

from headgate.model.infrastructure import Action, InfrastructurePlan, Output, Resource, ResourceChange
from headgate.ports import AdapterError

Json = dict[str, Any]
ACTIONS: dict[tuple[str, ...], Action] = {
    ("create",): "create",
    ("update",): "update",
    ("delete",): "destroy",
    ("create", "delete"): "replace",
    ("delete", "create"): "replace",
    ("forget",): "forget",
}
REASONS = {
    "delete_because_no_resource_config": "it is no longer in the configuration",
    "replace_because_tainted": "an earlier apply left it half made",
    "replace_by_request": "it was asked for",
}


def read(printed: str) -> Json:
    try:
        found = json.loads(printed)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise AdapterError("terraform printed what is no JSON object; is its version 1.1 or later?")
    return found


def plan(shown: Json, key: bytes) -> InfrastructurePlan:
    if shown.get("errored") or shown.get("complete") is False:
        raise AdapterError("terraform could not plan all of it; `terraform plan` in that folder shows why")
    relevant = [one for one in shown.get("resource_changes", ()) if _action(one)]
    outputs = {name: one for name, one in shown.get("output_changes", {}).items() if one["actions"] != ["no-op"]}
    said = [_content(one) for one in relevant], outputs
    return InfrastructurePlan(_digest(said, key), tuple(map(_change, relevant)), tuple(sorted(outputs)))


def drift(shown: Json) -> tuple[ResourceChange, ...]:
    return tuple(_change(one) for one in shown.get("resource_drift", ()) if _action(one))


def outputs(printed: Json) -> dict[str, Output]:
    return {name: Output(_text(one["value"]), bool(one.get("sensitive"))) for name, one in printed.items()}


def resources(shown: Json) -> tuple[Resource, ...]:
    """What it manages; data that it only reads is left out."""
    root = shown.get("values", {}).get("root_module", {})
    return tuple(sorted(_resources(root), key=lambda one: one.address))


def _resources(module: Json) -> Iterator[Resource]:
    for one in module.get("resources", ()):
        if one.get("mode") == "managed":
            yield Resource(one["address"], one["type"])
    for below in module.get("child_modules", ()):
        yield from _resources(below)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _action(one: Json) -> Action | None:
    """None: nothing that anyone has to know of."""
    actions = tuple(one["change"]["actions"])
    if actions == ("no-op",):
        imported = "import" if one["change"].get("importing") else None
        return imported or ("move" if one.get("previous_address") else None)  # type: ignore[return-value]
    return None if actions == ("read",) else ACTIONS.get(actions, "replace")  # one that is not known is the loudest


def _change(one: Json) -> ResourceChange:
    action = _action(one)
    assert action is not None  # noqa: S101 - those were left out
    change = one["change"]
    changed = _attributes(change) if action in ("update", "replace") else ()
    return ResourceChange(one["address"], one["type"], action, changed, _why(one, change))


def _attributes(change: Json) -> tuple[str, ...]:
    before, after, unknown = (change.get(side) or {} for side in ("before", "after", "after_unknown"))
    if not all(isinstance(side, dict) for side in (before, after, unknown)):
        return ()
    names = {*before, *after, *unknown}
    return tuple(sorted(one for one in names if unknown.get(one) is True or before.get(one) != after.get(one)))


def _why(one: Json, change: Json) -> str:
    reason, paths = str(one.get("action_reason") or ""), change.get("replace_paths") or ()
    if paths:
        return f"{', '.join('.'.join(map(str, path)) for path in paths)} cannot be changed in place"
    return REASONS.get(reason, reason.replace("_", " "))


def _content(one: Json) -> Json:
    return {name: one[name] for name in ("address", "change", "action_reason", "previous_address") if name in one}


def _digest(said: Any, key: bytes) -> str:
    """Keyed: values may be secrets, and whoever reads the log must not be able to try them."""
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return f"plan_{hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:40]}"
