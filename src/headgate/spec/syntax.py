"""YAML text into a tree: YAML 1.2 core schema, one document, no tags, no merge keys.

Limits keep a hostile file from costing more than it weighs: size, depth, and values after aliases are followed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from headgate.spec.problems import Path, Problem, SpecificationError, dotted, printable, shown
from headgate.spec.tree import Kind, Lines, Mapping, Mark, Node, Row, Scalar, Tree, described

LARGEST = 1024 * 1024  # bytes
DEEPEST = 32
MOST_VALUES = 20_000  # scalars, lists and mappings, each alias counted as what it stands for

KINDS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("null", re.compile(r"~|null|Null|NULL|")),
    ("flag", re.compile(r"true|True|TRUE|false|False|FALSE")),
    ("number", re.compile(r"[-+]?(0o[0-7]+|0x[0-9a-fA-F]+|(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?)")),
)
UNUSABLE = re.compile("[\x00\ud800-\udfff]")  # no program's argument or variable can hold these


def parse(content: str | bytes, file: str) -> Tree:
    """Raises SpecificationError where the text is no YAML that can be read further."""
    text = _decoded(content, file)
    lines = Lines(text)
    composition = _Composition(file, lines, _events(text, lines, file))
    try:
        root = composition.document()
    except SpecificationError as error:
        raise SpecificationError([*composition.problems, *error.problems]) from error
    if isinstance(root, Scalar) and root.kind == "null":
        raise SpecificationError([_empty(file)])
    return Tree(file, root, tuple(composition.problems))


def _decoded(content: str | bytes, file: str) -> str:
    raw = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    if len(raw) > LARGEST:
        found = f"{len(raw):,} bytes"
        raise SpecificationError(
            [Problem(file, 1, 1, "", found, "at most 1 MiB", "Check that this is the right file.")]
        )
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8")
        at = Lines(before).at(len(before))
        found = f"byte 0x{raw[error.start]:02x}"
        problem = Problem(file, at.line, at.column, "", found, "UTF-8 text", "Save the file as UTF-8.")
        raise SpecificationError([problem]) from error
    return text.removeprefix("\ufeff")


def _empty(file: str) -> Problem:
    remedy = "Run `headgate init` to write a first file, or `headgate spec` to see every field."
    return Problem(file, 1, 1, "", "nothing", "a mapping that begins with `application: NAME`", remedy)


def _events(text: str, lines: Lines, file: str) -> Iterator[Any]:
    """The parser's events. Its own errors, and those it forgets to make its own, become a problem with a place."""
    last = Mark(1, 1)
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            last = lines.at(event.start_mark.index)
            yield event
    except MarkedYAMLError as error:
        raise SpecificationError([_syntax_problem(error, text, lines, file)]) from error
    except YAMLError as error:  # the reader's: a character that no YAML may hold
        raise SpecificationError([_character_problem(error, text, lines, file)]) from error
    except (ValueError, OverflowError, IndexError, AttributeError) as error:
        allowed, remedy = "YAML 1.2", "Rewrite what stands here or right behind it."
        problem = Problem(file, last.line, last.column, "", "what the YAML reader cannot read", allowed, remedy)
        raise SpecificationError([problem]) from error


def _joined(text: str) -> str:
    """JSON writes a character beyond U+FFFF as two escapes, and JSON is YAML: the pair is one character."""
    if not UNUSABLE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _syntax_problem(error: MarkedYAMLError, text: str, lines: Lines, file: str) -> Problem:
    place = error.problem_mark or error.context_mark
    index = min(place.index, len(text)) if place else 0
    at = lines.at(index)
    if text[index : index + 1] == "\t" or "\\t" in str(error.problem):
        found, allowed, remedy = "a tab", "spaces for indentation", "Replace the tab by spaces."
    else:
        reason = " ".join(part for part in (error.problem, error.context) if part)
        found, allowed = f"what is no YAML ({printable(reason)})", "YAML 1.2"
        remedy = "Check indentation, colons and quotes here and in the line above."
    return Problem(file, at.line, at.column, "", found, allowed, remedy)


def _character_problem(error: YAMLError, text: str, lines: Lines, file: str) -> Problem:
    position = int(getattr(error, "position", 0))
    at = lines.at(position)
    found = f"the character U+{ord(text[position]):04X}" if position < len(text) else "a special character"
    return Problem(file, at.line, at.column, "", found, "printable text", "Remove the character.")


@dataclass(slots=True)
class _Anchored:
    node: Node
    values: int
    depth: int


