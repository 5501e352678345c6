"""`.dockerignore`: which files of a folder are not part of the build's context."""

import re
from collections.abc import Callable
from pathlib import PurePosixPath


def ignored(text: str) -> Callable[[str], bool]:
    """A test for paths below the context. The last line that matches a path, or a folder above it, decides."""
    rules = [_rule(line.strip()) for line in text.lstrip("\ufeff").splitlines() if _counts(line.strip())]

    def test(path: str) -> bool:
        above = [str(one) for one in PurePosixPath(path).parents if str(one) != "."]
        out = False
        for keeps, pattern in rules:
            if any(pattern.fullmatch(one) for one in (path, *above)):
                out = not keeps
        return out

    return test


def _counts(line: str) -> bool:
    return bool(line) and not line.startswith("#") and line != "!"


def _rule(line: str) -> tuple[bool, re.Pattern[str]]:
    keeps = line.startswith("!")
    parts = [part for part in line.removeprefix("!").strip().split("/") if part not in ("", ".")]
    return keeps, re.compile(_pattern("/".join(parts)), re.DOTALL)


def _pattern(glob: str) -> str:
    """`**/` is any folders or none, `*` and `?` stay within one name, [a-z] is one of these characters."""
    out, at = "", 0
    while at < len(glob):
        rest = glob[at:]
        if rest.startswith("**/"):
            out, at = out + "(?:.*/)?", at + 3
        elif rest.startswith("**"):
            out, at = out + ".*", at + 2
        elif rest[0] == "[" and (found := re.match(r"\[(\^?)((?:\\.|[^\]\\])+)\]", rest)):
            out, at = out + f"[{found[1]}{_escaped(found[2])}]", at + found.end()
        elif rest[0] == "\\" and len(rest) > 1:
            out, at = out + re.escape(rest[1]), at + 2
        else:
            out, at = out + {"*": "[^/]*", "?": "[^/]"}.get(rest[0], re.escape(rest[0])), at + 1
    return out


def _escaped(characters: str) -> str:
    """Within brackets only these mean something else to Python than to Docker."""
    plain = re.sub(r"\\(.)", r"\1", characters)
    return re.sub(r"([\[\]\\^&~|])", r"\\\1", plain)
