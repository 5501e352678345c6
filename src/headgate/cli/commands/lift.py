"""headgate lift: end a quarantine."""

from headgate.cli.act import person
from headgate.cli.api import Api, path
from headgate.cli.chosen import application
from headgate.cli.output import print_json, say


def lift(
    release: str,
    why: str,
    named: str | None = None,
    data: str | None = None,
    by: str | None = None,
    as_json: bool = False,
) -> None:
    api = Api(data)
    lifted = api.post(path(application(api, named), "lift"), {"release": release, "by": by or person(), "why": why})
    print_json(lifted) if as_json else say(f"{lifted.get('label')} may be deployed again")
