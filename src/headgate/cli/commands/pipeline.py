"""headgate pipeline: where every release is."""

from typing import Any

from headgate.cli.api import Api, path
from headgate.cli.chosen import application
from headgate.cli.commands.freeze import notes as frozen
from headgate.cli.output import age, print_json, say, table

NOTHING = "-"


def pipeline(limit: int = 20, named: str | None = None, data: str | None = None, as_json: bool = False) -> None:
    api = Api(data)
    view = api.get(path(application(api, named), "pipeline", limit=limit))
    if as_json:
        print_json(view)
        return
    if not view["releases"]:
        say("there is no release yet; `headgate release` makes one")
        return
    names = [str(one["environment"]) for one in view["environments"]]
    table(("release", *names, "subject"), [_row(line, names, str(view["now"])) for line in view["releases"]])
    for note in _notes(view):
        say(note)


def _row(line: dict[str, Any], names: list[str], now: str) -> list[str]:
    label = f"{line['label']} quarantined" if line["quarantined"] is not None else str(line["label"])
    return [label, *(cell(line["environments"].get(name), now) for name in names), str(line["subject"])]


def cell(found: dict[str, Any] | None, now: str) -> str:
    """stable 3 h, pinned, accepted"""
    if found is None:
        return NOTHING
    signed = found.get("signed_off")
    marks = ["hotfix"] if found.get("hotfix") else []
    marks += ["break-glass"] if found.get("break_glass") else []
    marks += ["pinned"] if found.get("pinned") else []
    marks += [str(signed["verdict"])] if signed else []
    return ", ".join([_state(found, now), *marks])


def _state(found: dict[str, Any], now: str) -> str:
    match found["state"]:
        case "stable":
            return f"stable {age(now, found.get('since'))}"
        case "on trial":
            return f"{'paused' if found['paused'] else 'on trial'} {found['weight']} %"
        case "waiting":
            return "waits"
    return str(found["state"])


def _notes(view: dict[str, Any]) -> list[str]:
    """What a cell has no room for: why something waits, is held, or was refused."""
    notes = []
    for line in view["releases"]:
        for name, found in line["environments"].items():
            if found["state"] in ("waiting", "aborting") and found["why"]:
                notes.append(f"{name}: {found['why']}")
            if (signed := found.get("signed_off")) and signed["note"]:
                notes.append(f"{name}: {line['label']} {signed['verdict']} by {signed['by']}: {signed['note']}")
        if line["quarantined"] is not None:
            notes.append(f"{line['label']} is quarantined: {line['quarantined']}")
    for one in view["environments"]:
        if pinned := one["pinned"]:
            why = f": {pinned['why']}" if pinned["why"] else ""
            notes.append(f"{one['environment']}: {pinned['label']} is pinned by {pinned['by']}{why}")
    notes += frozen(view["environments"])
    if view["left_out"]:
        notes.append(f"{view['left_out']} older releases are left out; --limit shows more")
    return notes
