"""The forms of `token`."""

from typing import Annotated

import typer

from headgate.cli.options import By, Data, Json


def person(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="As `people` of the applied files names them.")],
    expires: Annotated[
        str, typer.Option("--expires", metavar="TIME", help="How long it is good for, 365d at most; or never.")
    ] = "90d",
    data: Data = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Make a token that is one person's: with it they act as themselves. It is shown this once."""


def create(
    scope: Annotated[str, typer.Option("--for", metavar="WHAT", help="What it can do: releases (announce them).")],
    named: Annotated[
        str | None, typer.Option("--application", "-a", metavar="NAME", help="The only one it is good for.")
    ] = None,
    data: Data = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Make a token that can do one thing only. It is shown this once."""


def listed(data: Data = None, as_json: Json = False) -> None:
    """The tokens there are, without their texts."""


def revoke(
    token: Annotated[str, typer.Argument(metavar="ID", help="As `token list` shows it.")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """End a token."""


FORMS = {"person": person, "create": create, "list": listed, "revoke": revoke}
