"""The port of this machine that a container is published on: its own for as long as it exists, also while it is dead.

An engine that chooses gives the port of one that died to the next that starts. Envoy still sends there what was meant
for the dead one, and users of one application would be answered by another.
"""

import json
import random
from typing import Any

from headgate.adapters.docker_engine import DockerEngine, EngineRefused
from headgate.ports import AdapterError

FIRST, LAST = 15000, 19999  # below those that Envoy listens on
LABEL = "headgate.published"
TAKEN = ("port is already allocated", "address already in use")  # in what the engine says


async def publish(engine: DockerEngine, body: dict[str, Any]) -> None:
    """Completes the body of POST /containers/create. A port that a stranger has shows when it is started."""
    query = {"all": "1", "filters": json.dumps({"label": [LABEL]})}
    listed = await engine.json("GET", "/containers/json", query)
    kept = {one["Labels"][LABEL] for one in listed}
    free = [port for port in range(FIRST, LAST + 1) if str(port) not in kept]
    if not free:
        raise AdapterError(f"every port from {FIRST} to {LAST} belongs to a container of Headgate's: remove some")
    port = str(random.choice(free))  # noqa: S311 - not a secret
    body["Labels"] = {**body["Labels"], LABEL: port}
    for bindings in body["HostConfig"]["PortBindings"].values():
        for one in bindings:
            one["HostPort"] = port


def is_taken(error: AdapterError) -> bool:
    """By something that is not Headgate's: that container will never start again."""
    return isinstance(error, EngineRefused) and any(words in str(error) for words in TAKEN)
