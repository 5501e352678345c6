"""Arguments and options that several commands share."""

from typing import Annotated

import typer

Environment = Annotated[
    str, typer.Argument(metavar="ENV", help="An environment of the application, such as production.")
]
Application = Annotated[
    str | None,
    typer.Option(
        "--application",
        "-a",
        metavar="NAME",
        help="The application; by itself HEADGATE_APPLICATION, that of ./headgate.yaml, or the only one there is.",
    ),
]
Data = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="FOLDER",
        help="The server's data folder; by itself HEADGATE_DATA, or ~/.local/state/headgate.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
By = Annotated[str | None, typer.Option("--by", metavar="WHO", help="Who asks; by itself user@host.")]
Why = Annotated[str | None, typer.Option("--why", metavar="TEXT", help="The reason, for the log.")]
Wait = Annotated[bool, typer.Option("--wait", help="Follow the rollout to its end; its outcome is the exit code.")]
Release = Annotated[str, typer.Argument(metavar="RELEASE", help="Id, version or commit.")]
