"""The form of `checks`."""

from typing import Annotated

import typer

from headgate.cli.options import Application, Data, Environment, Json


def checks(
    environment: Environment,
    release: Annotated[
        str | None,
        typer.Option("--release", metavar="RELEASE", help="By itself what is in flight there, else what is stable."),
    ] = None,
    log: Annotated[
        str | None, typer.Option("--log", metavar="CHECK", help="Print what its latest attempt printed.")
    ] = None,
    save: Annotated[
        str | None, typer.Option("--save", metavar="FOLDER", help="Copy what was kept of each attempt there.")
    ] = None,
    named: Application = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Each attempt at each check of a release, with its numbers; what it printed, and what was kept of it."""
