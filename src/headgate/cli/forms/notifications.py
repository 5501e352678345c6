"""The form of `notifications`."""

from typing import Annotated, Literal

import typer

from headgate.cli.options import Application, By, Data, Json

Action = Annotated[
    Literal["test", "pending", "failed", "retry"] | None,
    typer.Argument(
        metavar="[test|pending|failed|retry]",
        help="test: send a message. pending: what is still to be told. failed: what was not. retry: tell it again.",
    ),
]


def notifications(
    action: Action = None,
    target: Annotated[
        str | None, typer.Option("--target", metavar="TARGET", help="This one only: its id, or its kind.")
    ] = None,
    named: Application = None,
    data: Data = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Who is told what, what they were told last, and who cannot be told since when and why."""
