"""The forms of `review`, `approve` and `reject`."""

from typing import Annotated, Literal

import typer

from headgate.cli.options import Application, By, Data, Environment, Json, Why


def review(  # noqa: PLR0913, PLR0917 - each is an option
    environment: Environment,
    link: Annotated[
        bool, typer.Option("--link", help="Print a link by which one person can approve or reject.")
    ] = False,
    person: Annotated[str | None, typer.Option("--for", metavar="PERSON", help="Whose link it is.")] = None,
    only: Annotated[
        Literal["approve", "reject"] | None, typer.Option("--only", help="What it can say; by itself either.")
    ] = None,
    expires: Annotated[str, typer.Option("--expires", metavar="TIME", help="How long the link is good for.")] = "24h",
    named: Application = None,
    data: Data = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Show exactly what would happen if the release that waits here were let in, and its digest."""


def approve(  # noqa: PLR0913, PLR0917
    environment: Environment,
    shown: Annotated[
        str | None, typer.Option("--set", metavar="DIGEST", help="Of what was looked at, from `review`.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Whatever it is, without looking at it here.")] = False,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Take one's own approval back.")] = False,
    named: Application = None,
    data: Data = None,
    by: By = None,
    why: Why = None,
    as_json: Json = False,
) -> None:
    """Approve the release that waits here: on a terminal it is shown first, exactly as it would happen."""


def reject(
    environment: Environment,
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason, for the log.")],
    release: Annotated[str | None, typer.Argument(metavar="RELEASE", help="By itself what waits here.")] = None,
    named: Application = None,
    data: Data = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Drop the release that waits here. It does not come again by itself."""
