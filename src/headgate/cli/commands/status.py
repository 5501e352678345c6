"""headgate status: every environment in one line."""

import os
from typing import Any

from headgate.cli.api import Api, path
from headgate.cli.checked import checked
from headgate.cli.chosen import applications, of_folder
from headgate.cli.commands.freeze import notes as frozen
from headgate.cli.commands.notifications import untold
from headgate.cli.monitored import monitored
from headgate.cli.output import age, bar, print_json, say, table

HEADERS = ("environment", "stable", "since", "rollout", "ready", "waits for")
NOTHING = "-"
MOST_COMMITS = 5


def status(named: str | None = None, data: str | None = None, as_json: bool = False) -> None:
    api = Api(data)
    views = [api.get(path(name)) for name in _wanted(api, named)]
    if as_json:
        print_json({"applications": views})
        return
    if not views:
        say("nothing is applied yet; `headgate init` writes a file, `headgate apply` applies it")
    for view in views:
        say(view.get("application"))
        now = str(view.get("now"))
        table(HEADERS, [_row(environment, now) for environment in view.get("environments", [])])
        for note in [*frozen(view.get("environments", [])), *_horizons(view.get("environments", []))]:
            say(note)
        for environment in view.get("environments", []):
            for note in (*checked(environment), *monitored(environment)):
                say(f"{environment.get('environment')}: {note}")
        _source(view.get("followed") or {})
        for note in untold(view.get("not_told") or []):
            say(note)


def _source(followed: dict[str, Any]) -> None:
    """Why the source cannot be looked at, and the latest commits that became no release or left branches out."""
    if followed.get("trouble"):
        say(f"source: {followed['trouble']}")
    telling = [one for one in followed.get("commits", []) if one.get("outcome") != "released" or one.get("left_out")]
    for one in [*telling[:MOST_COMMITS], *followed.get("reverts", [])[-MOST_COMMITS:]]:
        say(one.get("text"))


def _horizons(environments: list[dict[str, Any]]) -> list[str]:
    """How far back one may go; nothing where nothing earlier was stable."""
    known = [(one["environment"], one.get("horizon") or {}) for one in environments]
    far = [(name, one) for name, one in known if one.get("safe_back_to") or one.get("why")]
    return [f"{name}: safe back to {one['safe_back_to'] or 'nothing'}" for name, one in far]


def _wanted(api: Api, named: str | None) -> list[str]:
    """One where one is meant, else all."""
    chosen = named or os.environ.get("HEADGATE_APPLICATION") or of_folder(os.getcwd())
    there = applications(api)
    return [chosen] if chosen and (named or chosen in there) else there


def _row(environment: dict[str, Any], now: str) -> list[str]:
    stable, rollout, waits = environment.get("stable"), environment.get("rollout"), environment.get("waits_for") or []
    return [
        str(environment.get("environment")),
        _stable(environment) if stable else NOTHING,
        age(now, stable.get("since")) if stable else NOTHING,
        _rollout(rollout) if rollout else _waiting(environment.get("waiting")),
        f"{environment.get('ready')}/{environment.get('wanted')}" if stable else NOTHING,
        str(waits[0]) + (f" (and {len(waits) - 1} more)" if len(waits) > 1 else "") if waits else NOTHING,
    ]


def _stable(environment: dict[str, Any]) -> str:
    """v1.4.2 pinned, accepted"""
    signed, pinned = environment.get("signed_off"), environment.get("pinned")
    marks = ["pinned"] if pinned and pinned["release"] == environment["stable"]["release"] else []
    marks += ["break-glass"] if environment.get("break_glass") else []
    marks += [str(signed["verdict"])] if signed else []
    return " ".join([str(environment["stable"]["label"]), ", ".join(marks)]).strip()


def _rollout(rollout: dict[str, Any]) -> str:
    steps, position, weight = rollout["steps"], int(rollout["position"]), int(rollout["weight"])
    phase = "" if rollout["phase"] == "running" else f" {rollout['phase']}"
    where = f"{position + 1}/{len(steps)} {steps[position]}"
    beside = " + baseline" if rollout.get("baseline") else ""
    beside += " break-glass" if rollout.get("break_glass") else ""
    return f"{rollout['candidate']['label']}{beside}{phase} {where} {bar(weight)} {weight}%"


def _waiting(waiting: dict[str, Any] | None) -> str:
    return f"{waiting['label']} waits" if waiting else NOTHING
