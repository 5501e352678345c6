"""What of this server must not stand in a step's log, whatever the step prints."""

import os
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from headgate.model.secrets import SECRET_NAMES, SHORTEST


def known_secrets(token: Path) -> Collection[str]:
    """The server's own token, and what its environment holds under names that say so. Steps are given none of it."""
    found = {value for name, value in os.environ.items() if SECRET_NAMES.search(name)}
    with suppress(OSError):  # a runner without a server has no token
        found.add(token.read_text(errors="replace").strip())
    return {value for value in found if len(value) >= SHORTEST}
