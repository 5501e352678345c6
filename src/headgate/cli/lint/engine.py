"""Secrets, as detect-secrets knows them. The only file that imports it; nothing is ever verified over the network."""

import base64
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.filters import heuristic
from detect_secrets.plugins.base import RegexBasedDetector
from detect_secrets.plugins.high_entropy_strings import HighEntropyStringsPlugin
from detect_secrets.plugins.keyword import DENYLIST, KeywordDetector

from headgate.cli.lint.finding import Finding
from headgate.cli.lint.source import LONGEST, Kind, lines_of

ELSEWHERE = {"BasicAuthDetector", "IPPublicDetector"}  # `places` knows more about addresses
KEYWORDS = re.compile("|".join(DENYLIST), re.IGNORECASE)
ORDER = ("secret", "secret-keyword", "secret-entropy")  # the surest name of a value is told
WINDOW = 240  # characters
MOST_WINDOWS = 16  # of one line
PLACEHOLDER = re.compile(
    r"example|change.?me|dummy|placeholder|replace|your[-_ ]|\bx{3,}|\.\.\.|redacted|not-?a-?secret|^\*+$"
    r"|^(test|fake|secret|password|token|none|null|true|false|undefined|optional|required)s?$",
    re.IGNORECASE,
)
REFERENCE = re.compile(
    r"^[$%<{(/~.]|[{}()\[\]<>\s]|://|^(os|env|self|process|config|settings|var|local|data|vault|arn)[.:]"
)
DIGEST = re.compile(
    r"sha-?(1|256|384|512)|md5|digest|checksum|commit|\brev\b|integrity|fingerprint|hash|etag", re.IGNORECASE
)
BARE = re.compile(
    r"""^(\s*(?:export\s+|ENV\s+|ARG\s+|-\s+)?[\w."-]{1,100}\s*[:=]\s*)([^\s"'#{}\[\],]{16,})\s*(?:#.*)?$"""
)
# Where a value stands without quotes; the detector knows so only of files that end like these, as .conf does.
UNQUOTED = re.compile(
    r"!(variables|labels|history)$|(^|/)(Dockerfile|Containerfile)(\.[\w-]+)?$|(^|/)\.env(\.[\w-]+)?$"
    r"|\.(env|sh|bash|dockerfile)$",
    re.IGNORECASE,
)
SEALED = base64.b64encode(b"age-encryption.org").decode()  # begins what age encrypted
WORDS = re.compile(r"^(?=.{1,40}$)[a-z]+([-_/.:#][a-z]+)*$")
VARIABLE = re.compile(r"^[A-Z][A-Z0-9]*(_[A-Z0-9]+)+$")


@lru_cache(maxsize=1)
def plugins() -> list[tuple[str, Any, re.Pattern[str]]]:
    """Rule, detector, and a pattern that the whole of a text must hold before its lines are looked at."""
    made = []
    kinds: dict[str, Any] = get_mapping_from_secret_type_to_class()
    for kind in kinds.values():
        if kind.__name__ in ELSEWHERE:
            continue
        plugin: Any = kind()
        made.append((_rule(plugin), plugin, _beforehand(plugin)))
    return sorted(made, key=lambda one: ORDER.index(one[0]))


def _rule(plugin: Any) -> str:
    if isinstance(plugin, KeywordDetector):
        return "secret-keyword"
    return "secret-entropy" if isinstance(plugin, HighEntropyStringsPlugin) else "secret"


def _beforehand(plugin: Any) -> re.Pattern[str]:
    if isinstance(plugin, KeywordDetector):
        return KEYWORDS
    if isinstance(plugin, RegexBasedDetector):
        together = "|".join(f"(?:{_without_groups(one.pattern)})" for one in plugin.denylist)
        flags = re.MULTILINE
        for one in plugin.denylist:
            flags |= one.flags & re.IGNORECASE
        return re.compile(together, flags)
    return re.compile(r"[A-Za-z0-9+/=_-]{16,}")


def _without_groups(pattern: str) -> str:
    """Named groups would meet twice in one pattern."""
    return re.sub(r"\(\?P<\w+>", "(", pattern)


def secrets(path: str, text: str, kind: Kind) -> Iterator[Finding]:
    """Tests and locks hold much that only looks like a secret: there, only what nothing else looks like is told."""
    found: set[tuple[int, str]] = set()
    lines = [line if len(line) <= LONGEST else "" for line in lines_of(text)]
    text = "\n".join(lines)
    for rule, plugin, beforehand in plugins():
        if rule != "secret" and kind in ("test", "lock", "document"):
            continue
        if not beforehand.search(text):
            continue
        for number, line in enumerate(lines, start=1):
            if not beforehand.search(line):
                continue
            for value in _values(plugin, rule, path, line):
                if any(at == number and (value in known or known in value) for at, known in found):
                    continue
                found.add((number, value))
                what = f"what looks like a secret ({plugin.secret_type})"
                yield Finding(rule, path, number, line.find(value) + 1, what, value)


def _values(plugin: Any, rule: str, path: str, line: str) -> Iterator[str]:
    looked_at = _windows(line) if rule == "secret-keyword" else [line]
    path = f"{path}.conf" if rule == "secret-keyword" and UNQUOTED.search(path) else path
    if rule == "secret-entropy" and (bare := BARE.match(line)):
        looked_at.append(f'{bare[1]}"{bare[2]}"')
    for one in looked_at:
        for potential in plugin.analyze_line(filename=path, line=one, line_number=1):
            value = potential.secret_value or ""
            if not _harmless(plugin, rule, value, line):
                yield value


def _windows(line: str) -> list[str]:
    """Around each keyword: the detector's own patterns take the cube of a long line's length."""
    if len(line) <= WINDOW:
        return [line]
    ends = 0
    found: list[str] = []
    for match in KEYWORDS.finditer(line):
        if match.start() >= ends and len(found) < MOST_WINDOWS:
            ends = match.start() + WINDOW
            found.append(line[max(0, match.start() - 60) : ends])
    return found


def _harmless(plugin: Any, rule: str, value: str, line: str) -> bool:
    if rule == "secret":
        return bool(PLACEHOLDER.search(value))
    if (
        heuristic.is_sequential_string(value)
        or heuristic.is_potential_uuid(value)
        or heuristic.is_templated_secret(value)
        or heuristic.is_not_alphanumeric_string(value)
        or heuristic.is_likely_id_string(value, line, plugin)
        or PLACEHOLDER.search(value)
        or value.startswith(SEALED)
    ):
        return True
    if rule == "secret-keyword":
        return _no_literal(value) or heuristic.is_indirect_reference(line)
    return _regular(value, line)


def _no_literal(value: str) -> bool:
    """A name, a path, a reference or a sentence, not a value."""
    return len(value) < 6 or any(one.search(value) for one in (REFERENCE, WORDS, VARIABLE))


def _regular(value: str, line: str) -> bool:
    """Digests are random and no secret; words joined by dashes are neither."""
    if all(one in "0123456789abcdefABCDEF" for one in value):
        return len(value) < 24 or bool(DIGEST.search(line))
    varied = any(map(str.isdigit, value)) and any(map(str.islower, value)) and any(map(str.isupper, value))
    return not varied or bool(DIGEST.search(line))
