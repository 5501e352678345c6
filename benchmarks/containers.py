"""Prepare to ready: a revision of one container on the platform `docker`, next to `docker run` of the same image.

Both count from the command to the first good answer of the application, whose own start is part of it. Turn by turn.
"""

import asyncio
import subprocess
import time
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
from tests.adapters.platforms.docker.stage import DockerStage

from benchmarks.machine import Neighbours
from benchmarks.processes import free_ports
from benchmarks.report import Missed, facts, quantile, show, spread, write
from headgate.model.services import Health
from headgate.testing.contracts.platform import PRODUCTION

ROUNDS = 20
WARM_UP = 2
BAR = 1.2  # times the median of `docker run`
CLOSED = ["--init", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
WAYS = {"docker run": [], "docker run, closed as ours": CLOSED}
OURS = "Headgate, run to ready"
PAUSE = 0.01  # seconds between questions


def run() -> None:
    if subprocess.run(["docker", "info"], capture_output=True, check=False).returncode:
        print("No Docker Engine answers here: nothing is measured.")
        return
    machine, neighbours = facts(), Neighbours()
    with TemporaryDirectory(prefix="headgate-bench-") as folder:
        times = asyncio.run(_measured(Path(folder)))
    others = neighbours.percent()
    figures = {name: spread(values) for name, values in times.items()}
    ratio = round(quantile(times[OURS], 0.5) / quantile(times["docker run"], 0.5), 2)
    write("containers", machine, {"rounds": ROUNDS, "others_percent": others, "seconds": figures, "ratio": ratio})
    rows = [[name, *one.values()] for name, one in figures.items()]
    show(f"To the first answer, s, {ROUNDS} rounds (others used {others} %)", ("way", "median", "p99", "max"), rows)
    if ratio > BAR:
        raise Missed(f"{ratio} x the median of docker run; the bar is {BAR}")


async def _measured(folder: Path) -> dict[str, list[float]]:
    stage = await DockerStage(folder, grace=timedelta(seconds=5)).imaged()
    times: dict[str, list[float]] = {name: [] for name in (*WAYS, OURS)}
    try:
        async with aiohttp.ClientSession() as session:
            for number in range(WARM_UP + ROUNDS):
                taken = {name: await _docker_run(session, stage.image, options) for name, options in WAYS.items()}
                taken[OURS] = await _ours(stage, str(number))
                for name, seconds in taken.items() if number >= WARM_UP else ():
                    times[name].append(seconds)
    finally:
        await stage.clear()
    return times


async def _docker_run(session: aiohttp.ClientSession, image: str, options: list[str]) -> float:
    """At a port that is known: asking for it would be a second command, and count against `docker run`."""
    (port,) = free_ports(1)
    begun = time.perf_counter()
    variables = ["-e", "PORT=8000", "-e", "HOST=0.0.0.0"]
    container = await _docker("run", "-d", "-p", f"127.0.0.1:{port}:8000", *variables, *options, image)
    try:
        await _answer(session, f"http://127.0.0.1:{port}/healthz")
        return time.perf_counter() - begun
    finally:
        await _docker("rm", "-f", container)


async def _answer(session: aiohttp.ClientSession, url: str) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                async with session.get(url) as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(PAUSE)


async def _ours(stage: DockerStage, name: str) -> float:
    """The first round makes the environment's network; it is a warm-up."""
    begun = time.perf_counter()
    revision = stage.revision(name, health=Health("/healthz"))
    await stage.platform.run(revision)
    async with asyncio.timeout(30):
        while [one.state for one in await stage.platform.observe(PRODUCTION)] != ["ready"]:
            await asyncio.sleep(PAUSE)
    taken = time.perf_counter() - begun
    await stage.platform.stop(PRODUCTION, revision.id)
    while await stage.platform.observe(PRODUCTION):
        await asyncio.sleep(PAUSE)
    return taken


async def _docker(*arguments: str) -> str:
    process = await asyncio.create_subprocess_exec("docker", *arguments, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"docker {arguments[0]} failed with {process.returncode}")
    return out.decode().strip()
