"""headgate demo: a commit goes to production under live traffic; a bad one is put back. Its options are its own."""

from importlib import import_module
from typing import Any

from headgate.cli.failure import Failure


def __getattr__(name: str) -> Any:
    if name != "demo":
        raise AttributeError(name)
    try:
        return import_module("headgate.cli.demo.main").demo
    except ModuleNotFoundError as error:
        if error.name not in ("headgate.cli.demo", "headgate.cli.demo.main"):
            raise
        return _absent


def _absent() -> None:
    """A commit goes to production under live traffic; a bad one is put back."""
    raise Failure("the demo is not part of this installation", "headgate.cli.demo", "Run it from a clone: `make demo`.")
