"""The forms of what approvers do, and of the tokens that show who they are: beside those of `forms`."""

from typing import Annotated

import typer

from headgate.cli.options import By, Data, Json


def token_person(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="As `people` of the applied files names them.")],
    expires: Annotated[
        str, typer.Option("--expires", metavar="TIME", help="How long it is good for, 365d at most; or never.")
    ] = "90d",
    data: Data = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Make a token that is one person's: with it they act as themselves. It is shown this once."""
