"""A check's `run` in a container: made, listened to, ended in time, removed.

It shares the network of this machine, where the addresses that it is to ask are.
"""

import asyncio
import json
import os
import sys
import time
from typing import Any

import aiohttp

from headgate.adapters.docker_engine import DockerEngine, EngineRefused
from headgate.adapters.docker_images import DockerImages
from headgate.adapters.machine.checks.found import Found, answer
from headgate.adapters.machine.checks.given import variables
from headgate.model.checks import Job
from headgate.ports import AdapterError

CHECK, UNTIL = "headgate.check", "headgate.until"  # labels: of which job, and when it is nobody's any more (seconds)
OVERDUE = 60  # seconds after its time limit
INSIDE = "/headgate/source"  # where the release stands
IN_ORDER = 'exec /bin/sh -c "$1" 2>&1'  # Docker has a stream for errors, which comes sooner or later than the other
MOST_PROCESSES = 4096
FORCED = {"force": "1", "v": "1"}  # it is killed first; its anonymous volumes go with it


async def look(job: Job) -> Found:
    engine, limit = DockerEngine(), job.check.timeout.total_seconds()
    try:
        async with asyncio.timeout(limit):
            await sweep(engine)
            await DockerImages().bring(job.check.image or "")
            return await ran(engine, job)
    except TimeoutError:
        return Found(False, f"was ended as it took longer than {limit:g} s")
    except AdapterError as error:
        return Found(False, f"did not run in its container: {error}")
    finally:
        await engine.close()


async def ran(engine: DockerEngine, job: Job) -> Found:
    made = await engine.json("POST", "/containers/create", None, request(job, os.getcwd()))
    path, began = f"/containers/{made['Id']}", time.monotonic()
    try:
        ways = {"stream": "1", "stdout": "1", "stderr": "1"}
        async with engine.open("POST", f"{path}/attach", ways, endless=True) as output:
            await started(engine, path)
            await copied(output)
        async with engine.open("POST", f"{path}/wait", endless=True) as ending:
            code = int(json.loads(await ending.text())["StatusCode"])
    finally:
        await engine.json("DELETE", path, FORCED, accept=(404, 409))
    seconds = f"{time.monotonic() - began:.1f} s"
    where = f"in a container of {job.check.image}"
    return Found(code == 0, f"passed in {seconds}" if code == 0 else f"exited with code {code} after {seconds} {where}")


async def started(engine: DockerEngine, path: str) -> None:
    try:
        await engine.json("POST", f"{path}/start")
    except EngineRefused as error:
        shell = ". The image of a check must have /bin/sh" if "/bin/sh" in str(error) else ""
        raise AdapterError(f"{error}{shell}") from error


async def copied(output: aiohttp.ClientResponse) -> None:
    """Frames of Docker's: a kind, three bytes of nothing, four of a length, and so much text."""
    try:
        while True:
            head = await output.content.readexactly(8)
            left = int.from_bytes(head[4:], "big")
            while left:
                part = await output.content.readexactly(min(left, 1 << 16))
                sys.stdout.buffer.write(part)
                left -= len(part)
            sys.stdout.flush()
    except asyncio.IncompleteReadError:
        return


def request(job: Job, work: str) -> dict[str, Any]:
    """The body of POST /containers/create. `work`: a copy of the release that it may write to."""
    check = job.check
    given = {name: os.environ[name] for name in variables(job, "")}
    own = {"HOME": "/tmp", "PYTHONUNBUFFERED": "1"}  # noqa: S108 - its own
    until = int(time.time() + check.timeout.total_seconds() + OVERDUE)
    return {
        "Image": check.image,
        "Entrypoint": ["/bin/sh", "-c", IN_ORDER, "headgate-check", check.run],
        "Cmd": [],
        "Env": [f"{name}={value}" for name, value in {**own, **given}.items()],
        "WorkingDir": INSIDE,
        "User": f"{os.geteuid()}:{os.getegid()}",
        "Labels": {CHECK: job.id, UNTIL: str(until)},
        "Healthcheck": {"Test": ["NONE"]},
        "HostConfig": {
            "NetworkMode": "host",
            "Mounts": [{"Type": "bind", "Source": work, "Target": INSIDE}],
            "Tmpfs": {"/tmp": "exec,mode=1777"},  # noqa: S108 - its own
            "Init": True,  # what it leaves behind is reaped
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges:true"],
            "PidsLimit": MOST_PROCESSES,
            "LogConfig": {"Type": "none"},  # Docker's own log would hold on its disk what is masked in ours
        },
    }


async def sweep(engine: DockerEngine) -> None:
    """Containers of checks that were killed before they could remove them."""
    query = {"all": "1", "filters": json.dumps({"label": [CHECK, UNTIL]})}
    for found in await engine.json("GET", "/containers/json", query):
        until = str(found["Labels"][UNTIL])
        if until.isdigit() and int(until) < time.time():
            await engine.json("DELETE", f"/containers/{found['Id']}", FORCED, accept=(404, 409))


if __name__ == "__main__":
    answer(look, aloud=False)
