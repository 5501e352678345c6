"""Signed links: one person, one set, one answer, for a while. Only that one was used is kept: in the log."""

import hashlib
import hmac
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

from headgate.engine.refusals import AdapterError, Rejected
from headgate.model.approvals import Link, Verb
from headgate.web.token import KEY, token

LONGEST = 4000  # characters of a link's text


class Links:
    def __init__(self, folder: Path | None) -> None:
        """The key is the server's own; without a folder there are no links."""
        self._folder = folder

    def make(self, link: Link) -> str:
        said = json.dumps({**asdict(link), "expires_at": link.expires_at.isoformat()}, separators=(",", ":"))
        payload = urlsafe_b64encode(said.encode()).rstrip(b"=")
        return f"{payload.decode()}.{self._signature(payload)}"

    def read(self, text: str, now: datetime) -> Link:
        """Raises Rejected with what to tell whoever followed it; which of its parts is wrong is nobody's business."""
        payload, _, signature = text.partition(".")
        given = payload.encode("ascii", "replace")
        if len(text) > LONGEST or not hmac.compare_digest(signature.encode(), self._signature(given).encode()):
            raise Rejected("this is no link of this server, or not all of it: ask for another one")
        link = _link(json.loads(urlsafe_b64decode(given + b"=" * (-len(given) % 4))))
        if link.expires_at <= now:
            raise Rejected(f"this link was good until {link.expires_at:%Y-%m-%d %H:%M} UTC: ask for another one")
        return link

    def _signature(self, payload: bytes) -> str:
        if self._folder is None:
            raise AdapterError("This server makes no links")
        key = token(self._folder, KEY).encode()
        return hmac.new(key, b"review link\0" + payload, hashlib.sha256).hexdigest()


def _link(said: dict[str, Any]) -> Link:
    verbs = tuple(verb for verb in get_args(Verb) if verb in said["verbs"])
    return Link(**{**said, "verbs": verbs, "expires_at": datetime.fromisoformat(said["expires_at"])})


def fresh() -> str:
    return f"lnk_{secrets.token_hex(8)}"
