"""A manifest: one Kubernetes object as a team wrote it, with the place where it stands."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from headgate.ports import AdapterError

LONGEST_SHOWN = 80  # characters of what somebody wrote that an error repeats
Step = str | int


class Refused(AdapterError):
    """What manifests say is not what can be run; the text says where, what, and what to write."""


@dataclass(frozen=True, slots=True)
class Manifest:
    content: dict[str, Any]
    file: str  # below the checkout, or what rendered it: "kubectl kustomize deploy/qa"
    document: int  # from 1
    line: int  # where it begins in that file, from 1

    @property
    def api_version(self) -> str:
        return _text(self.content.get("apiVersion"))

    @property
    def group(self) -> str:
        """Empty: the core group."""
        return self.api_version.rpartition("/")[0]

    @property
    def kind(self) -> str:
        return _text(self.content.get("kind"))

    @property
    def name(self) -> str:
        metadata = self.content.get("metadata")
        return _text(metadata.get("name")) if isinstance(metadata, dict) else ""

    @property
    def title(self) -> str:
        return f"{self.kind}/{self.name}"

    @property
    def where(self) -> str:
        return f"{self.file}:{self.line}, document {self.document} ({self.title})"

    def refused(self, path: tuple[Step, ...], found: object, remedy: str) -> Refused:
        said = shown(found)
        return Refused(f"{self.where}, {dotted(path)}: found {said}. {remedy}")

    def part(self, *path: Step) -> dict[str, Any]:
        """The mapping there, not a copy; an empty one where there is nothing. Raises Refused."""
        found = self.at(*path)
        if found is None:
            return {}
        if not isinstance(found, dict):
            raise self.refused(path, found, "Write a mapping.")
        return found

    def rows(self, *path: Step) -> list[dict[str, Any]]:
        """The mappings of a list; none where there is no list. Raises Refused."""
        found = self.at(*path)
        if found is None:
            return []
        if not isinstance(found, list):
            raise self.refused(path, found, "Write a list.")
        for position, row in enumerate(found):
            if not isinstance(row, dict):
                raise self.refused((*path, position), row, "Write a mapping.")
        return found

    def at(self, *path: Step) -> Any:
        node: Any = self.content
        for position, step in enumerate(path):
            if node is None:
                return None
            wanted = list if isinstance(step, int) else dict
            if not isinstance(node, wanted):
                raise self.refused(path[:position], node, f"Write a {'list' if wanted is list else 'mapping'}.")
            node = node.get(step) if isinstance(node, dict) else node[int(step)]
        return node


def shown(found: object) -> str:
    """Short and safe to print: control characters must not reach a terminal."""
    if isinstance(found, dict | list):
        return "a mapping" if isinstance(found, dict) else "a list"
    text = found if isinstance(found, str) else repr(found)
    safe = "".join(one if one.isprintable() else "?" for one in text[: LONGEST_SHOWN + 1])
    return safe if len(safe) <= LONGEST_SHOWN else f"{safe[: LONGEST_SHOWN - 3]}..."


def dotted(path: tuple[Step, ...]) -> str:
    parts = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in path]
    return "".join(parts).removeprefix(".")


def texts(node: object) -> Iterator[str]:
    """Every text below, keys left out."""
    if isinstance(node, str):
        yield node
    for below in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from texts(below)


def _text(found: object) -> str:
    return shown(found) if isinstance(found, str) else ""
