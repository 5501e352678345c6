"""headgate parity: how far one environment is a replica of another."""

from typing import Any

from headgate.cli.api import Api, path
from headgate.cli.chosen import application
from headgate.cli.failure import OK, REFUSED
from headgate.cli.output import print_json, say, table


def parity(left: str, right: str, named: str | None = None, data: str | None = None, as_json: bool = False) -> int:
    api = Api(data)
    answer = api.get(path(application(api, named), "parity", left=left, right=right))
    print_json(answer) if as_json else _told(answer)
    return OK if answer["replica"] else REFUSED


def _told(answer: dict[str, Any]) -> None:
    names = [answer[side]["environment"] for side in ("left", "right")]
    found = answer["differences"]
    if rows := [[one["why"], one["accepted"] or "NOT ACCEPTED"] for one in found]:
        table(("difference", "accepted"), rows)
    left = sum(not one["accepted"] for one in found)
    verdict = "is a replica of" if answer["replica"] else "is no replica of"
    say(f"{names[0]} {verdict} {names[1]}: {len(found)} differ, {left} of them not accepted")
