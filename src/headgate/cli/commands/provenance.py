"""headgate provenance: how a release was made, and whether that verifies."""

from typing import Any

from headgate.cli.api import Api, path
from headgate.cli.chosen import application
from headgate.cli.failure import OK, REFUSED
from headgate.cli.output import print_json, say


def provenance(release: str, named: str | None = None, data: str | None = None, as_json: bool = False) -> int:
    api = Api(data)
    shown = api.get(path(application(api, named), "provenance", release=release))
    print_json(shown) if as_json else _told(shown)
    return REFUSED if shown.get("problem") else OK


def _told(shown: dict[str, Any]) -> None:
    say(f"{shown.get('release')}  {shown.get('label')}")
    statement = shown.get("statement")
    if statement:
        definition, run = (statement["predicate"][part] for part in ("buildDefinition", "runDetails"))
        parameters = definition["externalParameters"]
        elsewhere = shown.get("elsewhere", [])
        how = "announced for" if len(elsewhere) == len(statement["subject"]) else "built from"
        say(f"  {how} {parameters['source']} at {parameters['commit']}")
        say(f"  by Headgate {run['builder']['version']['headgate']}, {run['metadata']['finishedOn']}")
        for one in statement["subject"]:
            service = one["annotations"]["service"]
            where = "  (built elsewhere)" if service in elsewhere else ""
            say(f"  {service}: {one['name']}@sha256:{one['digest']['sha256']}{where}")
        (signature,) = shown["envelope"]["signatures"]
        say(f"  signed with the key {signature['keyid']}")
    say(f"  does not verify: {shown['problem']}" if shown.get("problem") else "  verified, images in the registry too")
