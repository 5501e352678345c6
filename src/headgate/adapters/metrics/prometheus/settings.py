"""What the file says of a Prometheus: where it is, and which series count. Passwords come from the environment."""

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from yarl import URL

from headgate.adapters.credentials import from_variable
from headgate.model.ids import RevisionId
from headgate.model.measurements import Query
from headgate.model.selectors import WINDOW, Selector, is_expression, parse_each
from headgate.ports import AdapterError

Role = Literal["requests", "errors", "latency"]
ROLES: tuple[Role, ...] = ("requests", "errors", "latency")  # requests first: the others keep to what it saw

_ENVIRONMENT = re.compile(r"([a-z][a-z0-9-]{0,62})/([a-z][a-z0-9-]{0,62})")
_MISSED = 5  # scrapes that may fail before their target counts as not seen


@dataclass(frozen=True, slots=True)
class Server:
    url: URL  # absolute
    token_from: str | None = None  # variable that holds a bearer token
    login_from: str | None = None  # variable that holds USER:PASSWORD

    def __str__(self) -> str:
        """Without user and query: they are for the server, not for a message."""
        return str(self.url.origin() / self.url.path.strip("/")).rstrip("/")

    def headers(self) -> dict[str, str]:
        """Read at each call, so that a renewed token needs no restart. Raises AdapterError."""
        if self.token_from:
            return {"Authorization": f"Bearer {from_variable(self.token_from)}"}
        if self.login_from:
            return {"Authorization": f"Basic {b64encode(from_variable(self.login_from).encode()).decode()}"}
        return {}


def server_of(settings: Mapping[str, str]) -> Server:
    """Raises KeyError, and ValueError for an address that is none."""
    url = URL(settings["url"])
    url.origin()  # raises ValueError for what has no host
    return Server(url, settings.get("token_from"), settings.get("login_from"))


@dataclass(frozen=True, slots=True)
class Expressions:
    """PromQL for one window, with placeholders."""

    server: Server
    requests: str
    errors: str
    latency: str
    unit: float  # seconds; what `latency` is counted in

    @classmethod
    def of(cls, settings: Mapping[str, str]) -> "Expressions | None":
        """None: the settings are selectors of raw series. Raises AdapterError."""
        texts = [settings.get(role, "") for role in ROLES]
        if not any(map(is_expression, texts)):
            return None
        if not all(map(is_expression, texts)):
            raise AdapterError(f"Prometheus: requests, errors and latency have {WINDOW}, or none of them has")
        requests, errors, latency = texts
        try:
            return cls(server_of(settings), requests, errors, latency, float(settings.get("latency_unit", "1")))
        except (KeyError, ValueError) as error:
            raise AdapterError(f"Prometheus cannot be asked with these settings: {error}") from error


@dataclass(frozen=True, slots=True)
class PrometheusSettings:
    server: Server
    selectors: dict[Role, tuple[Selector, ...]]
    stale: timedelta  # a sample so much older than a moment does not stand for it
    unit: float = 1.0  # seconds; what `latency` is counted in

    @classmethod
    def of(cls, settings: Mapping[str, str]) -> "PrometheusSettings":
        """Raises AdapterError: the file was checked, but it may have come from elsewhere."""
        try:
            server = server_of(settings)
            selectors: dict[Role, tuple[Selector, ...]] = {role: parse_each(settings[role]) for role in ROLES}
            between = timedelta(seconds=float(settings.get("scrape_interval", "15")))
            return cls(server, selectors, _MISSED * between, float(settings.get("latency_unit", "1")))
        except KeyError as error:
            raise AdapterError(f"Prometheus needs {error.args[0]}: write it below `metrics: prometheus:`") from error
        except ValueError as error:
            raise AdapterError(f"Prometheus cannot be asked with these settings: {error}") from error


def placeholders(query: Query, revision: RevisionId) -> dict[str, str]:
    """Raises AdapterError for what is no environment: an empty matcher would match the series of others."""
    found = _ENVIRONMENT.fullmatch(query.environment)
    if not found:
        raise AdapterError(f"Prometheus: {query.environment!r} is not an environment: APPLICATION/ENVIRONMENT")
    if not query.service or not revision:
        raise AdapterError("Prometheus: a service and a revision have names")
    return {
        "application": found[1],
        "environment": found[2],
        "service": query.service,
        "revision": revision,
        "workload": f"{query.service}-{revision.removeprefix('rev_')}",
    }
