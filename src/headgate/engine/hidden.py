"""What no answer, event or log of this server may show: values of secrets, as long as it runs. Kept in memory alone."""

import html
import json
import logging
from base64 import b64encode
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus

from headgate.model.secrets import SHORTEST

SHOWN = "***"


@dataclass
class Hidden:
    known: set[tuple[str, str]] = field(default_factory=set)  # environment and version of a secret, of what was learnt
    _written: dict[str, None] = field(default_factory=dict, repr=False)  # longest first: one may hold another

    def learn(self, value: str) -> None:
        """Each line of one of several lines too: who prints a key prints it line by line."""
        parts = {part.strip() for part in (value, *value.splitlines())}
        known = {*self._written, *(form for part in parts if len(part) >= SHORTEST for form in forms(part))}
        if len(known) > len(self._written):
            self._written = dict.fromkeys(sorted(known, key=len, reverse=True))

    def values(self) -> Collection[str]:
        """For what masks line by line where the server is not: all forms of all values."""
        return [form for form in self._written if "\n" not in form]

    def hide(self, text: str) -> str:
        for form in self._written:
            if form in text:
                text = text.replace(form, SHOWN)
        return text


class Masked(logging.Formatter):
    """The server's own log, tracebacks included: what a library says of an error may hold what it was given."""

    def __init__(self, inner: logging.Formatter, hidden: Hidden, own: Callable[[], Collection[str]]) -> None:
        """`own`: what the server itself holds. It may be renewed, so each line asks."""
        super().__init__()
        self._inner, self._hidden, self._own = inner, hidden, own

    def format(self, record: logging.LogRecord) -> str:
        text = self._hidden.hide(self._inner.format(record))
        for one in sorted(self._own(), key=len, reverse=True):
            text = text.replace(one, SHOWN)
        return text


@contextmanager
def hidden_in_log(hidden: Hidden, own: Callable[[], Collection[str]]) -> Iterator[None]:
    """Whatever is logged until the block ends."""
    before = [(handler, handler.formatter) for handler in logging.getLogger().handlers]
    for handler, formatter in before:
        handler.setFormatter(Masked(formatter or logging.Formatter(), hidden, own))
    try:
        yield
    finally:
        for handler, formatter in before:
            handler.setFormatter(formatter)


def forms(value: str) -> set[str]:
    """As it is, and as programs write it: in JSON, Python, HTML, a URL, a header."""
    escaped = {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1]}
    quoted = {quote(value, "", errors="replace"), quote(value, errors="replace"), quote_plus(value, errors="replace")}
    return {value, html.escape(value), *escaped, *quoted, *encoded(value)}


def encoded(value: str) -> Iterator[str]:
    """In base64, wherever in what is encoded it stands: `user:password` has another rest before it than `password`.

    Only what the value alone decides: at each end a character that is part of its neighbour's is left out.
    """
    content = value.encode(errors="replace")
    for before in range(3):
        text = b64encode(b"\0" * before + content).decode().rstrip("=")
        whole = text[(0, 2, 3)[before] : len(text) - bool((before + len(content)) % 3)]
        if len(whole) >= SHORTEST:
            yield whole
            yield whole.translate(str.maketrans("+/", "-_"))
