"""Which application a command means: the one named, that of ./headgate.yaml, or the only one there is."""

import os
import re

from headgate.cli.api import Api, path
from headgate.cli.failure import USAGE, Failure

NAMED = re.compile(r"^application:[ \t]*(['\"]?)([A-Za-z0-9][A-Za-z0-9._-]*)\1[ \t]*(?:#.*)?$", re.MULTILINE)
LOOKED_AT = 64 << 10  # characters: a key of the top level stands early


def application(api: Api, given: str | None) -> str:
    chosen = given or os.environ.get("HEADGATE_APPLICATION") or of_folder(os.getcwd())
    if chosen:
        return chosen
    there = applications(api)
    if len(there) == 1:
        return there[0]
    if not there:
        remedy = "Apply one: `headgate apply headgate.yaml` in its folder."
        raise Failure("the server has no application yet", api.folder, remedy)
    raise Failure(f"which application? There are {', '.join(there)}", os.getcwd(), "Name it with --application.", USAGE)


def applications(api: Api) -> list[str]:
    return [str(name) for name in api.get(path()).get("applications", [])]


def of_folder(folder: str) -> str | None:
    """Of the headgate.yaml here or in a folder above, up to the repository's top. Reading YAML would take too long."""
    while True:
        try:
            with open(os.path.join(folder, "headgate.yaml"), encoding="utf-8", errors="replace") as stream:
                found = NAMED.search(stream.read(LOOKED_AT))
            return found[2] if found else None
        except OSError:
            above = os.path.dirname(folder)
        if above == folder or os.path.exists(os.path.join(folder, ".git")):
            return None
        folder = above
