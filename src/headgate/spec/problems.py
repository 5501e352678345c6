"""A problem: one thing in the user's file that is not as it must be, where it stands, and what to do about it."""

import json
import re
from dataclasses import dataclass

Path = tuple[str | int, ...]  # keys and list positions from the top of the file

MOST_PRINTED = 50
LONGEST_SHOWN = 60  # characters of what the user wrote that a message repeats
PLAIN_KEY = re.compile(r"[A-Za-z0-9_<>/*-]{1,60}")


@dataclass(frozen=True, slots=True)
class Problem:
    file: str
    line: int  # from 1
    column: int  # from 1, in characters
    field: str  # "environments.production.strategy.canary.steps[1]"; empty for the file as a whole
    found: str
    allowed: str
    remedy: str  # a sentence

    def __str__(self) -> str:
        field = f" {self.field}:" if self.field else ""
        return (
            f"{self.file}:{self.line}:{self.column}:{field} found {self.found}; allowed: {self.allowed}. {self.remedy}"
        )


class SpecificationError(Exception):
    """The file is not one that can be applied. Carries every problem found, in the order of the file."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.line, problem.column)))
        lines = [str(problem) for problem in self.problems[:MOST_PRINTED]]
        more = len(self.problems) - len(lines)
        super().__init__("\n".join([*lines, *([f"... and {more:,} more problems."] if more else [])]))


def shown(text: str) -> str:
    """What a user wrote, short and safe to print: control characters must not reach a terminal."""
    short = text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 3] + "..."
    return printable(short) if short and short.strip() == short else json.dumps(short)


def printable(text: str) -> str:
    return text if text.isprintable() else json.dumps(text)


def dotted(path: Path) -> str:
    """A path as people write it: `services.web.command[2]`."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{_key(part)}" for part in path]
    return "".join(parts).removeprefix(".")


def _key(key: str) -> str:
    return key if PLAIN_KEY.fullmatch(key) else json.dumps(key[:LONGEST_SHOWN])
