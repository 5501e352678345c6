"""What the file says of a registry: where it is, whom it trusts. Passwords come from the environment."""

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

from yarl import URL

from headgate.adapters.loopback import is_loopback
from headgate.model.images import Repository
from headgate.ports import AdapterError


@dataclass(frozen=True, slots=True)
class Server:
    url: URL  # https, or http to this machine
    login_from: str | None = None  # variable that holds USER:PASSWORD
    ca: str | None = None  # file of the certificates that it is trusted by; None: the machine's own

    def __str__(self) -> str:
        return str(self.url.origin())

    @property
    def host(self) -> str:
        """As it stands before an image's name: without the port that https has anyway."""
        return self.url.host_port_subcomponent or ""

    def login(self) -> tuple[str, str] | None:
        """User and password, read at each call: renewed ones need no restart. Raises AdapterError."""
        if not self.login_from:
            return None
        user, colon, password = os.environ.get(self.login_from, "").strip().partition(":")
        if not user or not colon or not password:
            where = "where the Headgate server runs"
            raise AdapterError(f"registry {self}: set the variable {self.login_from} to USER:PASSWORD {where}")
        return user, password

    def trust(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self.ca)
        except (OSError, ssl.SSLError) as error:
            raise AdapterError(f"registry {self}: the certificates in {self.ca} cannot be read ({error})") from error


@dataclass(frozen=True, slots=True)
class Tokens:
    """Bearer tokens by server and scope, each with the moment (monotonic, seconds) from which on it is not used."""

    kept: dict[tuple[str, str], tuple[str, float]] = field(default_factory=dict)


def server_of(settings: Mapping[str, str]) -> Server:
    """Raises AdapterError: the file was checked, but what it says may have come from elsewhere."""
    try:
        url = URL(settings["url"])
        url = url.origin()
    except KeyError as error:
        raise AdapterError("the registry needs url: write it below `registry: docker:`") from error
    except ValueError as error:
        raise AdapterError(f"the registry's url cannot be understood: {error}") from error
    if url.scheme not in ("http", "https") or (url.scheme == "http" and not is_loopback(url.host or "")):
        raise AdapterError(f"registry {url}: plain HTTP only to this machine; write https://")
    return Server(url, settings.get("login_from"), settings.get("ca"))


def checked(repository: Repository, tag: str | None = None) -> str:
    """The repository's name. Raises AdapterError."""
    if problem := repository.problem(tag):
        raise AdapterError(problem)
    return repository.name
