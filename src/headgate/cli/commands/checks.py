"""headgate checks: each attempt at each check of a release, what it printed, and what was kept of it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from headgate.cli.api import Api, path
from headgate.cli.chosen import application
from headgate.cli.failure import Failure
from headgate.cli.output import print_json, say, table
from headgate.cli.plain import plain

HEADERS = ("check", "where", "attempt", "outcome", "why", "kept")
WHERE = {"preview": "preview", "users": "where users are"}


def checks(
    environment: str,
    release: str | None = None,
    log: str | None = None,
    save: str | None = None,
    named: str | None = None,
    data: str | None = None,
    as_json: bool = False,
) -> None:
    api = Api(data)
    where = (application(api, named), "environments", environment, "checks")
    found = api.get(path(*where, release=release))
    if log is not None:
        _printed(api, where, latest(found, log), as_json)
        return
    if save is not None:
        found["saved"] = _saved(api, where, found["checks"], Path(save))
    if as_json:
        print_json(found)
    elif not found["checks"]:
        say(f"no check of {found['label']} ran in {environment} yet")
    else:
        say(f"{found['label']}: {found['text'] or 'the first check is running'}")
        table(HEADERS, [_row(one) for one in found["checks"]])
        for file in found.get("saved", ()):
            say(file)
        if save is not None and not found["saved"]:
            say("nothing was kept of them, so nothing was copied")


def _row(one: dict[str, Any]) -> list[str]:
    attempt = str(one["attempt"]) if one["attempts"] == 1 else f"{one['attempt']} of {one['attempts']}"
    kept = len(one["artifacts"])
    return [
        one["check"],
        WHERE[one["where"]],
        attempt,
        one["outcome"],
        one["why"] or "-",
        f"{kept} file{'s' if kept > 1 else ''}" if kept else "-",
    ]


def latest(found: dict[str, Any], name: str) -> dict[str, Any]:
    """The last attempt at the check of that name."""
    attempts: list[dict[str, Any]] = [one for one in found["checks"] if one["check"] == name]
    if not attempts:
        known = ", ".join(dict.fromkeys(one["check"] for one in found["checks"])) or "none"
        remedy = f"Checks that ran: {known}. `headgate checks {found['environment']}` shows each attempt."
        raise Failure(f"no check {name!r} of {found['label']} ran there", found["environment"], remedy)
    return attempts[-1]


def _printed(api: Api, where: tuple[str, ...], one: dict[str, Any], as_json: bool) -> None:
    for line in api.lines(path(*where, str(one["job"]), "log")):
        print(json.dumps({"line": line}) if as_json else plain(line))


def _saved(api: Api, where: tuple[str, ...], attempts: list[dict[str, Any]], folder: Path) -> list[str]:
    """Into FOLDER/CHECK-JOB; names that lead out of it are the server's mistake, and refused."""
    saved = []
    for one in attempts:
        for name in one["artifacts"]:
            target = (folder / f"{one['check']}-{one['job']}" / name).resolve()
            if not target.is_relative_to(folder.resolve()):
                raise Failure(f"{name!r} leads out of {folder}", "the server's answer", "Look where the server runs.")
            _write(target, api.parts(path(*where, str(one["job"]), "file", name=name)))
            saved.append(str(target))
    return saved


def _write(target: Path, parts: Iterator[bytes]) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as file:
            file.writelines(parts)
    except OSError as error:
        raise Failure(f"{target} cannot be written: {error.strerror}", str(target), "Name another folder.") from error
