"""Findings in SARIF 2.1.0, as steps of CI and code hosts read them."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from headgate.cli.lint.finding import RULES, SECRETS, Finding

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif(findings: Iterable[Finding], version: str) -> dict[str, Any]:
    rules = [{"id": rule, "help": {"text": help_}, "shortDescription": {"text": rule}} for rule, help_ in RULES.items()]
    driver = {"name": "headgate lint", "version": version, "rules": rules}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": [_result(one) for one in findings]}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(one: Finding) -> dict[str, Any]:
    place = {
        "artifactLocation": {"uri": quote(one.path)},
        "region": {"startLine": max(1, one.line), "startColumn": max(1, one.column)},
    }
    level = "error" if one.rule in SECRETS else "warning"
    return {
        "ruleId": one.rule,
        "level": level,
        "message": {"text": f"{one.what}. {RULES[one.rule]}"},
        "locations": [{"physicalLocation": place}],
    }
