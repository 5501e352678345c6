"""The full command line: a Typer application that imports a command's module when that command is asked for."""

from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

# Command -> its module in headgate.cli.commands; the function is called as the command is.
COMMANDS = {
    "serve": "serve",
    "init": "init",
    "apply": "apply",
    "release": "release",
    "releases": "releases",
    "deploy": "actions",
    "status": "status",
    "watch": "watch",
    "why": "why",
    "history": "history",
    "logs": "logs",
    "pause": "actions",
    "resume": "actions",
    "promote": "actions",
    "abort": "actions",
    "rollback": "actions",
    "approve": "actions",
    "lift": "lift",
    "audit": "audit",
    "spec": "spec",
    "demo": "demo",
}

EXIT_CODES = (
    "Exit codes: 0 done; 1 refused or failed; 2 wrong usage; 3 no server is running; "
    "4 the rollout that was waited for or watched was aborted; 5 its release never started; 130 interrupted."
)


class Commands(TyperGroup):
    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        if cmd_name not in self.commands:
            self.commands[cmd_name] = _loaded(cmd_name)
        return self.commands[cmd_name]

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in COMMANDS:
            self.commands = {name: self.get_command(ctx, name) for name in COMMANDS}  # near misses are suggested
        return super().resolve_command(ctx, args)


def _loaded(name: str) -> Any:
    module = import_module(f"headgate.cli.commands.{COMMANDS[name]}")
    command = getattr(module, name)
    if isinstance(command, typer.Typer):
        return typer.main.get_group(command)
    one = typer.Typer(add_completion=False, rich_markup_mode=None)
    one.command(name, no_args_is_help=False)(command)
    return typer.main.get_command(one)


app = typer.Typer(cls=Commands, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True)


def _version(wanted: bool) -> None:
    if wanted:
        from headgate import __version__

        print(f"headgate {__version__}")
        raise typer.Exit


@app.callback(epilog=EXIT_CODES)
def headgate(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Carries a commit to production and back."""
