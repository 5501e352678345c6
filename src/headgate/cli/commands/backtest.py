"""headgate backtest: what past rollouts measured, under the rules of a file."""

from datetime import datetime
from pathlib import Path
from typing import Any

from headgate.cli.failure import USAGE, Failure
from headgate.cli.file import content_of, refused
from headgate.cli.folder import data_folder
from headgate.cli.output import print_json, say, table

HEADERS = ("started", "release", "then", "with this file", "", "why")
WORDS = {"undecided": "still undecided when the record ends"}


def backtest(
    file: str = "headgate.yaml",
    releases: int = 20,
    environment: str | None = None,
    data: str | None = None,
    as_json: bool = False,
) -> None:
    from headgate import bootstrap
    from headgate.ports import LogDamaged, LogUnavailable
    from headgate.spec.problems import SpecificationError

    folder, text = Path(data_folder(data)), content_of(file)
    try:
        found = bootstrap.backtest(folder, text, file, releases, environment)
    except SpecificationError as error:
        raise refused(error, file) from error
    except bootstrap.Unknown as error:
        raise Failure(str(error), file, "Name one of these with --environment.", USAGE) from error
    except (LogDamaged, LogUnavailable) as error:
        raise Failure(str(error), str(folder), "Name the server's data folder with --data.") from error
    print_json(found) if as_json else _told(found)


def _told(found: dict[str, Any]) -> None:
    for one in found["environments"]:
        if one["rollouts"]:
            say(f"{found['application']} / {one['environment']}")
            table(HEADERS, [_row(row) for row in one["rollouts"]])
    say(_summary(found))


def _row(row: dict[str, Any]) -> list[str]:
    started = datetime.fromisoformat(row["started_at"]).astimezone().strftime("%Y-%m-%d %H:%M")
    earlier = "" if row["replayed"] else " (by another judge)"
    return [
        started,
        row["label"],
        f"{_decided(row['then'])}{earlier}",
        _decided(row["now"]),
        _difference(row),
        row["now"]["why"],
    ]


def _decided(said: dict[str, Any]) -> str:
    decided = WORDS.get(said["decided"], said["decided"])
    return f"{decided} after {said['seconds']:.0f} s at {said['weight']} %"


def _difference(row: dict[str, Any]) -> str:
    if row["sooner"] is None:
        return "changes"
    return _sooner(row["sooner"]) or "same"


def _sooner(seconds: float) -> str:
    return f"{abs(seconds):.0f} s {'sooner' if seconds > 0 else 'later'}" if abs(seconds) >= 1 else ""


def _summary(found: dict[str, Any]) -> str:
    releases, changed = found["releases"], found["changed"]
    if not releases:
        return f"no rollout of {found['application']} was measured beside a stable yet: there is nothing to replay"
    verdicts = f"{changed} verdict{'' if changed == 1 else 's'} change{'s' if changed == 1 else ''}"
    told = f"{releases} release{'' if releases == 1 else 's'}, {verdicts}"
    if found["sooner"] is None:
        return told
    return f"{told}; the others are decided {_sooner(found['sooner']) or 'when they were'} (median)"
