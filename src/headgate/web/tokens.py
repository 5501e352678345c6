"""Tokens that can do one thing only. The server keeps their hashes: who reads the file can do nothing with it."""

import hashlib
import json
import os
import secrets
from dataclasses import asdict, dataclass
from hmac import compare_digest
from pathlib import Path

from headgate.engine.refusals import AdapterError, Unknown

NAME = "tokens.json"
PREFIX = "hgt"
MOST = 1000

# What a token is for -> what may be asked with it.
SCOPES = {"releases": frozenset({("POST", "/api/releases")})}


@dataclass(frozen=True, slots=True)
class Token:
    id: str
    scope: str
    application: str  # the only one it is good for; empty: any
    by: str
    created_at: str  # ISO 8601, UTC
    sha256: str  # of the token; it is 256 random bits, so that a slow hash would gain nothing


class Tokens:
    def __init__(self, folder: Path | None) -> None:
        """Without a folder there are none."""
        self._path = folder / NAME if folder else None
        self._known = self._read()

    def all(self) -> list[Token]:
        return list(self._known)

    def create(self, scope: str, application: str, by: str, created_at: str) -> tuple[Token, str]:
        """The token's text is returned this once."""
        if len(self._known) >= MOST:
            raise AdapterError(f"There are {MOST} tokens already: revoke some with `headgate token revoke ID`")
        name = f"tok_{secrets.token_hex(6)}"
        text = f"{PREFIX}_{secrets.token_urlsafe(32)}"
        made = Token(name, scope, application, by, created_at, _hash(text))
        self._write([*self._known, made])
        return made, text

    def revoke(self, name: str) -> Token:
        found = next((one for one in self._known if one.id == name), None)
        if found is None:
            raise Unknown(f"there is no token {name!r}; `headgate token list` shows what there is")
        self._write([one for one in self._known if one.id != name])
        return found

    def allowing(self, given: str, method: str, path: str) -> Token | None:
        """The token that this is, if it is good for that."""
        asked = _hash(given) if given.startswith(f"{PREFIX}_") else ""
        found = [one for one in self._known if compare_digest(one.sha256, asked)]
        return next((one for one in found if (method, path) in SCOPES.get(one.scope, ())), None)

    def _read(self) -> list[Token]:
        try:
            file = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW) if self._path else None
        except FileNotFoundError:
            return []
        if file is None:
            return []
        with open(file, encoding="utf-8") as stream:
            os.fchmod(file, 0o600)
            try:
                return [Token(**one) for one in json.load(stream)]
            except (ValueError, TypeError) as error:
                raise AdapterError(f"{self._path} is damaged: {error}. Remove it, and make tokens anew") from error

    def _write(self, known: list[Token]) -> None:
        """Written beside its place, then renamed."""
        if self._path is None:
            raise AdapterError("This server keeps no tokens")
        beside = self._path.with_name(f"{NAME}.{os.getpid()}")
        file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with open(file, "w", encoding="utf-8") as stream:
            json.dump([asdict(one) for one in known], stream)
            stream.flush()
            os.fsync(file)
        beside.replace(self._path)
        self._known = known


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
