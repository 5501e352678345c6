"""Who signed in to the pages with a token of their own. Kept in memory alone: a restart signs everybody out."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from headgate.engine.refusals import Rejected
from headgate.web.tokens import PERSON, Token, Tokens

LENGTH = timedelta(hours=12)
MOST = 1000  # the oldest makes room
REMEDY = "ask who has the server's token for one: `headgate token person NAME`"


@dataclass(frozen=True, slots=True)
class Session:
    token: str  # its id
    ends: datetime


class Sessions:
    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._open: dict[str, Session] = {}  # by the hash of what the browser holds

    def open(self, given: str, now: datetime) -> tuple[str, str]:
        """What the browser is to hold, and whose it is. Raises Rejected with what to do."""
        found = self._tokens.known(given)
        if found is None or found.scope != PERSON:
            raise Rejected(f"this is no personal token of this server; {REMEDY}")
        if found.expired(now):
            raise Rejected(f"the token {found.id} expired at {found.expires_at}; {REMEDY}")
        while len(self._open) >= MOST:
            del self._open[next(iter(self._open))]
        text = secrets.token_urlsafe(32)
        self._open[_hash(text)] = Session(found.id, now + LENGTH)
        return text, found.person

    def whose(self, text: str, now: datetime) -> Token | None:
        """None: not signed in, or not any more; so is whose token was revoked or expired meanwhile."""
        session = self._open.get(_hash(text))
        if session is None or session.ends <= now:
            return None
        found = next((one for one in self._tokens.all() if one.id == session.token), None)
        return None if found is None or found.expired(now) else found

    def close(self, text: str) -> None:
        self._open.pop(_hash(text), None)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
