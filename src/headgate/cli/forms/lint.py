"""The form of `lint`, which asks no server."""

from typing import Annotated

import typer

from headgate.cli.options import Json


def lint(  # noqa: PLR0913, PLR0917 - each is an option
    paths: Annotated[
        list[str] | None, typer.Argument(metavar="[PATHS]", help="Files or folders; by itself all that git follows.")
    ] = None,
    staged: Annotated[bool, typer.Option("--staged", help="What would be committed, as git's index has it.")] = False,
    image: Annotated[str | None, typer.Option("--image", metavar="REF", help="A built image on this machine.")] = None,
    update_baseline: Annotated[
        bool, typer.Option("--update-baseline", help="Accept what is found now, in .headgate-lint.json; needs --why.")
    ] = False,
    why: Annotated[str | None, typer.Option("--why", metavar="TEXT", help="The reason, for the baseline.")] = None,
    install_hook: Annotated[bool, typer.Option("--install-hook", help="Let git ask before each commit.")] = False,
    sarif: Annotated[str | None, typer.Option("--sarif", metavar="FILE", help="Findings as SARIF too.")] = None,
    rules: Annotated[bool, typer.Option("--rules", help="Print the rules.")] = False,
    as_json: Json = False,
) -> None:
    """Find secrets, and values of one environment, in code, images and headgate.yaml. Needs no server."""
