"""A tree: what the YAML text holds, each value with its place. Mappings are dicts, rows are lists, for pydantic."""

import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import Any, Literal

from headgate.spec.problems import Path, Problem, dotted, shown

LINE_END = re.compile("\r\n|\n|\r")

Kind = Literal["text", "null", "flag", "number"]


@dataclass(frozen=True, slots=True)
class Mark:
    line: int  # from 1
    column: int  # from 1


class Lines:
    """Index in the text -> line and column, as editors count them. The YAML reader's columns leave characters out."""

    def __init__(self, text: str) -> None:
        self.starts = [0, *(end.end() for end in LINE_END.finditer(text))]

    def at(self, index: int) -> Mark:
        line = bisect_right(self.starts, index)
        return Mark(line, index - self.starts[line - 1] + 1)


@dataclass(frozen=True, slots=True)
class Scalar:
    """As written: `text` is 1.10 for 1.10, whatever a number would make of it."""

    text: str
    kind: Kind = "text"
    at: Mark = Mark(1, 1)


class Row(list[Any]):
    """A list of nodes."""

    def __init__(self, at: Mark) -> None:
        super().__init__()
        self.at = at


class Mapping(dict[str, Any]):
    """Key -> node. A dictionary, so that pydantic reads it as it is."""

    def __init__(self, at: Mark) -> None:
        super().__init__()
        self.at = at
        self.keys_at: dict[str, Mark] = {}


Node = Scalar | Row | Mapping


@dataclass(frozen=True, slots=True)
class Tree:
    file: str
    root: Node
    problems: tuple[Problem, ...] = ()  # duplicate keys and the like: the rest can still be checked

    def problem(self, path: Path, found: str, allowed: str, remedy: str, key: bool = False) -> Problem:
        """A problem at `path`; where the path leads nowhere, at the last value that exists on the way."""
        at = self._place(path, key)
        return Problem(self.file, at.line, at.column, dotted(path), found, allowed, remedy)

    def line(self, path: Path) -> int:
        return self._place(path, key=True).line

    def found(self, path: Path) -> str:
        """What stands at `path`, in words for a message."""
        node: Any = self.root
        for part in path:
            node = node[part]
        return described(node)

    def key(self, path: Path) -> str:
        return shown(str(path[-1]))

    def _place(self, path: Path, key: bool) -> Mark:
        node, at = self.root, self.root.at
        for position, part in enumerate(path):
            if key and position == len(path) - 1 and isinstance(node, Mapping):
                return node.keys_at.get(str(part), at)
            try:
                node = node[part]  # type: ignore[index]
            except (KeyError, IndexError, TypeError):
                return at
            at = node.at
        return at


def described(node: object) -> str:
    if isinstance(node, Mapping):
        return "a mapping" if node else "an empty mapping"
    if isinstance(node, Row):
        return "a list" if node else "an empty list"
    if isinstance(node, Scalar):
        return "nothing" if node.kind == "null" else shown(node.text)
    return shown(str(node))
