"""One question to a store's server: TLS, a time limit, an answer up to a limit, errors as sentences."""

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import aiohttp
from yarl import URL

from headgate.adapters.credentials import without
from headgate.adapters.limited import limited, plain
from headgate.adapters.loopback import is_loopback
from headgate.adapters.quoted import short
from headgate.ports import AdapterError

PATIENCE = timedelta(seconds=10)  # for one answer
LARGEST = 2 << 20  # bytes of an answer: more than the largest secret, and a page of names
TOKENS = ("Authorization", "X-Vault-Token")  # headers that let us in
SHORTEST = 4  # characters of what is masked


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    told: Any = field(repr=False)  # JSON; None: it was none. Never to be repeated in a sentence as it is

    def field(self, *path: str) -> Any:
        """What stands at a path of names; None: nothing does."""
        here = self.told
        for name in path:
            here = here.get(name) if isinstance(here, dict) else None
        return here


@dataclass(frozen=True, slots=True)
class Server:
    what: str  # "Vault"
    url: URL
    ca: str = ""  # file of the certificates that it is trusted by; empty: the machine's own
    patience: timedelta = PATIENCE

    def __str__(self) -> str:
        return f"{self.what} at {self.url.origin()}"

    @classmethod
    def of(cls, what: str, settings: Mapping[str, str]) -> "Server":
        """Raises AdapterError: the file was checked, but what it says may have come from elsewhere."""
        try:
            url = URL(settings["url"])
            url.origin()
        except (KeyError, ValueError) as error:
            raise AdapterError(f"{what} needs url, an address that begins with https://") from error
        if url.scheme != "https" and not (url.scheme == "http" and is_loopback(url.host or "")):
            raise AdapterError(f"{what} at {url.origin()}: plain HTTP only to this machine; write https://")
        return cls(what, url, settings.get("ca", ""))

    async def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        sent: Any = None,
        query: Mapping[str, str] | None = None,
    ) -> Answer:
        """`path` is quoted already. A redirection is none of ours: tokens are for the address in the file."""
        url = self.url.join(URL(path, encoded=True)).with_query(query)
        timeout = aiohttp.ClientTimeout(total=self.patience.total_seconds())
        try:
            async with (
                aiohttp.ClientSession(
                    connector=aiohttp.TCPConnector(ssl=self._trust()),
                    timeout=timeout,
                    cookie_jar=aiohttp.DummyCookieJar(),
                    auto_decompress=False,  # a few bytes must not become more than LARGEST
                    headers={"Accept-Encoding": "identity"},
                ) as session,
                session.request(method, url, headers=headers, json=sent, allow_redirects=False) as answer,
            ):
                body = await limited(answer, LARGEST, f"{self} answers with over {LARGEST >> 20} MiB")
                status = answer.status
        except TimeoutError as error:
            raise AdapterError(f"{self} did not answer within {self.patience.total_seconds():g} s") from error
        except (aiohttp.ClientConnectorCertificateError, ssl.SSLError) as error:
            remedy = "if it has a private CA, name its file as `ca`"
            raise AdapterError(f"{self}: its certificate is not trusted ({short(error)}); {remedy}") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            why = short(plain(error))
            raise AdapterError(f"{self} cannot be reached ({why}); see that it runs, and that url is right") from error
        if 300 <= status < 400:
            raise AdapterError(f"{self} sends us elsewhere (HTTP {status}): write the address that answers itself")
        return Answer(status, _told(without(_tokens(headers or {}), body) if status >= 400 else body))

    def _trust(self) -> ssl.SSLContext | bool:
        if self.url.scheme != "https":
            return True
        try:
            return ssl.create_default_context(cafile=self.ca or None)
        except (OSError, ssl.SSLError) as error:
            raise AdapterError(f"{self}: the certificates in {self.ca} cannot be read ({short(error)})") from error


def _tokens(headers: Mapping[str, str]) -> list[str]:
    """Who repeats the headers it got, as some do on errors, writes no token into our sentences."""
    said = (value for name, value in headers.items() if name in TOKENS)
    return [word for value in said for word in value.split() if len(word) >= SHORTEST]


def _told(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
