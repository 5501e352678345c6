"""headgate logs: what the instances print."""

from typing import Annotated

import typer

from headgate.cli.api import Api, path
from headgate.cli.chosen import application
from headgate.cli.options import Application, Data, Environment
from headgate.cli.plain import plain

Service = Annotated[str | None, typer.Option("--service", "-s", metavar="NAME", help="Of one service only.")]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on with new lines until Ctrl-C.")]
Lines = Annotated[int, typer.Option("--lines", "-n", min=0, max=10_000, help="Of each instance, the last ones.")]


def logs(
    environment: Environment,
    service: Service = None,
    follow: Follow = False,
    lines: Lines = 100,
    named: Application = None,
    data: Data = None,
) -> None:
    """What the instances print, each line with its instance. Colours and control characters are taken out."""
    api = Api(data)
    query = {"service": service, "lines": lines, "follow": "true" if follow else None}
    for line in api.lines(path(application(api, named), "environments", environment, "logs", **query)):
        print(plain(line), flush=follow)
