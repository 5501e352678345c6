"""A text to look through, and what kind of text its path says it is: that decides which rules hold for it."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["code", "configuration", "test", "document", "lock", "image"]
LARGEST = 2 << 20  # bytes of a file that is read
LONGEST = 4000  # characters of a line that is looked at: beyond it is generated code
NOT_TEXT = 8192  # bytes at the beginning, in which a NUL means that it is no text

TEST = re.compile(
    r"(^|/)(tests?|testdata|fixtures?|__tests__|spec)/|(^|/)(test_[^/]*|conftest\.py)$|[._](test|spec)\.\w+$"
)
DOCUMENT = re.compile(
    r"(^|/)docs?/|\.(md|rst|adoc|txt|ipynb|html|svg|css|map)$|(^|/)(LICENSE|CHANGELOG|NOTICE)[^/]*$", re.IGNORECASE
)
LOCK = re.compile(
    r"(\.lock|\.sum|\.lock\.json|-lock\.(json|yaml)|Package\.resolved|\.terraform\.lock\.hcl|\.min\.js)$"
)
# Where an environment's own values belong.
CONFIGURATION = re.compile(
    r"\.tfvars$|(^|/)\.env(\.|$)|(^|/)(environments|overlays)/|(^|/)(values|config)[-.][\w-]+\.(ya?ml|json|toml)$"
)
BINARY = re.compile(
    r"\.(png|jpe?g|gif|ico|webp|pdf|zip|gz|bz2|xz|zst|tar|jar|woff2?|ttf|eot|so|pyc|whl|exe|db|mp4|class)$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Source:
    path: str  # as it is told
    text: str | None = None  # None: it is read from `file` when its turn comes
    file: Path | None = None
    kind: Kind | None = None  # None: as its path says

    @property
    def is_a(self) -> Kind:
        return self.kind or kind_of(self.path)


def kind_of(path: str) -> Kind:
    for kind, pattern in (("lock", LOCK), ("test", TEST), ("document", DOCUMENT), ("configuration", CONFIGURATION)):
        if pattern.search(path):
            return kind  # type: ignore[return-value]
    return "code"


def text_of(source: Source) -> str | None:
    """None: there is no text in it, or it is larger than what a person writes."""
    if source.text is not None:
        return source.text
    if source.file is None or BINARY.search(source.path):
        return None
    try:
        # No link is followed, and nothing waits for a pipe.
        number = os.open(source.file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with open(number, "rb") as stream:
        try:
            content = stream.read(LARGEST + 1)
        except OSError:  # a folder, a device
            return None
    return decoded(content)


def decoded(content: bytes) -> str | None:
    if len(content) > LARGEST or b"\0" in content[:NOT_TEXT]:
        return None
    return content.decode("utf-8", "replace")


def lines_of(text: str) -> list[str]:
    """Not `splitlines`: a form feed ends no line for an editor."""
    return [line.rstrip("\r") for line in text.split("\n")]
