"""The forms of `headgate infra`."""

from typing import Annotated

import typer

from headgate.cli.options import Application, By, Data, Environment, Json, Why

Shown = Annotated[str, typer.Option("--plan", metavar="DIGEST", help="The plan, as `headgate infra plan` shows it.")]


def plan(environment: Environment, named: Application = None, data: Data = None, as_json: Json = False) -> None:
    """What an apply would do to the infrastructure now. Nothing is done."""


def apply(
    environment: Environment,
    plan: Shown,
    named: Application = None,
    data: Data = None,
    by: By = None,
    why: Why = None,
    as_json: Json = False,
) -> None:
    """Do exactly the plan that was shown. Where gates hold, they are asked, as a rollout of what is stable."""


def outputs(environment: Environment, named: Application = None, data: Data = None, as_json: Json = False) -> None:
    """What variables can be given; what is sensitive is masked."""


def drift(environment: Environment, named: Application = None, data: Data = None, as_json: Json = False) -> None:
    """What others changed since the last apply; told, and never healed unasked. Exit code 1: something."""


FORMS = {"plan": plan, "apply": apply, "outputs": outputs, "drift": drift}
