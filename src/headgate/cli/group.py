"""The full command line: forms, as a Typer application."""

from functools import wraps
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from headgate.cli.dispatch import carry_out
from headgate.cli.failure import Failure
from headgate.cli.forms import (
    approvals,
    audit,
    checks,
    configuration,
    everyday,
    freezes,
    infrastructure,
    lint,
    migrations,
    notifications,
    secrets,
    tokens,
)

# In the order in which one needs them.
COMMANDS = (
    *("serve", "init", "plan", "apply", "dev", "release", "builds", "releases", "deploy", "status", "pipeline"),
    *("watch", "why", "history", "logs", "backtest", "pause", "resume", "promote", "abort", "rollback", "review"),
    *("checks", "approve", "reject"),
    *("sign-off", "pin", "unpin", "freeze", "unfreeze", "migrate", "lift", "provenance", "images", "notifications"),
    *("audit", "ci", "token", "config", "parity", "infra", "secrets", "lint", "spec", "demo"),
)

# Forms that are in a file of their own.
BESIDE: dict[str, Any] = dict.fromkeys(("freeze", "unfreeze"), freezes)
BESIDE |= dict.fromkeys(("review", "approve", "reject"), approvals)
BESIDE |= dict.fromkeys(("config", "parity"), configuration)
BESIDE |= {"lint": lint, "notifications": notifications, "checks": checks, "migrate": migrations}

EXIT_CODES = (
    "Exit codes: 0 done; 1 refused or failed; 2 wrong usage; 3 no server is running; "
    "4 the rollout that was waited for or watched was aborted; 5 its release never started; 130 interrupted."
)

GROUPS = {
    "infra": ("What an environment stands on: its Terraform plan, outputs and drift.", infrastructure.FORMS),
    "audit": ("The event log as evidence.", audit.FORMS),
    "token": ("Tokens that are one person's, or can do one thing only.", tokens.FORMS),
    "secrets": ("The encrypted file of the store age; and whether the server reads all secrets.", secrets.FORMS),
}


class Commands(TyperGroup):
    """Each command is made when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name in COMMANDS and cmd_name not in self.commands:
            self.commands[cmd_name] = made(cmd_name)
        return self.commands.get(cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in COMMANDS:
            self.commands = {name: self.get_command(ctx, name) for name in COMMANDS}  # near misses are suggested
        return super().resolve_command(ctx, args)


def made(name: str) -> Any:
    if name in GROUPS:
        said, verbs = GROUPS[name]
        group = typer.Typer(help=said, rich_markup_mode=None, no_args_is_help=True)
        for verb, form in verbs.items():
            group.command(verb)(filled(f"{name}_{verb}", form))
        return typer.main.get_group(group)
    one = typer.Typer(add_completion=False, rich_markup_mode=None)
    written = BESIDE.get(name, everyday)
    one.command(name)(_demo() if name == "demo" else filled(name, getattr(written, name.replace("-", "_"))))
    return typer.main.get_command(one)


def filled(name: str, form: Any) -> Any:
    """A form that does what it says."""

    @wraps(form)
    def call(**asked: Any) -> None:
        raise typer.Exit(carry_out(name, asked))

    return call


def _demo() -> Any:
    """Its options are its own."""
    try:
        return import_module("headgate.cli.demo.main").demo
    except ModuleNotFoundError as error:
        if error.name not in ("headgate.cli.demo", "headgate.cli.demo.main"):
            raise
        return _no_demo


def _no_demo() -> None:
    """A commit goes to production under live traffic; a bad one is put back."""
    raise Failure("the demo is not part of this installation", "headgate.cli.demo", "Run it from a clone: `make demo`.")


def _version(wanted: bool) -> None:
    if wanted:
        from headgate import __version__

        print(f"headgate {__version__}")
        raise typer.Exit


app = typer.Typer(cls=Commands, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True)


@app.callback(epilog=EXIT_CODES)
def headgate(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Carries a commit to production and back."""
