"""The forms of `audit`."""

from typing import Annotated, Literal

import typer

from headgate.cli.options import By, Data, Json

Anchors = Annotated[
    list[str] | None,
    typer.Option("--anchors", metavar="FILE", help="Anchors that `serve --anchor` wrote elsewhere; may be repeated."),
]
Moment = "2026-11-01 (midnight UTC), or a moment with its time zone, such as 2026-11-01T08:00+01:00."


def verify(
    file: Annotated[
        str | None, typer.Argument(metavar="[FILE]", help="An exported file; by itself the log of the server.")
    ] = None,
    anchors: Anchors = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Check that the event log, or what was exported from it, is as it was written. Needs no server."""


def export(  # noqa: PLR0913, PLR0917 - each is an option
    form: Annotated[Literal["jsonl", "csv"], typer.Option("--format", help="JSON lines, or CSV.")] = "jsonl",
    to: Annotated[str | None, typer.Option("--to", metavar="FILE", help="By itself standard output.")] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="WHEN", help=Moment)] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="WHEN", help="Not included.")] = None,
    application: Annotated[str, typer.Option("--application", "-a", metavar="NAME", help="Only what is its.")] = "",
    environment: Annotated[str, typer.Option("--environment", "-e", metavar="ENV", help="Only what is its.")] = "",
    person: Annotated[str, typer.Option("--person", metavar="WHO", help="Only what they did or asked for.")] = "",
    data: Data = None,
) -> None:
    """Write the event log as a file that `audit verify` checks without it. Needs no server."""


def prune(
    archive: Annotated[str, typer.Option("--archive", metavar="FILE", help="What leaves is written there before.")],
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason, for the log.")],
    keep: Annotated[str, typer.Option("--keep", metavar="TIME", help="7y, 400d; a year at least.")] = "7y",
    data: Data = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Let records leave that are older than the policy keeps: commands by month, and builds. The log still verifies."""


FORMS = {"verify": verify, "export": export, "prune": prune}
