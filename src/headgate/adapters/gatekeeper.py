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
from headgate.adapters.limited import limited
from headgate.adapters.quoted import short
from headgate.model.observations import GateAnswer
from headgate.model.rules import WebhookGate
from headgate.ports import AdapterError

LARGEST = 64 * 1024  # bytes of an answer
TIME, SIGNATURE = "Headgate-Timestamp", "Headgate-Signature"


class WebGatekeeper:
    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def ask(self, gate: WebhookGate, question: Mapping[str, object], at: datetime) -> GateAnswer:
        try:
            body = json.dumps(question).encode()
            return GateAnswer(*answered(await self._post(gate, body, signed(gate.secret_from, body, at))), at)
        except AdapterError as error:
            return GateAnswer(None, str(error), at)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _post(self, gate: WebhookGate, body: bytes, headers: Mapping[str, str]) -> bytes:
        """Raises AdapterError. A redirection is none of ours: the question is for the address in the file."""
        timeout = aiohttp.ClientTimeout(total=gate.timeout.total_seconds())
        try:
            async with self._open().post(
                gate.url, data=body, headers=headers, allow_redirects=False, timeout=timeout
            ) as answer:
                if answer.status != 200:
                    raise AdapterError(f"it answered HTTP {answer.status}")
                return await limited(answer, LARGEST, f"it answers with over {LARGEST >> 10} KiB")
        except TimeoutError as error:
            raise AdapterError(f"no answer within {gate.timeout.total_seconds():g} s") from error
        except aiohttp.ClientResponseError as error:  # whose own text has the address with its query
            raise AdapterError(f"it answered with what is no HTTP ({type(error).__name__})") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise AdapterError(f"it cannot be reached ({short(_plain(error))})") from error

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            # Uncompressed: a few bytes must not become more than LARGEST.
            usual = {"Accept-Encoding": "identity", "Content-Type": "application/json"}
            self._session = aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False, headers=usual
            )
        return self._session


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


def _plain(error: Exception) -> str:
    """What the system said, without the address, whose query may be a secret."""
    system = getattr(error, "os_error", error)
    words = system.strerror if isinstance(system, OSError) else ""
    return words or type(error).__name__
