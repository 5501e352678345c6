"""What the server knows itself by elsewhere: from its own variables, and never into a log."""

import json
import os
from collections.abc import Iterable

from headgate.ports import AdapterError


def from_variable(name: str) -> str:
    """Read at each call, so that a renewed one needs no restart. Raises AdapterError."""
    value = os.environ.get(name, "").strip()
    if not value:
        raise AdapterError(f"the variable {name} is not set where the Headgate server runs")
    if not value.isascii() or not value.isprintable():
        raise AdapterError(f"the variable {name} holds what cannot be sent: printable ASCII only")
    return value


def without(secrets: Iterable[str], answer: bytes) -> bytes:
    """Who answers with the headers it got, as some do on errors, writes no token into the log; in JSON neither."""
    for secret in secrets:
        for written in (secret, json.dumps(secret)[1:-1]):
            answer = answer.replace(written.encode(), b"***")
    return answer
