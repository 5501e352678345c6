"""headgate notifications: who is told, whether they can be told, and a test message."""

from typing import Any

from headgate.cli.act import person
from headgate.cli.api import Api, path
from headgate.cli.chosen import application
from headgate.cli.failure import OK, REFUSED
from headgate.cli.output import age, print_json, say, table
from headgate.cli.plain import minute
from headgate.cli.undelivered import called, retry, undelivered

HEADERS = ("target", "where", "for", "told", "last", "state")


def notifications(
    action: str | None = None,
    target: str | None = None,
    *,
    named: str | None = None,
    data: str | None = None,
    by: str | None = None,
    as_json: bool = False,
) -> int:
    api = Api(data)
    name = application(api, named)
    if action == "test":
        return _test(api, name, target, by or person(), as_json)
    if action == "retry":
        return retry(api, name, target, by or person(), as_json)
    if action is not None:
        return undelivered(api, name, action, target, as_json)
    answer = api.get(path(name, "notifications"))
    if as_json:
        print_json(answer)
    elif not answer.get("targets"):
        say(f"{name} tells nobody; name targets under `notifications` of its file")
    else:
        now = str(answer.get("now"))
        table(HEADERS, [_row(one, now) for one in answer["targets"]])
    return OK


def untold(targets: list[dict[str, Any]]) -> list[str]:
    """For `headgate status`: who cannot be told is not told so either."""
    return [f"{called(one)} cannot be told since {minute(one['failing_since'])}: {why(one)}" for one in targets]


def why(one: dict[str, Any]) -> str:
    again = f"`headgate notifications test --target {one['target']}` tries it again"
    return f"{one['failing']}; {again}" if one["gone"] else str(one["failing"])


def _test(api: Api, name: str, target: str | None, by: str, as_json: bool) -> int:
    body = {"by": by, **({"target": target} if target else {})}
    told = api.post(path(name, "notifications", "test"), body)
    if as_json:
        print_json(told)
    for one in [] if as_json else told["targets"]:
        say(f"{called(one)}: {'told' if one['told'] else one['why']}")
    return OK if all(one["told"] for one in told["targets"]) else REFUSED


def _row(one: dict[str, Any], now: str) -> list[str]:
    last = f"{one['last']}, {age(now, one['last_at'])} ago" if one["last"] else "-"
    whom = ", ".join(filter(None, (one["environment"] or "all environments", one["to"])))
    return [one["target"], one["where"], whom, str(one["delivered"]), last, _state(one, now)]


def _state(one: dict[str, Any], now: str) -> str:
    told = []
    if one["failing"]:
        told.append(f"failing for {age(now, one['failing_since'])}: {why(one)}")
    if one["left_out"]:
        told.append(f"{one['left_out']} left out")
    if one["given_up"]:
        told.append(f"{one['given_up']} refused there" + (f" ({one['trouble']})" if one["trouble"] else ""))
    if one.get("failed"):
        told.append("`headgate notifications failed` shows what was not told")
    return "; ".join(told) or "well"
