"""(e) and (f) a whole rollback: a real server, its log on disk, processes it started, two revisions kept warm.

The target is named (`--to`), so that the same two revisions can take turns; nothing else differs from a plain rollback.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.processes import BACKEND, answering
from benchmarks.stage import BY, Stage, stage
from benchmarks.switch.subject import Subject, Switch

WHERE = "/applications/benchmark/environments/production"
FILE = """
application: benchmark
services:
  web:
    command: [{python}, backend.py, "$PORT", {version}]
    port: 8000
    health: {{path: /healthz}}
environments:
  production: {{platform: process, deploy: on-request, strategy: all-at-once}}
"""


@asynccontextmanager
async def through_api(folder: Path, ports: dict[str, int]) -> AsyncIterator[Subject]:
    """From the moment before the POST is sent; a connection of its own, as any client has."""
    async with stage(folder) as server:
        releases, port = await _two_warm_revisions(server)

        async def switch(version: str) -> None:
            body = {"to": releases[version], "by": BY}
            await asyncio.to_thread(server.ask, "POST", f"{WHERE}/rollback", body)

        yield Subject("Headgate rollback, HTTP API", port, _once(switch))


@asynccontextmanager
async def through_cli(folder: Path, ports: dict[str, int]) -> AsyncIterator[Subject]:
    """From the moment before the program is executed, in the repository's folder: the start of Python is part of it."""
    async with stage(folder) as server:
        releases, port = await _two_warm_revisions(server)

        async def switch(version: str) -> None:
            arguments = server.command("rollback", "production", "--to", releases[version])
            pipe = asyncio.subprocess.PIPE
            process = await asyncio.create_subprocess_exec(
                *arguments,
                cwd=server.repository,
                env=server.environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=pipe,
                stderr=pipe,
            )
            said = b"".join(await process.communicate())
            if process.returncode:
                raise RuntimeError(f"headgate rollback: exit code {process.returncode}: {said.decode()}")

        yield Subject("Headgate rollback, command line", port, _once(switch))


async def _two_warm_revisions(server: Stage) -> tuple[dict[str, str], int]:
    """Version -> release id, and the public port. Version b is stable and a, which it replaced, is warm."""
    releases = {}
    for version in "ab":
        file = FILE.format(python=sys.executable, version=version)
        server.commit({"headgate.yaml": file, "backend.py": BACKEND.read_text()})
        if version == "a":
            server.apply()
        made = server.ask("POST", "/applications/benchmark/releases", {"reference": "HEAD", "by": BY})
        releases[version] = made["release"]
        seen = await server.deployed("benchmark", "production", releases[version])
    port = int(seen["addresses"]["web"]["public"].rpartition(":")[2])
    await answering(port, version="b")
    return releases, port


def _once(switch: Switch) -> Switch:
    """A rollback to what is stable already is refused: the measurement's own first switch may ask for just that."""
    last = ["b"]

    async def only_if_other(version: str) -> None:
        if version != last[0]:
            await switch(version)
            last[0] = version

    return only_if_other
