"""What was made from which content: one small file each, so that equal content is built once.

Tags in a registry could tell too, but whoever may push there may move them: these files are the server's own.
"""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from headgate.model.images import DIGEST


@dataclass(frozen=True, slots=True)
class Made:
    digest: str
    commit: str


class Records:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, name: str, content: str) -> Made | None:
        """What cannot be read counts as not made: it is built again."""
        try:
            kept = json.loads(self._path(name, content).read_text())
            made = Made(str(kept["digest"]), str(kept["commit"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return made if DIGEST.fullmatch(made.digest) else None

    def keep(self, name: str, content: str, made: Made) -> None:
        path = self._path(name, content)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = path.with_suffix(".partial")
        beside.write_text(json.dumps({"digest": made.digest, "commit": made.commit}))
        os.replace(beside, path)

    def _path(self, name: str, content: str) -> Path:
        """Name with registry and repository: the same content elsewhere has to be pushed there too."""
        return self._folder / f"{hashlib.sha256(json.dumps([name, content]).encode()).hexdigest()[:32]}.json"
