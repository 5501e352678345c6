"""headgate releases: what was built, and where it is."""

from typing import Any

from headgate.cli.api import Api, path
from headgate.cli.chosen import application
from headgate.cli.output import print_json, say, table

HEADERS = ("release", "label", "commit", "branch", "where", "subject")


def releases(named: str | None = None, data: str | None = None, as_json: bool = False) -> None:
    api = Api(data)
    name = application(api, named)
    answer = api.get(path(name, "releases"))
    if as_json:
        print_json(answer)
    elif not answer.get("releases"):
        say(f"{name} has no release yet; make one with `headgate release`")
    else:
        table(HEADERS, [_row(one) for one in answer["releases"]])


def _row(one: dict[str, Any]) -> list[str]:
    there = ", ".join(f"{place['environment']} ({place['state']})" for place in one["environments"])
    where = "quarantined" if one.get("quarantined") else there or "-"
    return [one["release"], one["label"], one["commit"][:10], one["branch"], where, one["subject"]]
