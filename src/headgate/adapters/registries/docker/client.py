"""Requests to a registry: TLS, its challenge answered with a token or a password, errors as sentences."""

import json
import re
import ssl
import time
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import aiohttp
from multidict import CIMultiDictProxy
from yarl import URL

from headgate.adapters.limited import limited
from headgate.adapters.loopback import is_loopback
from headgate.adapters.quoted import short
from headgate.adapters.registries.docker.settings import Server, Tokens
from headgate.ports import AdapterError

PATIENCE = timedelta(seconds=30)  # for one answer
LARGEST = 8 << 20  # bytes of a manifest or a list; registries themselves allow 4 MiB
SHORTEST_TOKEN = 60  # seconds that a token holds where the registry does not say
_PARAMETER = re.compile(r'([a-z_]+)="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: CIMultiDictProxy[str]
    body: bytes


class RegistryClient:
    def __init__(self, patience: timedelta = PATIENCE) -> None:
        self._patience = patience
        self._tokens = Tokens()
        self._with_password: set[str] = set()  # servers that asked for it: not each request is refused first

    async def ask(
        self, server: Server, method: str, path: str, scope: str, headers: Mapping[str, str], data: bytes | None = None
    ) -> Answer:
        """`scope`: what a token must allow, such as repository:shop/web:pull. Raises AdapterError."""
        url = server.url.join(URL(path, encoded=True))
        async with self._session(server) as session:
            known = self._known(server, scope)
            answer = await self._send(server, session, method, url, {**headers, **known}, data)
            if answer.status == 401:
                proof = await self._proof(server, session, answer, scope)
                answer = await self._send(server, session, method, url, {**headers, **proof}, data)
        if answer.status in (401, 403):
            raise AdapterError(f"registry {server} does not let us in: {reason(answer)}; {_login_remedy(server)}")
        return answer

    def _session(self, server: Server) -> aiohttp.ClientSession:
        secure = server.url.scheme == "https"
        connector = aiohttp.TCPConnector(ssl=server.trust() if secure else True)
        timeout = aiohttp.ClientTimeout(total=self._patience.total_seconds())
        return aiohttp.ClientSession(connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())

    async def _send(
        self,
        server: Server,
        session: aiohttp.ClientSession,
        method: str,
        url: URL,
        headers: Mapping[str, str],
        data: bytes | None = None,
    ) -> Answer:
        try:
            async with session.request(method, url, headers=headers, data=data, allow_redirects=False) as answer:
                too_much = f"registry {server} answers with over {LARGEST >> 20} MiB: that is no manifest"
                return Answer(answer.status, answer.headers, await limited(answer, LARGEST, too_much))
        except TimeoutError as error:
            patience = f"{self._patience.total_seconds():g} s"
            raise AdapterError(f"registry {server} did not answer within {patience}; repeat the command") from error
        except (aiohttp.ClientConnectorCertificateError, ssl.SSLError) as error:
            why = f"its certificate is not trusted ({short(error)})"
            remedy = "if it has a private CA, name its file: `registry: {docker: {ca: /PATH.pem}}`"
            raise AdapterError(f"registry {server}: {why}; {remedy}") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            remedy = "see that it runs, and repeat the command"
            raise AdapterError(f"registry {server} cannot be reached ({short(error)}); {remedy}") from error

    def _known(self, server: Server, scope: str) -> dict[str, str]:
        if str(server) in self._with_password and (login := server.login()):
            return _basic(login)
        token, until = self._tokens.kept.get((str(server), scope), ("", 0.0))
        return {"Authorization": f"Bearer {token}"} if time.monotonic() < until else {}

    async def _proof(
        self, server: Server, session: aiohttp.ClientSession, answer: Answer, scope: str
    ) -> dict[str, str]:
        """What the registry's challenge asks for. A password goes out over TLS, or to this machine."""
        challenge = answer.headers.get("WWW-Authenticate", "")
        kind, _, rest = challenge.partition(" ")
        login = server.login()
        if kind.lower() == "bearer":
            return await self._token(server, session, dict(_PARAMETER.findall(rest)), scope)
        if kind.lower() == "basic" and login:
            self._with_password.add(str(server))
            return _basic(login)
        raise AdapterError(f"registry {server} asks for a login; {_login_remedy(server)}")

    async def _token(
        self, server: Server, session: aiohttp.ClientSession, challenge: Mapping[str, str], scope: str
    ) -> dict[str, str]:
        realm, login = URL(challenge.get("realm", "")), server.login()
        if realm.scheme != "https" and not (realm.scheme == "http" and is_loopback(realm.host or "")):
            raise AdapterError(f"registry {server} sends us for a token to {realm}, which is not HTTPS: refused")
        query = {"scope": scope} | ({"service": challenge["service"]} if "service" in challenge else {})
        answer = await self._send(server, session, "GET", realm.update_query(query), _basic(login) if login else {})
        try:
            told = json.loads(answer.body)
            token = str(told.get("token") or told["access_token"])
            seconds = max(SHORTEST_TOKEN, int(told.get("expires_in", SHORTEST_TOKEN)))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            why = f"no token from {realm.origin()}: {reason(answer)}; {_login_remedy(server)}"
            raise AdapterError(f"registry {server}: {why}") from error
        self._tokens.kept[str(server), scope] = (token, time.monotonic() + seconds / 2)
        return {"Authorization": f"Bearer {token}"}


def reason(answer: Answer) -> str:
    """The registry's own words, where it has some."""
    try:
        first = json.loads(answer.body)["errors"][0]
        words = " ".join(str(first.get(part, "")) for part in ("code", "message")).strip()
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        words = answer.body[:200].decode(errors="replace")
    return f"HTTP {answer.status} {short(words)}".strip()


def _basic(login: tuple[str, str]) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(':'.join(login).encode()).decode()}"}


def _login_remedy(server: Server) -> str:
    if server.login_from:
        return f"check user and password in the variable {server.login_from}"
    return "name the variable that holds USER:PASSWORD: `registry: {docker: {login_from: REGISTRY_LOGIN}}`"
