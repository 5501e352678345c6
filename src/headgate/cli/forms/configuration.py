"""The forms of `config` and `parity`."""

from typing import Annotated

import typer

from headgate.cli.options import Application, Data, Json


def config(
    names: Annotated[
        list[str], typer.Argument(metavar="ENV | diff ENV OTHER", help="Also ENV@RELEASE, and ENV@REVISION.")
    ],
    service: Annotated[str | None, typer.Option("--service", metavar="NAME", help="Of this service alone.")] = None,
    named: Application = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Each variable's value and where it comes from; or how two differ. Of secrets reference and version alone."""


def parity(
    left: Annotated[str, typer.Argument(metavar="ENV", help="Also ENV@RELEASE, and ENV@REVISION.")],
    right: Annotated[str, typer.Argument(metavar="OTHER", help="What it should be a replica of.")],
    named: Application = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """How far one environment is a replica of another: every difference, and why it is accepted, if it is."""
