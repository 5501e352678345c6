"""Tokens that can do one thing only, or are one person's. Only their hashes are kept: who reads the file gains nothing.

What a person may do is what moves releases; what judges them (apply, tokens) is for who has the server's own token.
"""

import hashlib
import hmac
import json
import os
import re
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime
from hmac import compare_digest
from pathlib import Path

from headgate.engine.refusals import AdapterError, Unknown
from headgate.web.token import KEY, token

NAME = "tokens.json"
PREFIX = "hgt"
MOST = 1000

# What a token is for -> what may be asked with it.
SCOPES = {"releases": re.compile(r"POST /api/releases")}
PERSON = "person"
ALLOWED = re.compile(
    r"GET /api/applications(/.*)?"
    r"|POST /api/(un)?freeze"
    r"|POST /api/applications/[^/]+/(releases|lift|builds/[^/]+/cancel|environments/[^/]+/[a-z-]+)"
)


@dataclass(frozen=True, slots=True)
class Token:
    id: str
    scope: str
    application: str  # the only one it is good for; empty: any
    by: str
    created_at: str  # ISO 8601, UTC
    sha256: str  # of the token; it is 256 random bits, so that a slow hash would gain nothing. Keyed: of a person's
    person: str = ""  # whose it is
    expires_at: str = ""  # ISO 8601, UTC; empty: never

    def may(self, method: str, path: str) -> bool:
        pattern = ALLOWED if self.scope == PERSON else SCOPES.get(self.scope)
        return pattern is not None and pattern.fullmatch(f"{method} {path}") is not None

    def expired(self, now: datetime) -> bool:
        return bool(self.expires_at) and datetime.fromisoformat(self.expires_at) <= now


class Tokens:
    def __init__(self, folder: Path | None) -> None:
        """Without a folder there are none."""
        self._path = folder / NAME if folder else None
        self._key = b""
        self._known = self._read()

    def all(self) -> list[Token]:
        return list(self._known)

    def create(self, scope: str, application: str, by: str, created_at: str) -> tuple[Token, str]:
        """The token's text is returned this once."""
        self._room()
        name = f"tok_{secrets.token_hex(6)}"
        text = f"{PREFIX}_{secrets.token_urlsafe(32)}"
        made = Token(name, scope, application, by, created_at, _hash(text))
        self._write([*self._known, made])
        return made, text

    def personal(self, person: str, by: str, created_at: datetime, expires_at: datetime | None) -> tuple[Token, str]:
        """Not kept yet: `keep` does. The token's text is returned this once."""
        self._room()
        name, text = f"tok_{secrets.token_hex(6)}", f"{PREFIX}_{secrets.token_urlsafe(32)}"
        until = expires_at.isoformat() if expires_at else ""
        return Token(name, PERSON, "", by, created_at.isoformat(), self._keyed(text), person, until), text

    def keep(self, made: Token) -> None:
        self._write([*self._known, made])

    def revoke(self, name: str) -> Token:
        found = next((one for one in self._known if one.id == name), None)
        if found is None:
            raise Unknown(f"there is no token {name!r}; `headgate token list` shows what there is")
        self._write([one for one in self._known if one.id != name])
        return found

    def known(self, given: str) -> Token | None:
        """The token that this is; what it is good for, and until when, it says itself."""
        if not given.startswith(f"{PREFIX}_"):
            return None
        plain, keyed = _hash(given), self._keyed(given) if self._path else ""
        found = [one for one in self._known if compare_digest(one.sha256, keyed if one.person else plain)]
        return found[0] if found else None

    def _room(self) -> None:
        if len(self._known) >= MOST:
            raise AdapterError(f"There are {MOST} tokens already: revoke some with `headgate token revoke ID`")

    def _keyed(self, text: str) -> str:
        """Who can write the file, and has not the key beside it, makes no token by that."""
        if self._path is None:
            raise AdapterError("This server keeps no tokens")
        self._key = self._key or token(self._path.parent, KEY).encode()
        return hmac.new(self._key, b"personal token\0" + _bytes(text), hashlib.sha256).hexdigest()

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
    return hashlib.sha256(_bytes(text)).hexdigest()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