@dataclass(slots=True)
class _Composition:
    """Events into nodes. Counts values and depth as if every alias were written out."""

    file: str
    lines: Lines
    events: Iterator[Any]
    problems: list[Problem] = field(default_factory=list)
    anchors: dict[str, _Anchored] = field(default_factory=dict)
    open_anchors: set[str] = field(default_factory=set)
    values: int = 0
    deepest: int = 0

    def document(self) -> Node:
        root: Node = Scalar("", "null")
        for event in self.events:
            if isinstance(event, StreamEndEvent):
                break
            if isinstance(event, DocumentStartEvent):
                root = self.node(next(self.events), (), 0)
            elif isinstance(event, DocumentEndEvent):
                self.expect_end(next(self.events))
                break
        return root

    def expect_end(self, event: Any) -> None:
        if isinstance(event, DocumentStartEvent):
            self.fatal(event, "a second document", "one document", "Remove `---` and what follows it.")

    def node(self, event: NodeEvent, path: Path, depth: int) -> Node:
        self.count(event, 1, depth)
        if isinstance(event, AliasEvent):
            return self.alias(event, depth)
        values, outer = self.values, self.deepest
        self.deepest = depth
        self.begin(event, path)
        node = self.content(event, path, depth)
        if event.anchor:
            self.open_anchors.discard(event.anchor)
            self.anchors[event.anchor] = _Anchored(node, self.values - values + 1, self.deepest - depth)
        self.deepest = max(outer, self.deepest)
        return node

    def content(self, event: NodeEvent, path: Path, depth: int) -> Node:
        if isinstance(event, SequenceStartEvent):
            return self.row(event, path, depth)
        if isinstance(event, MappingStartEvent):
            return self.mapping(event, path, depth)
        return self.scalar(event, path)

    def begin(self, event: NodeEvent, path: Path) -> None:
        if event.anchor:
            self.open_anchors.add(event.anchor)
        tag = getattr(event, "tag", None)
        if tag and tag != "!":
            self.note(event, path, f"the tag {shown(str(tag))}", "values without tags", "Remove the tag.")

    def alias(self, event: AliasEvent, depth: int) -> Node:
        name = shown(str(event.anchor))
        if event.anchor in self.open_anchors:
            self.fatal(event, f"*{name} inside &{name}", "aliases of what is complete", "Write the value out.")
        if event.anchor not in self.anchors:
            self.fatal(event, f"*{name}", "aliases of anchors above", f"Define &{name} first, or write the value out.")
        anchored = self.anchors[event.anchor]
        self.count(event, anchored.values - 1, depth + anchored.depth)
        return anchored.node

    def row(self, start: SequenceStartEvent, path: Path, depth: int) -> Row:
        row = Row(self.at(start))
        for event in self.events:
            if isinstance(event, SequenceEndEvent):
                break
            row.append(self.node(event, (*path, len(row)), depth + 1))
        return row

    def mapping(self, start: MappingStartEvent, path: Path, depth: int) -> Mapping:
        mapping = Mapping(self.at(start))
        for event in self.events:
            if isinstance(event, MappingEndEvent):
                break
            key = self.key(event, path, depth + 1)
            value = self.node(next(self.events), (*path, key or ""), depth + 1)
            if key is not None:
                self.enter(mapping, key, self.behind(event, value), event, path)
        return mapping

    def key(self, event: NodeEvent, path: Path, depth: int) -> str | None:
        node = self.node(event, path, depth)
        if isinstance(node, Scalar):
            return node.text
        self.note(event, path, f"{described(node)} as a field's name", "text", "Write a name before the colon.")
        return None

    def behind(self, key: NodeEvent, value: Node) -> Node:
        """The reader finds the nothing behind `key:` where the next field begins; people look for it at the colon."""
        if isinstance(value, Scalar) and value.kind == "null" and not value.text:
            return replace(value, at=self.lines.at(key.end_mark.index))
        return value

    def at(self, event: Any) -> Mark:
        return self.lines.at(event.start_mark.index)

    def enter(self, mapping: Mapping, key: str, value: Node, event: NodeEvent, path: Path) -> None:
        if key not in mapping:
            mapping[key] = value
            mapping.keys_at[key] = self.at(event)
            return
        remedy = f"Remove one: it stands in line {mapping.keys_at[key].line} already."
        self.note(event, (*path, key), f"{shown(key)} twice", "each field once", remedy)

    def scalar(self, event: NodeEvent, path: Path) -> Scalar:
        if not isinstance(event, ScalarEvent):
            raise TypeError(f"the YAML reader gave {type(event).__name__} where a value begins")
        text = _joined(str(event.value))
        if UNUSABLE.search(text):
            remedy = "Remove the escape sequence."
            self.note(event, path, shown(text), "text without NUL and lone surrogates", remedy)
            text = UNUSABLE.sub("", text)
        plain = not event.style
        kinds = (kind for kind, pattern in KINDS if plain and pattern.fullmatch(text))
        return Scalar(text, next(kinds, "text"), self.at(event))

    def count(self, event: NodeEvent, values: int, depth: int) -> None:
        self.values += values
        self.deepest = max(self.deepest, depth)
        if self.values > MOST_VALUES:
            allowed = f"at most {MOST_VALUES:,} values, aliases written out"
            self.fatal(event, "more", allowed, "Use fewer aliases, or check that this is the right file.")
        if depth > DEEPEST:
            self.fatal(event, "deeper nesting", f"at most {DEEPEST} levels", "Check brackets and indentation.")

    def note(self, event: NodeEvent, path: Path, found: str, allowed: str, remedy: str) -> None:
        at = self.at(event)
        self.problems.append(Problem(self.file, at.line, at.column, dotted(path), found, allowed, remedy))

    def fatal(self, event: Any, found: str, allowed: str, remedy: str) -> None:
        at = self.at(event)
        raise SpecificationError([Problem(self.file, at.line, at.column, "", found, allowed, remedy)])
