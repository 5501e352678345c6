"""Rollback and abort without delay: their plain forms are understood here, before anything large is imported.

Whatever is not plain (help, a mistake, an option written otherwise) is left to the full command line, which reads the
same forms the same way: a test compares the two.
"""

from typing import Any

VERBS = {"rollback", "abort"}
VALUES = {"--application": "named", "-a": "named", "--data": "data", "--by": "by", "--why": "why"}
FLAGS = {"--json": "as_json", "--wait": "wait"}


def understood(arguments: list[str]) -> dict[str, Any] | None:
    """What `act` is to be called with; None: not plain."""
    if not arguments or arguments[0] not in VERBS:
        return None
    values = {**VALUES, "--to": "to"} if arguments[0] == "rollback" else VALUES
    asked: dict[str, Any] = {"verb": arguments[0]}
    rest = iter(arguments[1:])
    for word in rest:
        if word in FLAGS:
            asked[FLAGS[word]] = True
        elif word in values:
            value = next(rest, None)
            if value is None or value.startswith("-"):
                return None
            asked[values[word]] = value
        elif word.startswith("-") or not word or "environment" in asked:
            return None
        else:
            asked["environment"] = word
    return asked if "environment" in asked else None
