"""Who asked for something, how that is known, and from where."""

from dataclasses import dataclass
from typing import Literal

# nobody: who was turned away at the door. server-token: whoever has the machine's token; the name is
# what they say. The last two prove who it is.
Authentication = Literal["nobody", "engine", "server-token", "releases-token", "personal-token", "signed-link"]
PROVEN: frozenset[Authentication] = frozenset({"personal-token", "signed-link"})


@dataclass(frozen=True, slots=True)
class Actor:
    by: str
    authenticated: Authentication = "server-token"
    source: str = ""  # "cli 127.0.0.1", "api 10.0.0.7", "ui 10.0.0.7", "link lnk_3f... 10.0.0.7"

    @property
    def proven(self) -> bool:
        """The name is known, not claimed."""
        return self.authenticated in PROVEN
