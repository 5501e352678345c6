"""Looks through texts, several at once where there are many."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from headgate.cli.lint.allowances import allowed
from headgate.cli.lint.finding import Finding
from headgate.cli.lint.source import LONGEST, Source, lines_of, text_of

MANY = 120  # texts, from which on other processes are worth their start
TOGETHER = 16  # texts that a process is given at a time


@dataclass(frozen=True, slots=True)
class Looked:
    """What one text, or many, came to."""

    findings: list[Finding] = field(default_factory=list)
    allowed: int = 0  # findings that an inline allowance covers
    read: int = 0
    long: int = 0  # lines that are too long to be looked at

    def and_(self, other: "Looked") -> "Looked":
        return Looked(
            [*self.findings, *other.findings],
            self.allowed + other.allowed,
            self.read + other.read,
            self.long + other.long,
        )


def look(source: Source) -> Looked:
    from headgate.cli.lint.engine import secrets  # a fifth of a second
    from headgate.cli.lint.places import places

    text = text_of(source)
    if text is None:
        return Looked()
    kind = source.is_a
    holds, refused = allowed(source.path, text)
    found = [*secrets(source.path, text, kind), *places(source.path, text, kind)]
    # One value, one finding: a connection string with a password is told once, as the worse of the two.
    left = [one for one in found if one.rule not in holds.get(one.line, ())]
    told = _once(left) + (refused if kind not in ("test", "document") else [])  # they may be about allowances
    long = sum(len(line) > LONGEST for line in lines_of(text)) if kind != "lock" and len(text) > LONGEST else 0
    return Looked(told, len(found) - len(left), 1, long)


def _once(found: list[Finding]) -> list[Finding]:
    kept: list[Finding] = []
    for one in found:
        if not any(one.line == other.line and one.value in other.value for other in kept):
            kept.append(one)
    return kept


def look_through(sources: Sequence[Source]) -> Looked:
    """In the order of path and line."""
    spare = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if len(sources) < MANY or spare < 2:
        found = _sum(map(look, sources))
    else:
        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import get_context

        import headgate.cli.lint.engine  # noqa: F401 - once, before the others are made of this process

        with ProcessPoolExecutor(min(spare, 8), get_context("fork")) as pool:
            found = _sum(pool.map(look, sources, chunksize=TOGETHER))
    found.findings.sort(key=lambda one: (one.path, one.line, one.column))
    return found


def _sum(looked: Iterable[Looked]) -> Looked:
    whole = Looked()
    for one in looked:
        whole = whole.and_(one)
    return whole
