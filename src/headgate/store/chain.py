"""The hash chain: each row's hash covers the hash before it, so nothing in the log can change or move unseen."""

import hashlib
from dataclasses import dataclass

GENESIS = hashlib.sha256(b"headgate event log, format 1").hexdigest()  # stands before the first row


@dataclass(frozen=True, slots=True)
class Link:
    """A place in the chain: everything up to this position is covered by this hash."""

    position: int
    hash: str


START = Link(0, GENESIS)


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it is stored; `payload` is hashed as it stands, never re-serialised."""

    position: int
    stream: str
    version: int
    at: str
    kind: str
    payload: str
    hash: str = ""

    @property
    def link(self) -> Link:
        return Link(self.position, self.hash)


def digest(previous: str, row: Row) -> str:
    """SHA-256 of the previous hash and the row's fields, each as a netstring ("3:abc,"): none flows into the next."""
    fields = (previous, row.position, row.stream, row.version, row.at, row.kind, row.payload)
    texts = [str(field).encode("utf-8", "surrogateescape") for field in fields]
    return hashlib.sha256(b"".join([b"%d:%s," % (len(text), text) for text in texts])).hexdigest()
