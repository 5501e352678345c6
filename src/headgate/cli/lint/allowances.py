"""Inline allowances: `# headgate: allow RULE: why`, for its own line, or for the next where it stands alone. Pure."""

import re
from collections.abc import Iterable

from headgate.cli.lint.finding import RULES, Finding
from headgate.cli.lint.source import lines_of

WRITTEN = re.compile(
    r"(?P<before>.*?)(?P<sign>#|//|--|;|<!--|/\*)\s*headgate:\s*allow\s+(?P<rules>[a-z][a-z, -]*?)\s*(?::(?P<why>.*))?$"
)
SHORTEST = 5  # characters of a reason


def allowed(path: str, text: str) -> tuple[dict[int, set[str]], list[Finding]]:
    """Line -> rules that do not hold there; and allowances that are refused, which allow nothing."""
    holds: dict[int, set[str]] = {}
    refused: list[Finding] = []
    if "headgate:" not in text:
        return holds, refused
    for number, line in enumerate(lines_of(text), start=1):
        match = WRITTEN.match(line) if "headgate:" in line else None
        if match is None:
            continue
        rules = {one.strip() for one in match["rules"].split(",")}
        if wrong := _wrong(rules, match["why"] or ""):
            refused.append(Finding("allowance", path, number, match.start("sign") + 1, wrong, line))
        else:
            holds.setdefault(number if match["before"].strip() else number + 1, set()).update(rules)
    return holds, refused


def _wrong(rules: Iterable[str], why: str) -> str:
    unknown = sorted(set(rules) - set(RULES))
    if unknown:
        return f"an allowance of what is no rule ({', '.join(unknown)})"
    if len(re.sub(r"(-->|\*/)\s*$", "", why).strip()) < SHORTEST:
        return "an allowance without a reason"
    return ""
