"""headgate config: each variable's value and where it comes from; how two environments, or revisions, differ."""

from typing import Any

from headgate.cli.api import Api, path
from headgate.cli.chosen import application
from headgate.cli.failure import USAGE, Failure
from headgate.cli.output import print_json, say, table

PAIR = 2


def config(
    names: list[str],
    service: str | None = None,
    named: str | None = None,
    data: str | None = None,
    as_json: bool = False,
) -> None:
    wanted = names[1:] if names[0] == "diff" and len(names) > 1 else names
    if len(wanted) != (PAIR if wanted is not names else 1):
        remedy = "`headgate config ENV`, or `headgate config diff ENV OTHER`; ENV@RELEASE and ENV@REVISION go as well."
        raise Failure(f"what is meant by {' '.join(names)!r}?", "", remedy, USAGE)
    api = Api(data)
    chosen = application(api, named)
    if wanted is names:
        answer = api.get(path(chosen, "config", of=names[0], service=service))
        show = _listed
    else:
        answer = api.get(path(chosen, "config", "diff", left=wanted[0], right=wanted[1], service=service))
        show = _compared
    print_json(answer) if as_json else show(answer)


def _listed(answer: dict[str, Any]) -> None:
    say(_head(answer))
    rows = [[one["service"], one["name"], _value(one), one["from"]] for one in answer["variables"]]
    if rows:
        table(("service", "variable", "value", "from"), rows)
    else:
        say("no variables but those that Headgate sets itself")
    for waits in answer["waits_for"]:
        say(waits)


def _value(one: dict[str, Any]) -> str:
    return f"{one['value']} (as a file)" if one["as"] == "file" and "file" not in one["value"] else str(one["value"])


def _compared(answer: dict[str, Any]) -> None:
    left, right = answer["left"], answer["right"]
    say(f"left:  {_head(left)}")
    say(f"right: {_head(right)}")
    rows = [[one["service"], one["name"], one["left"] or "-", one["right"] or "-"] for one in answer["variables"]]
    if rows:
        table(("service", "variable", left["environment"], right["environment"]), rows)
    for sentence in answer["replicas"]:
        say(sentence)
    say(f"{len(rows)} differ, {answer['same']} do not")


def _head(one: dict[str, Any]) -> str:
    how = "runs with" if one["recorded"] else "would run with"
    return f"{one['label']} in {one['environment']} {how} {one['configuration'] or one['revision']}"
