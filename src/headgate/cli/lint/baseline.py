"""`.headgate-lint.json`: what was found and accepted, and paths that rules leave alone; each with its reason.

An entry knows its value by 16 keyed bits: enough to see that another stands there now, too little to find it out.
"""

import hmac
import json
import secrets
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from headgate.cli.failure import USAGE, Failure
from headgate.cli.lint.finding import RULES, Finding

NAME = ".headgate-lint.json"
VERSION = 1
Entry = tuple[str, str, str]  # rule, path, tag


@dataclass(frozen=True, slots=True)
class PathRule:
    glob: str
    rules: tuple[str, ...]  # "*": all of them
    why: str

    def covers(self, finding: Finding) -> bool:
        return fnmatchcase(finding.path, self.glob) and ("*" in self.rules or finding.rule in self.rules)


@dataclass(frozen=True, slots=True)
class Baseline:
    salt: str = field(default_factory=lambda: secrets.token_hex(16))
    paths: tuple[PathRule, ...] = ()
    accepted: dict[Entry, str] = field(default_factory=dict)  # -> why

    def tag(self, finding: Finding) -> str:
        key, told = bytes.fromhex(self.salt), (finding.rule, finding.path, finding.value)
        return hmac.digest(key, "\0".join(told).encode("utf-8", "surrogatepass"), "sha256").hex()[:4]

    def entry(self, finding: Finding) -> Entry:
        return finding.rule, finding.path, self.tag(finding)

    def left(self, findings: Iterable[Finding]) -> tuple[list[Finding], Counter[str]]:
        """What is neither accepted nor left alone, and how many of each were. A refused allowance never is."""
        left: list[Finding] = []
        passed: Counter[str] = Counter()
        for one in findings:
            if one.rule == "allowance":
                left.append(one)
            elif any(rule.covers(one) for rule in self.paths):
                passed["by path"] += 1
            elif self.entry(one) in self.accepted:
                passed["in the baseline"] += 1
            else:
                left.append(one)
        return left, passed

    def accepting(self, findings: Iterable[Finding], why: str) -> "Baseline":
        """All of them from here on, and nothing else: what is gone leaves the baseline, what stays keeps its reason."""
        there = (one for one in findings if one.rule != "allowance")
        entries = [self.entry(one) for one in there if not any(rule.covers(one) for rule in self.paths)]
        return Baseline(self.salt, self.paths, {entry: self.accepted.get(entry, why) for entry in entries})

    def text(self) -> str:
        value = {
            "version": VERSION,
            "salt": self.salt,
            "paths": [{"glob": one.glob, "rules": list(one.rules), "why": one.why} for one in self.paths],
            "accepted": [
                {"rule": rule, "path": path, "tag": tag, "why": why}
                for (rule, path, tag), why in sorted(self.accepted.items())
            ],
        }
        return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def read(text: str | None, where: str) -> Baseline:
    """None: there is none yet. Raises Failure."""
    if text is None:
        return Baseline()
    try:
        return _understood(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        remedy = "Mend it, or take it from the last commit: docs/lint.md says what it holds."
        told = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise Failure(f"the baseline cannot be understood: {told}", where, remedy, USAGE) from error


def _understood(value: dict[str, Any]) -> Baseline:
    if value["version"] != VERSION:
        raise ValueError(f"it has version {value['version']}, this Headgate knows {VERSION}")
    paths = tuple(_path_rule(one) for one in value.get("paths", []))
    accepted = {(str(one["rule"]), str(one["path"]), str(one["tag"])): _reason(one) for one in value["accepted"]}
    bytes.fromhex(value["salt"])
    if len(value["salt"]) < 32:
        raise ValueError("its salt is shorter than 32 digits")
    return Baseline(value["salt"], paths, accepted)


def _path_rule(value: dict[str, Any]) -> PathRule:
    rules = tuple(map(str, value["rules"]))
    if unknown := sorted(set(rules) - {*RULES, "*"}):
        raise ValueError(f"{value['glob']!r} names what is no rule: {', '.join(unknown)}; known: {', '.join(RULES)}, *")
    return PathRule(str(value["glob"]), rules, _reason(value))


def _reason(value: dict[str, Any]) -> str:
    why = str(value.get("why") or "").strip()
    if not why:
        raise ValueError(f"{value.get('glob') or value.get('path')!r} is allowed without a reason (why)")
    return why
