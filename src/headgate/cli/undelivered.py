"""headgate notifications pending, failed, retry: what has not arrived, and telling it again."""

from typing import Any

from headgate.cli.api import Api, path
from headgate.cli.failure import OK, REFUSED
from headgate.cli.output import age, print_json, say, table

View = dict[str, Any]
NONE = {"pending": "nothing is still to be told", "failed": "nothing was left untold"}


def undelivered(api: Api, name: str, which: str, target: str | None, as_json: bool) -> int:
    """`which`: pending or failed."""
    answer = api.get(path(name, "notifications", which))
    targets = [one for one in answer["targets"] if target in (None, one["target"], one["kind"])]
    if as_json:
        print_json({**answer, "targets": targets})
        return OK
    rows = [_row(one, notice, str(answer["now"])) for one in targets for notice in one[which]]
    if rows:
        table(("target", "age", "kind", "what", "why"), rows)
    else:
        say(NONE[which])
    for one in (one for one in targets if one.get("more")):
        say(f"{one['target']} is to be told more after these")
    return OK


def retry(api: Api, name: str, target: str | None, by: str, as_json: bool) -> int:
    body = {"by": by, **({"target": target} if target else {})}
    answer = api.post(path(name, "notifications", "retry"), body)
    if as_json:
        print_json(answer)
    for one in [] if as_json else answer["targets"]:
        _said(one)
    return OK if all(not one["why"] and not one["failed"] for one in answer["targets"]) else REFUSED


def called(one: View) -> str:
    return f"{one['target']} ({one['where']})"


def _said(one: View) -> None:
    if one["why"] or not one["retried"]:
        say(f"{called(one)}: {one['why'] or 'nothing had failed; what is pending is tried now'}")
    for notice in one["retried"]:
        say(f"{called(one)}: {notice['kind']}, {notice['what']}: {'told' if notice['told'] else notice['why']}")


def _row(one: View, notice: View, now: str) -> list[str]:
    why = notice.get("why") or one.get("failing") or "-"
    return [one["target"], age(now, notice["at"]), notice["kind"], notice["what"], why]
