"""The address of a remote repository: what is allowed, and how its login reaches git without being seen."""

import os
import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from headgate.ports import AdapterError

# git@github.com:org/name.git: how ssh addresses are mostly written. Nothing in it may begin with a dash.
SHORT = re.compile(r"(?:[A-Za-z0-9_][\w.-]*@)?([A-Za-z0-9][\w.-]*):(?!/)[\w~][\w./~+-]*")
FORBIDDEN = re.compile(r"[\x00-\x20\x7f\"'`\\<>|;$]")
LOGIN = "HEADGATE_GIT_LOGIN_"  # and the host: HEADGATE_GIT_LOGIN_GIT_EXAMPLE_ORG=USER:TOKEN
PASSED = ("SSH_AUTH_SOCK", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE", "GIT_SSL_CAINFO")
SSH = "ssh -o BatchMode=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=10 -o ServerAliveInterval=15"
# A remote that sends less than 100 bytes/s for 30 s has hung.
SETTINGS = {"gc.auto": "0", "maintenance.auto": "false", "http.lowSpeedLimit": "100", "http.lowSpeedTime": "30"}


@dataclass(frozen=True, slots=True)
class Address:
    text: str
    scheme: str
    host: str  # with the port, where one is written


def address(repository: str) -> Address:
    """Raises AdapterError for whatever git might take for something else than a place."""
    if SHORT.fullmatch(repository) and "://" not in repository:
        return Address(repository, "ssh", repository.partition(":")[0].rpartition("@")[2])
    shown = re.sub(r"//[^/@]*@", "//***@", repository[:200])
    try:
        parts = urlsplit(repository)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise AdapterError(f"Repository {shown!r} is no address: {error}") from error
    if parts.scheme not in ("https", "ssh", "file", "http") or FORBIDDEN.search(repository):
        raise AdapterError(f"Repository {shown!r} is refused: give a folder, or an https, ssh or file address")
    if parts.password or (parts.username and parts.scheme != "ssh"):
        remedy = f"take it out, and give the server the variable {variable(host)}"
        raise AdapterError(f"Repository {shown!r} carries a login: {remedy}")
    if any(part.startswith("-") for part in (host, parts.username or "", *parts.path.split("/"))) or parts.path == "":
        raise AdapterError(f"Repository {shown!r} is refused: it names no place that git could not mistake")
    if (parts.scheme == "file") == bool(host) or (parts.scheme == "http" and not _loopback(host)):
        raise AdapterError(f"Repository {shown!r} is refused: use https (http is for this machine only)")
    return Address(repository, parts.scheme, parts.netloc.rpartition("@")[2])


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def variable(host: str) -> str:
    return LOGIN + re.sub("[^A-Z0-9]", "_", host.upper())


def reaching(address: Address, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Variables for a git that may reach this address and no other kind. A login goes to its own host alone."""
    passed = {name: environ[name] for name in PASSED if name in environ}
    settings = dict(SETTINGS)
    login = environ.get(variable(address.host.partition(":")[0]), "")
    if login and address.scheme in ("https", "http"):
        basic = b64encode(login.encode()).decode()
        where = f"{address.scheme}://{address.host}/"
        settings |= {f"http.{where}.extraHeader": f"Authorization: Basic {basic}", "http.followRedirects": "false"}
    numbered = {f"GIT_CONFIG_KEY_{at}": name for at, name in enumerate(settings)}
    numbered |= {f"GIT_CONFIG_VALUE_{at}": value for at, value in enumerate(settings.values())}
    count = {"GIT_CONFIG_COUNT": str(len(settings))}
    return {**passed, **numbered, **count, "GIT_ALLOW_PROTOCOL": address.scheme, "GIT_SSH_COMMAND": SSH}
