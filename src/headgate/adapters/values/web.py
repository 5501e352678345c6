"""Value source `web`: a number in the JSON that an address answers with, found by a JSON path (RFC 9535)."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import isfinite
from typing import Any

import aiohttp
from yarl import URL

from headgate.adapters.credentials import from_variable, without
from headgate.adapters.json_path import LONGEST_SHOWN, values_at
from headgate.adapters.limited import Plainly, in_words, limited
from headgate.adapters.quoted import short
from headgate.model.measurements import NoData, Window
from headgate.ports import AdapterError, Host

TIMEOUT = timedelta(seconds=10)
LARGEST = 256 * 1024  # bytes of an answer
SHORTEST = 4  # characters of a secret
MOST = 10  # values that a path is followed to: one is wanted


@dataclass(frozen=True, slots=True)
class WebSettings:
    url: str
    headers: dict[str, str]
    timeout: timedelta

    @classmethod
    def of(cls, settings: Mapping[str, str]) -> "WebSettings":
        """Headers are read at each call, so that a renewed token needs no restart. Raises AdapterError."""
        try:
            url, timeout = settings["url"], timedelta(seconds=float(settings.get("timeout", TIMEOUT.total_seconds())))
        except (KeyError, ValueError) as error:
            raise AdapterError(f"a web metric cannot be asked with these settings: {error}") from error
        named = {key.removeprefix("header."): value for key, value in settings.items() if key.startswith("header.")}
        return cls(url, {header: from_variable(variable) for header, variable in named.items()}, timeout)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no sentence may show, should an answer repeat it; the longest first."""
        words = {word for value in self.headers.values() for word in (value, *value.split()) if len(word) >= SHORTEST}
        return tuple(sorted(words, key=len, reverse=True))


def create(host: Host) -> "WebValues":
    return WebValues()


class WebValues:
    def __init__(self) -> None:
        self._plainly = Plainly()

    async def value(self, expression: str, settings: Mapping[str, str], window: Window) -> float | NoData:
        try:
            asked = WebSettings.of(settings)
            body = await self._get(asked)
            return await asyncio.to_thread(number_at, expression, body, asked.secrets)
        except AdapterError as error:
            return NoData(str(error))

    async def close(self) -> None:
        await self._plainly.close()

    async def _get(self, asked: WebSettings) -> bytes:
        """Raises AdapterError. A redirection is none of ours: the headers are for the address in the file."""
        where, timeout = _address(asked.url), aiohttp.ClientTimeout(total=asked.timeout.total_seconds())
        with in_words(where, asked.timeout):
            async with self._plainly.session().get(
                asked.url, headers=asked.headers, allow_redirects=False, timeout=timeout
            ) as answer:
                if answer.status != 200:
                    raise AdapterError(f"{where} answered HTTP {answer.status}")
                too_much = f"{where} answers with over {LARGEST >> 10} KiB: name an address that says less"
                return await limited(answer, LARGEST, too_much)


def number_at(path: str, body: bytes, secrets: Sequence[str] = ()) -> float:
    """Raises AdapterError unless the path leads to exactly one finite number; true is 1, false is 0."""
    found = values_at(path, body, MOST, secrets)
    if len(found) != 1:
        many = f"{MOST} values or more" if len(found) == MOST else f"{len(found)} values" if found else "nothing"
        raise AdapterError(f"{short(path)} leads to {many} in the answer")
    return _number(path, found[0], secrets)


def _number(path: str, value: Any, secrets: Sequence[str]) -> float:
    """As texts too: many write numbers so."""
    try:
        number = float(value) if isinstance(value, bool | int | float | str) else None
    except (ValueError, OverflowError):
        number = None
    if number is None or not isfinite(number):
        shown = short(without(secrets, json.dumps(value).encode()), LONGEST_SHOWN)
        raise AdapterError(f"{short(path)} leads to {shown}, which is no number")
    return number


def _address(url: str) -> str:
    """Without user and query: they are for the server, not for the log."""
    try:
        parts = URL(url)
        return str(parts.origin() / parts.path.strip("/"))
    except ValueError as error:
        raise AdapterError("a web metric needs an address that begins with http:// or https://") from error
