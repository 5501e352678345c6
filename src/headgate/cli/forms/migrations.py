"""The form of `migrate`."""

from typing import Annotated

import typer

from headgate.cli.options import Application, By, Data, Environment, Json, Why


def migrate(
    environment: Environment,
    restored: Annotated[
        str | None,
        typer.Option("--restored", metavar="SERVICE/LEVEL", help="Its data were put back from a backup: needs --why."),
    ] = None,
    named: Application = None,
    data: Data = None,
    by: By = None,
    why: Why = None,
    as_json: Json = False,
) -> None:
    """Run the contract migration that waits here, as soon as it may; or tell that data were restored from a backup."""
