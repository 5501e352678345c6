"""Takes all that a step prints: masks what is secret, and leaves out the middle of what is too long.

A program of its own, so that neither the end of the server nor a flood of output matters. Imports nothing of Headgate:
it starts with each step. Usage: sink.py LOG BYTES DONE DESCRIPTOR, output on standard input, and on the descriptor
a JSON list of secrets.
"""

import json
import os
import re
import sys
from collections import deque

TAIL = 64 * 1024  # bytes of the end that are kept beyond the limit
LONGEST_LINE = 64 * 1024  # bytes; a longer one is taken in pieces
MASK = b"***"

# What is a secret wherever it stands. Each has one group that is masked, or is masked as a whole. Lengths are bounded
# where a long line that almost matches would otherwise be looked through again from each of its characters.
SHAPES = (
    rb"\bAKIA[0-9A-Z]{16}\b",
    rb"\bgh[pousr]_[A-Za-z0-9]{36,}\b",
    rb"\bgithub_pat_[A-Za-z0-9_]{22,}\b",
    rb"\bglpat-[A-Za-z0-9_-]{20,}",
    rb"\bxox[abprs]-[A-Za-z0-9-]{10,}",
    rb"\beyJ[A-Za-z0-9_-]{10,500}\.eyJ[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{10,}",
    rb"(?i:\bBearer )([A-Za-z0-9._~+/-]{16,}=*)",
    rb"[a-z][a-z0-9+.-]{0,20}://[^\s/:@]{0,200}:([^\s/@]{1,500})@",
)
KEY_BEGINS = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----")
KEY_ENDS = re.compile(rb"-----END [A-Z ]*PRIVATE KEY-----")


class Mask:
    def __init__(self, secrets: list[str]) -> None:
        """Longest first: one may be part of another."""
        values = sorted({line.encode() for one in secrets for line in one.splitlines() if line}, key=len, reverse=True)
        self._found = re.compile(b"|".join([*map(re.escape, values), *SHAPES]))
        self._in_key = False

    def of_key(self, line: bytes) -> bool:
        """Whether it is a line of a private key. Asked of every line, in order."""
        if not self._in_key and (b"-----BEGIN" not in line or not KEY_BEGINS.search(line)):
            return False
        self._in_key = not KEY_ENDS.search(line)
        return True

    def hide(self, line: bytes) -> bytes:
        return self._found.sub(_hidden, line)


def _hidden(match: "re.Match[bytes]") -> bytes:
    group = match.lastindex or 0
    begin, end = match.span(group)
    return match.string[match.start() : begin] + MASK + match.string[end : match.end()]


class Sink:
    def __init__(self, log: int, limit: int, mask: Mask) -> None:
        self._log, self._left, self._mask = log, limit, mask
        self._tail: deque[bytes] = deque()  # beyond the limit, not masked yet: most of it is never written
        self._tail_size = self._dropped = 0

    def take(self, line: bytes) -> None:
        shown = MASK + b"\n" if self._mask.of_key(line) else line
        if self._left > 0:
            hidden = self._mask.hide(shown)
            self._left -= len(hidden)
            write(self._log, hidden)
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
            write(self._log, self._mask.hide(line)[-TAIL:])


def write(log: int, text: bytes) -> None:
    """A full disk ends the log, not the step."""
    while text:
        try:
            text = text[os.write(log, text) :]
        except OSError:
            return


def main(log_path: str, limit: str, done: str, secrets: str) -> None:
    with open(int(secrets), encoding="utf-8") as given:
        mask = Mask(json.load(given))
    log = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    sink = Sink(log, int(limit), mask)
    while line := sys.stdin.buffer.readline(LONGEST_LINE):
        sink.take(line)
    sink.end()
    os.close(os.open(done, os.O_WRONLY | os.O_CREAT, 0o600))


if __name__ == "__main__":
    main(*sys.argv[1:])
