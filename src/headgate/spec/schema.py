"""The JSON Schema of the file, for editors: `python -m headgate.spec.schema > docs/schema/headgate.schema.json`."""

import json
import sys
from typing import Any

from headgate.spec.sections.file import File

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    head = {"$schema": DIALECT, "title": "headgate.yaml", "description": "One application and its environments."}
    return {**head, **_plain(File.model_json_schema(by_alias=True))}


def _plain(node: Any) -> Any:
    """As the file is, not as Python is: nothing is ever null, and a mapping has no keys but those of its pattern."""
    if isinstance(node, list):
        return [_plain(one) for one in node]
    if not isinstance(node, dict):
        return node
    plain = {key: _plain_value(key, value) for key, value in node.items() if not _pythonic(key, value)}
    if "patternProperties" in plain:
        plain["additionalProperties"] = False
    options = plain.get("anyOf")
    if options and {"type": "null"} in options:
        del plain["anyOf"]
        rest = [option for option in options if option != {"type": "null"}]
        plain = {**(rest[0] if len(rest) == 1 else {"anyOf": rest}), **plain}
    return plain


def _plain_value(key: str, value: Any) -> Any:
    if key in ("properties", "patternProperties", "$defs"):
        return {name: _plain(one) for name, one in value.items()}
    return value if key in ("default", "examples", "enum") else _plain(value)


def _pythonic(key: str, value: Any) -> bool:
    return (key == "title" and isinstance(value, str)) or (key == "default" and value is None)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(schema(), indent=2, ensure_ascii=False) + "\n")
