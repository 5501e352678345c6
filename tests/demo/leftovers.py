"""What a demo left behind on this machine: processes that name its folder, and what is its own in a Docker Engine."""

import json
import os
import re
from pathlib import Path

from headgate.adapters.docker_engine import DockerEngine
from headgate.adapters.platforms.docker.containers import SERVER, server_id

LABEL = re.compile(r"bears the label (headgate\.demo=\S+)")
DATA = re.compile(r"export HEADGATE_DATA=([^\s,]+)")


def left_running(folder: Path) -> list[str]:
    """Command lines of processes that name the folder, and so were started for it."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            where = os.readlink(path.with_name("cwd"))
        except OSError:
            continue
        if str(folder) in command or where.startswith(str(folder)):
            found.append(command)
    return found


async def in_the_engine(told: str) -> dict[str, int]:
    """How many of each kind a demo has there that told so much of itself."""
    label, data = LABEL.search(told), DATA.search(told)
    assert label, told
    assert data, told
    server = f"{SERVER}={server_id(Path(data[1]) / 'platforms' / 'docker')}"
    asked = {"images": label[1], "containers": label[1], "networks": server, "volumes": server}
    engine = DockerEngine()
    try:
        return {kind: await _count(engine, kind, one) for kind, one in asked.items()}
    finally:
        await engine.close()


async def _count(engine: DockerEngine, kind: str, label: str) -> int:
    path = f"/{kind}/json" if kind in {"images", "containers"} else f"/{kind}"
    found = await engine.json("GET", path, {"all": "1", "filters": json.dumps({"label": [label]})})
    return len((found["Volumes"] or []) if kind == "volumes" else found)
