"""Takes all that a step prints: masks what is secret, and leaves out the middle of what is too long.

A program of its own, so that neither the end of the server nor a flood of output matters. Imports nothing of Headgate:
it starts with each step. Usage: sink.py LOG BYTES DONE, output on standard input, JSON list of secrets on descriptor 3.
"""

import json
import os
import re
import sys
from collections import deque
from collections.abc import Callable

TAIL = 64 * 1024  # bytes of the end that are kept beyond the limit
LONGEST_LINE = 1 << 20  # bytes; a longer one is taken in pieces
MASK = b"***"

# What is a secret wherever it stands. Each has one group that is masked, or is masked as a whole.
SHAPES = (
    rb"\bAKIA[0-9A-Z]{16}\b",
    rb"\bgh[pousr]_[A-Za-z0-9]{36,}\b",
    rb"\bgithub_pat_[A-Za-z0-9_]{22,}\b",
    rb"\bglpat-[A-Za-z0-9_-]{20,}",
    rb"\bxox[abprs]-[A-Za-z0-9-]{10,}",
    rb"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",
    rb"(?i:\bBearer )([A-Za-z0-9._~+/-]{16,}=*)",
    rb"[a-z][a-z0-9+.-]*://[^\s/:@]*:([^\s/@]+)@",
)
KEY_BEGINS = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----")
KEY_ENDS = re.compile(rb"-----END [A-Z ]*PRIVATE KEY-----")


def masking(secrets: list[str]) -> Callable[[bytes], bytes]:
    """A function from a line to the line without what is secret. Longest first: one may be part of another."""
    values = sorted({line.encode() for one in secrets for line in one.splitlines() if line}, key=len, reverse=True)
    found = re.compile(b"|".join([*map(re.escape, values), *SHAPES]))
    in_key = False

    def mask(line: bytes) -> bytes:
        nonlocal in_key
        if in_key or KEY_BEGINS.search(line):
            in_key = not KEY_ENDS.search(line)
            return MASK + b"\n"
        return found.sub(_hidden, line)

    return mask


def _hidden(match: "re.Match[bytes]") -> bytes:
    group = match.lastindex or 0
    begin, end = match.span(group)
    return match.string[match.start() : begin] + MASK + match.string[end : match.end()]


class Sink:
    def __init__(self, log: int, limit: int, mask: Callable[[bytes], bytes]) -> None:
        self._log, self._left, self._mask = log, limit, mask
        self._tail: deque[bytes] = deque()
        self._tail_size = self._dropped = 0

    def take(self, line: bytes) -> None:
        shown = self._mask(line)
        if not self._tail and len(shown) <= self._left:
            self._left -= len(shown)
            write(self._log, shown)
            return
        self._tail.append(shown)
        self._tail_size += len(shown)
        while self._tail_size > TAIL and len(self._tail) > 1:
            gone = self._tail.popleft()
            self._tail_size -= len(gone)
            self._dropped += len(gone)

    def end(self) -> None:
        if self._dropped:
            write(self._log, b"[headgate: %d bytes of output are left out here]\n" % self._dropped)
        for line in self._tail:
            write(self._log, line[-TAIL:])


def write(log: int, text: bytes) -> None:
    """A full disk ends the log, not the step."""
    while text:
        try:
            text = text[os.write(log, text) :]
        except OSError:
            return


def main(log_path: str, limit: str, done: str) -> None:
    with open(3, encoding="utf-8") as given:
        mask = masking(json.load(given))
    log = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    sink = Sink(log, int(limit), mask)
    while line := sys.stdin.buffer.readline(LONGEST_LINE):
        sink.take(line)
    sink.end()
    os.close(os.open(done, os.O_WRONLY | os.O_CREAT, 0o600))


if __name__ == "__main__":
    main(*sys.argv[1:])
