"""Addresses that passwords and values go to: encrypted, unless they do not leave this machine."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from headgate.spec.sections.section import unsuitable


def refuse_unencrypted(url: str, remedy: str, at: tuple[int | str, ...] = ()) -> None:
    parts = urlsplit(url)
    if parts.scheme == "http" and not _here(parts.hostname or ""):
        raise unsuitable("https://, or http:// to this machine", remedy, at)


def _here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
