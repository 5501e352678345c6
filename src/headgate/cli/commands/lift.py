"""headgate lift: end a quarantine."""

from typing import Annotated

import typer

from headgate.cli.act import person
from headgate.cli.api import Api, path
from headgate.cli.chosen import application
from headgate.cli.options import Application, By, Data, Json
from headgate.cli.output import print_json, say

Release = Annotated[str, typer.Argument(metavar="RELEASE", help="Id, version or commit.")]
Reason = Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason, for the log.")]


def lift(
    release: Release, why: Reason, named: Application = None, data: Data = None, by: By = None, as_json: Json = False
) -> None:
    """Let a quarantined release be deployed again, for a stated reason."""
    api = Api(data)
    lifted = api.post(path(application(api, named), "lift"), {"release": release, "by": by or person(), "why": why})
    print_json(lifted) if as_json else say(f"{lifted.get('label')} may be deployed again")
