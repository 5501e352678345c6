"""What must not stand in the log of a step or a check, whatever it prints."""

import os
import re
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from headgate.model.secrets import SECRET_NAMES, SHORTEST
from headgate.ports import Host

OWN_NAMES = re.compile("LOGIN|^(NOTIFY|GATE)_", re.IGNORECASE)  # USER:PASSWORD, secret addresses, keys


def known_secrets(host: Host) -> Collection[str]:
    """The server's own, and what instances were given. In the server's folder its token lies at the top."""
    return {*of_server(host.folder.parent.parent / "token"), *host.hidden()}


def of_server(token: Path) -> Collection[str]:
    """Its token, and what its environment holds under names that say so. Steps are given none of it."""
    found = {value for name, value in os.environ.items() if SECRET_NAMES.search(name) or OWN_NAMES.search(name)}
    found |= {value.partition(":")[2] for name, value in os.environ.items() if "LOGIN" in name.upper()}
    with suppress(OSError):  # a runner without a server has no token
        found.add(token.read_text(errors="replace").strip())
    return {value for value in found if len(value) >= SHORTEST}
