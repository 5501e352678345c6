"""The forms of `freeze` and `unfreeze`."""

from typing import Annotated

import typer

from headgate.cli.options import Application, By, Data, Json, Why

SomeEnvironment = Annotated[str | None, typer.Argument(metavar="ENV", help="One environment; or --all.")]
Everywhere = Annotated[
    bool, typer.Option("--all", help="Every environment of every application, those applied later too.")
]


def freeze(  # noqa: PLR0913, PLR0917 - each is an option
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason, which everybody is told.")],
    environment: SomeEnvironment = None,
    everywhere: Everywhere = False,
    until: Annotated[
        str | None, typer.Option("--until", metavar="WHEN", help="2h, or 2026-11-24T08:00; else `unfreeze` ends it.")
    ] = None,
    named: Application = None,
    data: Data = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Stop the line: no rollout starts. What is in flight goes on, and a rollback is never held up."""


def unfreeze(
    environment: SomeEnvironment = None,
    everywhere: Everywhere = False,
    named: Application = None,
    data: Data = None,
    by: By = None,
    why: Why = None,
    as_json: Json = False,
) -> None:
    """Let rollouts start again."""
