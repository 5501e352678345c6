"""The door: who may ask, from where, and how much at once. Stands before everything else.

A web page in a browser on this machine must not be able to speak to the server: neither through a name that it
rebinds to loopback (the Host header shows it) nor across origins (Origin and Sec-Fetch-Site show it).
"""

from base64 import b64decode
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime
from hmac import compare_digest

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from headgate.engine.acting import ENGINE, enter
from headgate.model.actor import Actor, Authentication
from headgate.web import sheets
from headgate.web.failures import failure
from headgate.web.recorder import PAGES, REVIEWS, again
from headgate.web.tokens import PERSON, Tokens

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
LARGEST_BODY = 1 << 20  # bytes; a specification is at most a few kilobytes
OPEN = frozenset({"/api/health", "/api/openapi.json"})  # say nothing that is secret
HOOKS = "/hooks/"  # have a signature of their own
TurnedAway = Callable[[Scope, Response], Awaitable[None]]  # is told of each refusal before it is answered


class Guard:
    def __init__(
        self,
        app: ASGIApp,
        token: str,
        hosts: Collection[str],
        tokens: Tokens,
        now: Callable[[], datetime],
        turned_away: TurnedAway,
    ) -> None:
        self._app = app
        self._turned_away = turned_away
        self._tokens = tokens
        self._now = now
        self._expected = f"Bearer {token}".encode()
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await self._turned_away(scope, refusal)
            await refusal(scope, receive, send)
            return
        await self._within_limits(scope, receive, send)

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        path, host = scope["path"], headers.get("host", "")
        enter(Actor("", "nobody", source(scope, headers)))
        if host_name(host) not in self._hosts:
            remedy = f"Ask by one of these names: {', '.join(sorted(self._hosts))}."
            return failure(421, "the Host header names another server", host[:100], remedy)
        origin = headers.get("origin")
        other_site = headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
        page = path == "/" or path.startswith(PAGES)
        # A link in a mail is followed from another site: what is shown by it changes nothing.
        followed = scope["method"] == "GET" and (page or path.startswith(REVIEWS))
        if (other_site and not followed) or (origin is not None and origin.partition("://")[2] != host):
            return failure(403, "web pages of other origins may not ask", path, "Use the command line.")
        if path.startswith(HOOKS):
            enter(ENGINE)  # what a hook says is signed, and nobody's command
            return None
        if path in OPEN or path.startswith(REVIEWS):
            return None  # whose a link is, is known once it is read
        return self._stranger(scope, headers) if page else self._unknown(scope, headers)

    def _stranger(self, scope: Scope, headers: Headers) -> Response | None:
        """At the pages a browser shows a person's token, as the password. It shows it to this port alone: no cookie
        is asked for, because cookies know no ports, and what is judged here may run behind another one.
        """
        given = password(headers.get("authorization", ""))
        found = self._tokens.known(given)
        if found is None or found.scope != PERSON:
            return sheets.signing_in("This is no personal token of this server." if given else "")
        if found.expired(self._now()):
            return sheets.signing_in(f"The token {found.id} expired at {found.expires_at}.")
        enter(Actor(found.person, "personal-token", source(scope, headers, "ui")))
        return None

    def _unknown(self, scope: Scope, headers: Headers) -> JSONResponse | None:
        """Who has the server's token may do everything; another one is good for what it is for, and as long."""
        path, method, given = scope["path"], scope["method"], headers.get("authorization", "")
        if compare_digest(given.encode("latin-1", "replace"), self._expected):
            enter(Actor("", "server-token", source(scope, headers)))
            return None
        found = self._tokens.known(given.removeprefix("Bearer "))
        if found is None:
            own = "a person's own, which HEADGATE_TOKEN holds for the command line"
            remedy = f"Send `Authorization: Bearer TOKEN`: {own}, or that in the file `token` of the data folder."
            return failure(401, "the token is missing or wrong", path, remedy)
        kind: Authentication = "personal-token" if found.scope == PERSON else "releases-token"
        enter(Actor(found.person or f"token {found.id}", kind, source(scope, headers)))
        if found.expired(self._now()):
            remedy = "Ask for a new one: `headgate token person NAME`."
            return failure(401, f"the token {found.id} expired at {found.expires_at}", path, remedy)
        if not found.may(method, path):
            who = f"of {found.person}" if found.scope == PERSON else f"for {found.scope}"
            return failure(403, f"a token {who} is not for this", path, "Who has the server's own token may do it.")
        scope.setdefault("state", {})["token"] = found
        return None

    async def _within_limits(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The whole body is taken before anyone works on it: none of ours is long."""
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            if len(body) > LARGEST_BODY:
                refusal = failure(413, f"more than {LARGEST_BODY:,} bytes", scope["path"], "Send less.")
                await self._turned_away(scope, refusal)
                await refusal(scope, receive, send)
                return
            if not message.get("more_body"):
                break
        whole = {"type": "http.request", "body": body, "more_body": False}
        await self._app(scope, again(whole, receive), send)


def password(authorization: str) -> str:
    """Of `Basic`; whatever name stands before it. What was given as the name alone counts too."""
    scheme, _, given = authorization.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        name, _, word = b64decode(given).decode().partition(":")
    except ValueError:
        return ""
    return (word or name).strip()


def source(scope: Scope, headers: Headers, way: str = "") -> str:
    """By which way, and from which address: of the proxy, where one is in front. The way is what the client says."""
    way = way or ("cli" if headers.get("user-agent") == "headgate" else "api")
    address = scope["client"][0] if scope.get("client") else "unknown"
    return f"{way} {address}"


def host_name(host: str) -> str:
    """Without the port; IPv6 without its brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()
