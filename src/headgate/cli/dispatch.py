"""From a command's name and what was asked to the function that does it, imported now and not before."""

from importlib import import_module
from typing import Any

ACTIONS = frozenset(
    {"abort", "deploy", "migrate", "pause", "pin", "promote", "resume", "rollback", "sign-off", "unpin"}
)
GROUPS = frozenset({"audit", "infra", "secrets", "token"})


def carry_out(command: str, asked: dict[str, Any]) -> int:
    """Returns the exit code; a command that has no other outcome than done or an exception returns nothing."""
    if command in ACTIONS:
        from headgate.cli.act import act

        return act(command, **asked)
    if command in {"freeze", "unfreeze"}:
        from headgate.cli.commands.freeze import freeze

        return freeze(command, **asked)
    if command in {"review", "approve", "reject"}:
        from headgate.cli.commands import review

        return review.VERBS[command](**asked) or 0
    group, _, verb = command.partition("_")
    if group in GROUPS and verb:
        done: int | None = import_module(f"headgate.cli.commands.{group}").VERBS[verb](**asked)
        return done or 0
    function = getattr(import_module(f"headgate.cli.commands.{command}"), command)
    code: int | None = function(**asked)
    return code or 0
