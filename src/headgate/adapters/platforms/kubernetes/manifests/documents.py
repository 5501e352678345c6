"""YAML text into manifests, as kubectl reads it: several documents, anchors, merge keys, octal modes, Lists.

Limits keep hostile text from costing more than it weighs: size, documents, depth, values with aliases written out.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from headgate.adapters.platforms.kubernetes.manifests.manifest import Manifest, Refused, dotted, shown

LARGEST = 1024 * 1024  # bytes: etcd takes no object above 1.5 MiB, and this is one file or one rendering
MOST_DOCUMENTS = 500
MOST_VALUES = 50_000
MOST_TEXT = 4 * LARGEST  # characters of one document, aliases written out
DEEPEST = 48
LONGEST_NUMBER = 19  # digits

TAG = "tag:yaml.org,2002:"
PLAIN_TAGS = {f"{TAG}{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq", "timestamp", "merge")}
NULL = re.compile(r"~|null|Null|NULL|")
FLAG = re.compile(r"true|True|TRUE|false|False|FALSE")
OCTAL = re.compile(r"[-+]?0o?[0-7_]+")  # 0644 is 420, as in YAML 1.1: file modes are written so
WHOLE = re.compile(r"[-+]?(0|[1-9][0-9_]*)")
HEXADECIMAL = re.compile(r"[-+]?0x[0-9a-fA-F_]+")
FRACTION = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._:-]{0,251}[A-Za-z0-9])?")  # of any kind: a role's may hold colons
Path = tuple[str | int, ...]


def read(content: bytes, file: str) -> list[Manifest]:
    """Raises Refused, and nothing else, for whatever the content is."""
    text = _decoded(content, file)
    found: list[Manifest] = []
    for position, node in enumerate(_documents(text, file), start=1):
        if position > MOST_DOCUMENTS:
            raise Refused(f"{file}: more than {MOST_DOCUMENTS} documents. Is this the right folder?")
        line = node.start_mark.line + 1
        value = _Values(f"{file}:{line}, document {position}").value(node, (), 0)
        found.extend(_listed(value, file, position, line))
    return found


def tree(content: bytes, file: str) -> Any:
    """The first document, whatever it is: of a kustomization, of a chart. Raises Refused."""
    node = next(_documents(_decoded(content, file), file), None)
    return None if node is None else _Values(file).value(node, (), 0)


def _decoded(content: bytes, file: str) -> str:
    if len(content) > LARGEST:
        raise Refused(f"{file}: found {len(content):,} bytes; at most {LARGEST:,} are read. Is this the right file?")
    try:
        return content.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise Refused(f"{file}: byte {error.start} is not UTF-8. Save the file as UTF-8.") from error


def _documents(text: str, file: str) -> Iterator[Node]:
    try:
        reader = YAML(typ="safe", pure=True)
        reader.Composer = Shallow
        yield from (node for node in reader.compose_all(text) if node is not None)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else file
        reason = " ".join(part for part in (error.problem, error.context) if part)
        raise Refused(f"{place}: this is no YAML ({shown(reason)}). Check indentation, colons and quotes.") from error
    except RecursionError as error:
        raise Refused(f"{file}: nested deeper than {DEEPEST} levels. Is this the right file?") from error
    except (YAMLError, ValueError, OverflowError, IndexError, AttributeError) as error:
        raise Refused(f"{file}: holds what no YAML reader reads. Save it as plain text, in UTF-8.") from error


class Shallow(Composer):
    """Stops at what is nested too deep, rather than where the interpreter does."""

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self.depth += 1
        if self.depth > DEEPEST + 1:
            raise RecursionError
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def _listed(value: Any, file: str, position: int, line: int) -> Iterator[Manifest]:
    """A List is its items, as `kubectl get -o yaml` writes them."""
    if value is None:
        return
    if not isinstance(value, dict):
        remedy = "Write one Kubernetes object: apiVersion, kind, metadata."
        raise Refused(f"{file}:{line}, document {position}: found {shown(value)}. {remedy}")
    manifest = Manifest(value, file, position, line)
    if manifest.kind == "List" and manifest.api_version == "v1":
        for item in manifest.rows("items"):
            yield from _listed(item, file, position, line)
        return
    for field in ("apiVersion", "kind"):
        if not isinstance(value.get(field), str) or not value[field]:
            raise manifest.refused((field,), value.get(field), "Every manifest says its apiVersion and its kind.")
    if not isinstance(manifest.part("metadata").get("name"), str) or not manifest.name:
        remedy = "Name it: objects with generated names cannot be found again."
        raise manifest.refused(("metadata", "name"), manifest.part("metadata").get("name"), remedy)
    if not NAME.fullmatch(value["metadata"]["name"]):
        raise manifest.refused(("metadata", "name"), value["metadata"]["name"], "No cluster takes such a name.")
    yield manifest


@dataclass(slots=True)
class _Values:
    """Nodes into values of one document. An alias counts as often as it is written."""

    where: str
    values: int = 0
    text: int = 0

    def value(self, node: Node, path: Path, depth: int) -> Any:
        self.values += 1
        if self.values > MOST_VALUES:
            raise Refused(f"{self.where}: more than {MOST_VALUES:,} values, aliases written out. Use fewer aliases.")
        if depth > DEEPEST:
            raise Refused(f"{self.where}, {dotted(path[:6])}...: nested deeper than {DEEPEST} levels.")
        if node.tag not in PLAIN_TAGS:
            found = f"the tag {shown(str(node.tag).removeprefix(TAG))}"
            raise Refused(f"{self.where}, {dotted(path)}: found {found}. Write the value without a tag.")
        if isinstance(node, MappingNode):
            return self.mapping(node, path, depth)
        if isinstance(node, SequenceNode):
            return [self.value(one, (*path, at), depth + 1) for at, one in enumerate(node.value)]
        if not isinstance(node, ScalarNode):
            raise TypeError(f"the YAML reader gave {type(node).__name__}")
        return self.scalar(node, path)

    def mapping(self, node: MappingNode, path: Path, depth: int) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key, below in node.value:
            name = key.value if isinstance(key, ScalarNode) else None
            if name is None:
                raise Refused(f"{self.where}, {dotted(path)}: found no text as a field's name. Write a name.")
            self.weigh(name)
            value = self.value(below, (*path, name), depth + 1)
            if name == "<<" and key.style is None:
                merged = {**self.merged(value, path), **merged}
            elif name in own:
                line = key.start_mark.line + 1
                raise Refused(f"{self.where}, {dotted((*path, name))}: stands twice, again in line {line}. Remove one.")
            else:
                own[name] = value
        return {**merged, **own}

    def weigh(self, text: str) -> None:
        self.text += len(text)
        if self.text > MOST_TEXT:
            raise Refused(f"{self.where}: more than {MOST_TEXT:,} characters, aliases written out. Use fewer aliases.")

    def merged(self, value: Any, path: Path) -> dict[str, Any]:
        rows = value if isinstance(value, list) else [value]
        if not all(isinstance(row, dict) for row in rows):
            raise Refused(f"{self.where}, {dotted((*path, '<<'))}: found {shown(value)}. Merge mappings alone.")
        return {name: below for row in reversed(rows) for name, below in row.items()}

    def scalar(self, node: ScalarNode, path: Path) -> Any:
        text = str(node.value)
        self.weigh(text)
        if "\x00" in text or (not text.isascii() and any("\ud800" <= one <= "\udfff" for one in text)):
            raise Refused(f"{self.where}, {dotted(path)}: holds a character that no cluster keeps. Remove the escape.")
        return resolved(text) if node.style is None and node.tag != f"{TAG}timestamp" else text


def resolved(text: str) -> Any:
    """What a plain scalar stands for. What people write as a version or a date stays text."""
    if NULL.fullmatch(text):
        return None
    if FLAG.fullmatch(text):
        return text.lower() == "true"
    bare = text.replace("_", "")
    if WHOLE.fullmatch(text):
        return int(bare) if len(bare) <= LONGEST_NUMBER else text
    if OCTAL.fullmatch(text):
        return int(bare.replace("o", ""), 8) if len(bare) <= LONGEST_NUMBER else text
    if HEXADECIMAL.fullmatch(text):
        return int(bare, 16) if len(bare) <= LONGEST_NUMBER else text
    if FRACTION.fullmatch(text) and math.isfinite(float(text)):
        number = float(text)
        return int(number) if number.is_integer() else number
    return text
