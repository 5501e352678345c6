"""A failure as a person reads it (what happened, where, what to do next), and the exit codes of every command."""

import json
import os
import sys
from typing import Any

from headgate.cli.plain import plain

OK = 0
REFUSED = 1  # refused, failed, or a defect
USAGE = 2
NO_SERVER = 3
ABORTED = 4  # the rollout that was followed was aborted
GAVE_WAY = 5  # the release that was followed never started: superseded, or dropped
INTERRUPTED = 130


class Failure(Exception):
    def __init__(
        self,
        what: str,
        where: str = "",
        remedy: str = "",
        code: int = REFUSED,
        problems: list[dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.remedy = remedy
        self.code = code
        self.problems = problems or []

    def lines(self) -> list[str]:
        told = [f"headgate: {plain(self.what)}"]
        told += [f"  where: {plain(self.where)}"] if self.where else []
        told += [f"  {plain(problem_text(one))}" for one in self.problems]
        return [*told, *([f"  next:  {plain(self.remedy)}"] if self.remedy else [])]

    def view(self) -> dict[str, Any]:
        more = {"problems": self.problems} if self.problems else {}
        return {"error": {"what": self.what, "where": self.where, "remedy": self.remedy, **more}}


def problem_text(problem: dict[str, Any]) -> str:
    place = ":".join(str(problem[key]) for key in ("file", "line", "column") if key in problem)
    field = f"{problem.get('field')}: " if problem.get("field") else ""
    found = f"found {problem['found']}; " if "found" in problem else ""
    remedy = f". {problem['remedy']}" if "remedy" in problem else ""
    return f"{place}{': ' if place else ''}{field}{found}allowed: {problem.get('allowed', '')}{remedy}"


def tell(failure: Failure) -> int:
    """To standard error, as one JSON object where --json was asked for; returns the exit code."""
    text = json.dumps(failure.view()) if "--json" in sys.argv else "\n".join(failure.lines())
    print(text, file=sys.stderr)
    return failure.code


def defect(error: Exception) -> Failure:
    """An error that nobody foresaw; the traceback is for who asks for it."""
    if os.environ.get("HEADGATE_DEBUG"):
        raise error
    place = error.__traceback__
    while place and place.tb_next:
        place = place.tb_next
    where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else ""
    remedy = "Please report it, with what HEADGATE_DEBUG=1 shows."
    return Failure(f"a defect of Headgate: {type(error).__name__}: {error}", where, remedy)
