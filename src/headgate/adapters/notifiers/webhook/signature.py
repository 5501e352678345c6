"""Signatures in the manner of Standard Webhooks: HMAC-SHA256 over ID.SECONDS.BODY, in base64, as v1."""

import base64
import binascii
import hashlib
import hmac
from datetime import datetime

from headgate.ports import AdapterError

PREFIX = "whsec_"


def signed(ident: str, at: datetime, body: bytes, key: str | None) -> dict[str, str]:
    """The headers. Each try has a moment of its own, so that a receiver may refuse what is old; the id stays."""
    seconds = str(int(at.timestamp()))
    headers = {"webhook-id": ident, "webhook-timestamp": seconds}
    if key is None:
        return headers
    digest = hmac.new(_bytes(key), f"{ident}.{seconds}.".encode() + body, hashlib.sha256).digest()
    return {**headers, "webhook-signature": f"v1,{base64.b64encode(digest).decode()}"}


def _bytes(key: str) -> bytes:
    """whsec_ and base64, as receivers of the standard write it; anything else is the key itself."""
    if not key.startswith(PREFIX):
        return key.encode()
    try:
        return base64.b64decode(key.removeprefix(PREFIX), validate=True)
    except binascii.Error as error:
        raise AdapterError("the key begins with whsec_, and no base64 follows") from error
