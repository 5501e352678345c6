"""The HTTP API of a Prometheus: raw samples, as they were scraped.

An instant query of a range selector answers with them; `query_range` would answer with values at steps of its own,
up to five minutes old. Increases are then exact differences, and adjacent windows add up.
"""

import json
import math
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp

from headgate.adapters.credentials import without
from headgate.adapters.limited import limited
from headgate.adapters.metrics.prometheus.series import Series, series_of
from headgate.adapters.metrics.prometheus.settings import Server
from headgate.adapters.quoted import LONGEST, short
from headgate.ports import AdapterError

TIMEOUT = timedelta(seconds=5)  # for one reading, all its questions together
LARGEST = 16 * 1024 * 1024  # bytes of an answer
CLOCKS = timedelta(seconds=5)  # how far ours and Prometheus' may be apart


class PrometheusClient:
    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def samples(self, server: Server, selector: str, start: int, end: int) -> list[Series]:
        """Of every series that matches, from `start` to `end`, both included, milliseconds. Raises AdapterError."""
        query = f"{selector}[{end - start + 1}ms]"  # from version 3 on a range leaves its beginning out
        return series_of(await self._query(server, query, end, "matrix"), end)

    async def exists(self, server: Server, query: str, at: int) -> bool:
        """Whether an instant query finds anything. Raises AdapterError."""
        return bool(await self._query(server, query, at, "vector"))

    async def vector(self, server: Server, query: str, at: int) -> list[Any]:
        """Samples of an instant query, unchecked. Raises AdapterError."""
        return await self._query(server, query, at, "vector")

    async def number(self, server: Server, query: str, at: int) -> float:
        """What an expression is worth: a scalar, or the only sample of a vector. Raises AdapterError."""
        kind, result = await self._data(server, query, at)
        try:
            samples = [result] if kind == "scalar" else [one["value"] for one in result] if kind == "vector" else []
            numbers = [float(text) for _, text in samples]
        except (TypeError, ValueError, LookupError) as error:
            raise AdapterError(f"Prometheus at {server} answered with what is no number") from error
        if len(numbers) != 1:
            found = "nothing" if not numbers else f"{len(numbers)} series: aggregate them, as with sum(...)"
            raise AdapterError(f"Prometheus at {server} finds {found} for {short(query)}")
        if not math.isfinite(numbers[0]):
            raise AdapterError(f"{short(query)} is {numbers[0]}, no number (a division by nothing?)")
        return numbers[0]

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _query(self, server: Server, query: str, at: int, kind: str) -> list[Any]:
        found, result = await self._data(server, query, at)
        if found != kind or not isinstance(result, list):
            raise AdapterError(f"Prometheus at {server} answered with something else than a {kind}")
        return result

    async def _data(self, server: Server, query: str, at: int) -> tuple[str, Any]:
        """The type of a result, and the result; neither is checked."""
        status, body = await self._post(server, {"query": query, "time": f"{at / 1000:.3f}"})
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict) or answer.get("status") not in ("success", "error"):
            raise AdapterError(f"what answers at {server} is no Prometheus: HTTP {status}, {short(body[:LONGEST])!r}")
        if answer["status"] == "error" or status != 200:
            raise AdapterError(f"Prometheus at {server} refused: HTTP {status}, {short(answer.get('error'))}")
        if answer.get("warnings"):  # parts are missing, as where one of several stores behind it is down
            raise AdapterError(f"Prometheus at {server} warns of its own answer: {short(answer['warnings'])}")
        data = answer.get("data")
        return (str(data.get("resultType")), data.get("result")) if isinstance(data, dict) else ("", None)

    async def _post(self, server: Server, form: dict[str, str]) -> tuple[int, bytes]:
        url, headers, sent = server.url.joinpath("api/v1/query"), server.headers(), datetime.now(UTC)
        try:
            async with self._open().post(url, data=form, headers=headers, allow_redirects=False) as answer:
                too_much = f"Prometheus answers with over {LARGEST >> 20} MiB: select fewer series"
                body = await limited(answer, LARGEST, too_much)
        except TimeoutError as error:
            raise AdapterError(silent(server)) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            why = short(str(error) or type(error).__name__)
            raise AdapterError(f"Prometheus at {server} cannot be reached ({why})") from error
        _same_time(answer.headers.get("Date"), sent, datetime.now(UTC))
        return answer.status, without((value.partition(" ")[2] for value in headers.values()), body)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            timeout = aiohttp.ClientTimeout(total=TIMEOUT.total_seconds())
            self._session = aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())
        return self._session


def silent(server: Server) -> str:
    return f"Prometheus at {server} did not answer within {TIMEOUT.total_seconds():.0f} s"


def _same_time(date: str | None, sent: datetime, received: datetime) -> None:
    """Samples carry Prometheus' time, windows ours. The header cuts seconds off."""
    try:
        theirs = parsedate_to_datetime(date) if date else None
    except ValueError:
        theirs = None
    if theirs is None:
        return
    theirs = theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC)
    if not sent - CLOCKS - timedelta(seconds=1) <= theirs <= received + CLOCKS:
        apart = abs((received - theirs).total_seconds())
        raise AdapterError(f"the clocks of Headgate and Prometheus are {apart:,.0f} s apart: set them right (NTP)")
