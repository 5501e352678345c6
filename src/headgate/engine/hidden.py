"""What no answer, event or log of this server may show: values of secrets, as long as it runs. Kept in memory alone."""

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from urllib.parse import quote

from headgate.model.secrets import SHORTEST

SHOWN = "***"


@dataclass
class Hidden:
    known: set[tuple[str, str]] = field(default_factory=set)  # environment and version of a secret, of what was learnt
    _written: dict[str, None] = field(default_factory=dict, repr=False)  # longest first: one may hold another

    def learn(self, value: str) -> None:
        """Each line of one of several lines too: who prints a key prints it line by line."""
        parts = [part.strip() for part in (value, *value.splitlines())]
        forms = [form for part in parts for form in (part, json.dumps(part)[1:-1], quote(part, safe=""))]
        known = {*self._written, *(form for form in forms if len(form) >= SHORTEST)}
        if len(known) > len(self._written):
            self._written = dict.fromkeys(sorted(known, key=len, reverse=True))

    def values(self) -> Collection[str]:
        """As they may be written, longest first."""
        return tuple(self._written)

    def hide(self, text: str) -> str:
        for form in self._written:
            if form in text:
                text = text.replace(form, SHOWN)
        return text
