"""What our own adapters ask of an API server, as RBAC names it. See test_rights.py, and conftest.py of the adapters.

What tests themselves ask through the same client, to set a stage, is not counted.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

import pytest

from headgate.adapters.kubernetes import cluster as client
from headgate.adapters.kubernetes.cluster import APPLY, Cluster

HERE = Path(client.__file__)
CLIENT = {str(HERE), str(HERE.with_name("watching.py"))}
OURS = str(HERE.parents[2]) + os.sep
VERBS = {"GET": "get", "POST": "create", "PATCH": "patch", "PUT": "update", "DELETE": "delete"}


def rights(method: str, path: str, query: Mapping[str, Any], kind: str) -> set[str]:
    """As "patch apps/deployments", "get pods/log"; none for what everybody may, such as /version and reviews."""
    parts = [part for part in urlsplit(path).path.split("/") if part]
    group, rest = ("", parts[2:]) if parts[:1] == ["api"] else (parts[1] if len(parts) > 1 else "", parts[3:])
    if rest[:1] == ["namespaces"] and len(rest) > 2:
        rest = rest[2:]
    if not rest or group == "authorization.k8s.io":
        return set()
    resource, name = "/".join([rest[0], *rest[2:]]), rest[1:2]
    verb = VERBS[method]
    if method == "GET" and not name:
        verb = "watch" if query.get("watch") == "true" else "list"
    # Applying makes what is not there.
    verbs = {verb, "create"} if method == "PATCH" and kind == APPLY else {verb}
    return {f"{one} {group}/{resource}" if group else f"{one} {resource}" for one in verbs}


def asked_by_us(frame: FrameType | None) -> bool | None:
    """Whose verb of the client it is: the first caller outside of it. None: nobody's, as of a watch that goes on."""
    while frame is not None:
        file = frame.f_code.co_filename
        if file not in CLIENT and (file.startswith(OURS) or f"{os.sep}tests{os.sep}" in file):
            return file.startswith(OURS) and f"{os.sep}testing{os.sep}" not in file
        frame = frame.f_back
    return None


@contextmanager
def recorded() -> Iterator[set[str]]:
    """Until the block ends, in this process."""
    asked: set[str] = set()
    ours: set[int] = set()  # the clients that our own code made
    kept: list[Cluster] = []  # so that no id is given twice
    inner, made = Cluster._sent, Cluster.__init__

    def noted(self: Cluster, *given: Any) -> None:
        made(self, *given)
        kept.append(self)
        if asked_by_us(sys._getframe(1)):
            ours.add(id(self))

    async def sent(self: Cluster, method: str, path: str, query: Any, body: Any, kind: str, endless: bool) -> Any:
        whose = asked_by_us(sys._getframe(1))
        if id(self) in ours if whose is None else whose:
            asked.update(rights(method, path, query, kind))
        return await inner(self, method, path, query, body, kind, endless)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Cluster, "_sent", sent)
        patch.setattr(Cluster, "__init__", noted)
        yield asked
