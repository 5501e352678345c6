"""headgate audit: is the event log as it was written?"""

from pathlib import Path

from headgate.cli.failure import OK, REFUSED, Failure
from headgate.cli.folder import data_folder
from headgate.cli.output import print_json, say


def audit(data: str | None = None, as_json: bool = False) -> int:
    from headgate import bootstrap
    from headgate.ports import LogTooNew, LogUnavailable

    folder = Path(data_folder(data))
    try:
        found = bootstrap.audit(folder)
    except (LogUnavailable, LogTooNew) as error:
        raise Failure(str(error), str(folder), "Name the server's data folder with --data.") from error
    if as_json:
        print_json({"ok": found.ok, "rows": found.count, "head": found.head.hash, "problem": found.problem})
        return OK if found.ok else REFUSED
    if not found.ok:
        remedy = f"The {found.count} rows before it are as they were written. Keep this file; restore it from a copy."
        raise Failure(f"the event log is damaged: {found.problem}", str(found.path), remedy)
    say(f"{found.count} rows, each as it was written; the last has the hash {found.head.hash}")
    return OK
