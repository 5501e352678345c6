"""headgate freeze, unfreeze: let no rollout start in an environment, or in any."""

import json
from datetime import datetime
from typing import Any

from headgate.cli.act import act, person
from headgate.cli.api import Api
from headgate.cli.failure import OK, USAGE, Failure
from headgate.cli.output import say
from headgate.cli.plain import minute


def freeze(  # noqa: PLR0913 - each is an option
    verb: str,
    environment: str | None = None,
    everywhere: bool = False,
    *,
    data: str | None = None,
    as_json: bool = False,
    named: str | None = None,
    by: str | None = None,
    why: str | None = None,
    until: str | None = None,
) -> int:
    if (environment is None) != everywhere:
        what = "both an environment and --all" if everywhere else "neither an environment nor --all"
        remedy = f"`headgate {verb} ENV`, or `headgate {verb} --all` for every environment of every application."
        raise Failure(f"{what}: what is meant?", "", remedy, USAGE)
    said = {"by": by, "why": why, "until": moment(until) if until else None}
    if environment is not None:
        return act(verb, environment, named=named, data=data, as_json=as_json, wait=False, **said)
    body = {name: value for name, value in said.items() if value is not None}
    line = Api(data).post(f"/api/{verb}", {"by": person(), **body})
    print(json.dumps(line)) if as_json else _told(verb, line)
    return OK


def moment(text: str) -> str:
    """A moment without a time zone is one here; what is no moment (2h) the server reads."""
    try:
        return datetime.fromisoformat(text).astimezone().isoformat()
    except (ValueError, OverflowError):
        return text


def notes(environments: list[dict[str, Any]]) -> list[str]:
    """What lets no rollout start where; the whole server's freeze once."""
    told: dict[str, None] = {}
    for environment in environments:
        for one in environment.get("frozen", ()):
            where = "every environment" if one["scope"] == "server" else environment["environment"]
            until = f" until {minute(one['until'])}" if one["until"] else ""
            told[f"{where} is frozen by {one['by']} since {minute(one['at'])}{until}: {one['why']}"] = None
    return list(told)


def _told(verb: str, line: dict[str, Any]) -> None:
    if verb == "unfreeze":
        say("rollouts may start again")
        for one in line["by_themselves"]:
            where = f"{one['application']}/{one['environment']}"
            say(f"{where} is frozen by itself: `headgate unfreeze {one['environment']} -a {one['application']}`")
        return
    ends = (line["frozen"] or {}).get("until")
    until = f"until {minute(ends)}, or " if ends else "until "
    say(f"every environment of every application is frozen: no rollout starts {until}`headgate unfreeze --all`")
    for one in line["in_flight"]:
        where = f"{one['application']}/{one['environment']}"
        say(f"{where}: the rollout of {one['label']} goes on; `headgate pause` or `headgate abort` it if it must not")
