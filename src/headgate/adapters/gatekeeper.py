"""Webhook gates: another system is asked by POST, signed, and says in JSON whether a start may be.

Anything but a plain yes or no from the address in the file itself is unknown.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import aiohttp

from headgate.adapters.credentials import from_variable
from headgate.adapters.limited import Plainly, in_words, limited
from headgate.adapters.quoted import short
from headgate.model.observations import GateAnswer
from headgate.model.rules import WebhookGate
from headgate.ports import AdapterError

LARGEST = 64 * 1024  # bytes of an answer
TIME, SIGNATURE = "Headgate-Timestamp", "Headgate-Signature"


class WebGatekeeper:
    def __init__(self) -> None:
        self._plainly = Plainly({"Content-Type": "application/json"})

    async def ask(self, gate: WebhookGate, question: Mapping[str, object], at: datetime) -> GateAnswer:
        try:
            body = json.dumps(question).encode()
            return GateAnswer(*answered(await self._post(gate, body, signed(gate.secret_from, body, at))), at)
        except AdapterError as error:
            return GateAnswer(None, str(error), at)

    async def close(self) -> None:
        await self._plainly.close()

    async def _post(self, gate: WebhookGate, body: bytes, headers: Mapping[str, str]) -> bytes:
        """Raises AdapterError. A redirection is none of ours: the question is for the address in the file."""
        timeout = aiohttp.ClientTimeout(total=gate.timeout.total_seconds())
        with in_words("it", gate.timeout):
            async with self._plainly.session().post(
                gate.url, data=body, headers=headers, allow_redirects=False, timeout=timeout
            ) as answer:
                if answer.status != 200:
                    raise AdapterError(f"it answered HTTP {answer.status}")
                return await limited(answer, LARGEST, f"it answers with over {LARGEST >> 10} KiB")


def signed(variable: str | None, body: bytes, at: datetime) -> dict[str, str]:
    """HMAC-SHA256 over "SECONDS.BODY": whose question it is, and how old. Raises AdapterError where there is no key."""
    seconds = str(int(at.timestamp()))
    if variable is None:
        return {TIME: seconds}
    key = from_variable(variable).encode()
    digest = hmac.new(key, seconds.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {TIME: seconds, SIGNATURE: f"sha256={digest}"}


def answered(body: bytes) -> tuple[bool, str]:
    """{"open": true | false, "why": TEXT}. Raises AdapterError for everything else: a "yes" in words opens nothing."""
    try:
        told: Any = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise AdapterError("its answer is no JSON") from error
    said = told.get("open") if isinstance(told, dict) else None
    if not isinstance(said, bool):
        raise AdapterError("its answer has no `open` that is true or false")
    why = told.get("why")
    return said, short(why) if isinstance(why, str) and why.strip() else "it gave no reason"
