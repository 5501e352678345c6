"""What environments are told to do. `act` does it; here is what can be said."""

from typing import Annotated

import typer

from headgate.cli.act import act
from headgate.cli.options import Application, By, Data, Environment, Json, Wait, Why

Release = Annotated[
    str | None,
    typer.Argument(
        metavar="RELEASE", help="Id, version or commit; by itself what is stable in the environment before."
    ),
]
To = Annotated[
    str | None, typer.Option("--to", metavar="RELEASE", help="Id, version or commit; by itself what was stable before.")
]


def deploy(  # noqa: PLR0913, PLR0917 - each is an option
    environment: Environment,
    release: Release = None,
    named: Application = None,
    data: Data = None,
    by: By = None,
    why: Why = "",
    as_json: Json = False,
    wait: Wait = False,
) -> None:
    """Ask for a release in an environment. It starts when its gates are open and nothing is in flight."""
    code = act(
        "deploy", environment, release=release, named=named, data=data, by=by, why=why, as_json=as_json, wait=wait
    )
    raise typer.Exit(code)


def rollback(  # noqa: PLR0913, PLR0917
    environment: Environment,
    to: To = None,
    named: Application = None,
    data: Data = None,
    by: By = None,
    why: Why = "",
    as_json: Json = False,
    wait: Wait = False,
) -> None:
    """Put all traffic back on an earlier revision, at once. A rollout in flight is aborted."""
    code = act("rollback", environment, to=to, named=named, data=data, by=by, why=why, as_json=as_json, wait=wait)
    raise typer.Exit(code)


def promote(
    environment: Environment,
    named: Application = None,
    data: Data = None,
    by: By = None,
    why: Why = "",
    as_json: Json = False,
    wait: Wait = False,
) -> None:
    """Make the candidate stable now; the steps that are left are skipped."""
    raise typer.Exit(act("promote", environment, named=named, data=data, by=by, why=why, as_json=as_json, wait=wait))


def abort(
    environment: Environment,
    named: Application = None,
    data: Data = None,
    by: By = None,
    why: Why = "",
    as_json: Json = False,
    wait: Wait = False,
) -> None:
    """End the rollout: all traffic goes back to the stable revision, and the release is quarantined."""
    raise typer.Exit(act("abort", environment, named=named, data=data, by=by, why=why, as_json=as_json, wait=wait))


def pause(
    environment: Environment,
    named: Application = None,
    data: Data = None,
    by: By = None,
    why: Why = "",
    as_json: Json = False,
) -> None:
    """Hold the rollout where it is; analysis goes on, and may still abort it."""
    raise typer.Exit(act("pause", environment, named=named, data=data, by=by, why=why, as_json=as_json))


def resume(
    environment: Environment,
    named: Application = None,
    data: Data = None,
    by: By = None,
    why: Why = "",
    as_json: Json = False,
) -> None:
    """Let a paused rollout go on."""
    raise typer.Exit(act("resume", environment, named=named, data=data, by=by, why=why, as_json=as_json))


def approve(
    environment: Environment,
    named: Application = None,
    data: Data = None,
    by: By = None,
    why: Why = "",
    as_json: Json = False,
) -> None:
    """Approve the release that waits here."""
    raise typer.Exit(act("approve", environment, named=named, data=data, by=by, why=why, as_json=as_json))
