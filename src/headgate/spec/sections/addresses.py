"""An address that secrets go to: encrypted, unless they do not leave this machine."""

from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

from headgate.spec.sections.section import unsuitable
from headgate.spec.sections.texts import Url


def _encrypted(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme == "http" and not _here(parts.hostname or ""):
        raise unsuitable("https://, or http:// to this machine", "Write https://: what is secret goes there.")
    return url


def _here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


SafeUrl = Annotated[Url, AfterValidator(_encrypted)]
