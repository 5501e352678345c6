"""The short way: plain forms of commands that someone waits for, read here before anything large is imported.

Whatever is not plain (help, a mistake, an option written otherwise) is left to the full command line, which reads the
same forms the same way: a test compares the two.
"""

from typing import Any

WHERE = {"--application": "named", "-a": "named", "--data": "data"}
SAID = {"--by": "by", "--why": "why"}
JSON = {"--json": "as_json"}
FOLLOWED = {**JSON, "--wait": "wait"}

# Command -> what stands alone (an environment is required), options with a value, options without.
PLAIN: dict[str, tuple[list[str], dict[str, str], dict[str, str]]] = {
    "rollback": (["environment"], {**WHERE, **SAID, "--to": "to"}, FOLLOWED),
    "abort": (["environment"], {**WHERE, **SAID}, FOLLOWED),
    "promote": (["environment"], {**WHERE, **SAID}, FOLLOWED),
    "deploy": (
        ["environment", "release"],
        {**WHERE, **SAID},
        {**FOLLOWED, "--hotfix": "hotfix", "--break-glass": "break_glass"},
    ),
    "pause": (["environment"], {**WHERE, **SAID}, JSON),
    "resume": (["environment"], {**WHERE, **SAID}, JSON),
    "status": ([], WHERE, JSON),
    "pipeline": ([], WHERE, JSON),
    "why": (["environment"], WHERE, JSON),
    "watch": (["environment"], WHERE, {**JSON, "--keep": "keep"}),
    "history": (["environment"], WHERE, {**JSON, "--events": "events"}),
    "logs": (
        ["environment"],
        {**WHERE, "--service": "service", "-s": "service"},
        {**JSON, "--follow": "follow", "-f": "follow"},
    ),
    "releases": ([], WHERE, JSON),
    "release": (["reference"], {**WHERE, "--by": "by"}, {**JSON, "--no-wait": "no_wait"}),
    "apply": (["file"], {"--data": "data", "--by": "by"}, {**JSON, "--check": "check"}),
}


def understood(arguments: list[str]) -> dict[str, Any] | None:
    """What the command is to be called with; None: not plain."""
    if not arguments or arguments[0] not in PLAIN:
        return None
    alone, values, flags = PLAIN[arguments[0]]
    asked: dict[str, Any] = {}
    left, rest = list(alone), iter(arguments[1:])
    for word in rest:
        if word in flags:
            asked[flags[word]] = True
        elif word in values:
            value = next(rest, None)
            if value is None or value.startswith("-"):
                return None
            asked[values[word]] = value
        elif word.startswith("-") or not word or not left:
            return None
        else:
            asked[left.pop(0)] = word
    return None if "environment" in left else asked
