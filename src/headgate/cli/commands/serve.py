"""headgate serve: the engine and its HTTP API."""

import asyncio
import logging
import re
import sys
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from headgate.cli.failure import USAGE, Failure
from headgate.cli.folder import data_folder

LABEL = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
LEASE = re.compile(rf"({LABEL}/)?{LABEL}")  # of Kubernetes


def serve(
    data: str | None = None,
    host: str = "127.0.0.1",
    port: int | None = None,
    expose: bool = False,
    public_url: str | None = None,
    anchor: list[str] | None = None,
    lease: str | None = None,
) -> None:
    _check(host, expose)
    public, anchors = _public(public_url), [_place(one) for one in anchor or []]
    _check_lease(lease)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    folder = Path(data_folder(data))
    from headgate import bootstrap
    from headgate.ports import AdapterError, LogDamaged, LogUnavailable

    def started(address: str) -> None:
        print(f"Headgate serves {address}; data in {folder}. Ctrl-C ends it, what runs goes on.", flush=True)

    try:
        asyncio.run(bootstrap.serve(folder, host, port, started, public, anchors, lease or ""))
    except LogDamaged as error:
        remedy = f"`headgate audit verify --data {folder}` names the first bad row; restore the file from a copy."
        raise Failure(str(error), str(folder), remedy) from error
    except (LogUnavailable, AdapterError) as error:
        raise Failure(str(error), str(folder)) from error  # the text says what to do


def _place(anchor: str) -> str:
    """An address, or a file in a folder that is there."""
    scheme, found, rest = anchor.partition("://")
    if found and scheme in {"http", "https"} and rest.strip("/"):
        return anchor
    path = Path(anchor).expanduser().absolute()
    if found or not path.parent.is_dir() or path.is_dir():
        remedy = "Name a file in a folder that is there, on another disk or host, or an http:// or https:// address."
        raise Failure("anchors cannot be written there", f"--anchor {scheme if found else anchor}", remedy, USAGE)
    return str(path)


def _check_lease(lease: str | None) -> None:
    if lease is not None and not LEASE.fullmatch(lease):
        remedy = "Write NAME, of a Lease in the namespace of this pod, or NAMESPACE/NAME."
        raise Failure(f"{lease!r} is no name of a Lease", "--lease", remedy, USAGE)


def _public(url: str | None) -> str:
    """Without the slash at its end; empty where none is given."""
    if url is None:
        return ""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        remedy = "Write https://HOST, which a proxy passes on to this server."
        raise Failure(f"{url!r} is no address that links can begin with", "--public-url", remedy, USAGE)
    return url.rstrip("/")


def _check(host: str, expose: bool) -> None:
    try:
        loopback = ip_address(host).is_loopback
    except ValueError as error:
        raise Failure(f"{host!r} is not an IP address", "--host", "Write one, such as 127.0.0.1.", USAGE) from error
    if loopback:
        return
    if not expose:
        remedy = "Add --expose if that is meant: whoever reaches it and has the token commands production."
        raise Failure(f"{host} can be reached from other machines", "--host", remedy, USAGE)
    print(
        f"headgate: warning: listening on {host}, which other machines can reach. Requests are not encrypted: "
        "put a TLS proxy or an SSH tunnel in front.",
        file=sys.stderr,
    )
