"""Memory and idle CPU of the server without its Envoy, and of that Envoy: nothing applied, then pcw deployed twice.

CPU is what the kernel's scheduler counted over the window, in nanoseconds, for all threads of the process.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from benchmarks.report import Missed, facts, show, write
from benchmarks.stage import BY, Stage, stage
from headgate.adapters.envoy_admin import admin_socket, owner

PCW = Path(__file__).parents[1] / "examples" / "pcw"
ENVIRONMENTS = ("first", "second")
WINDOW = 30.0  # seconds
SETTLE = 10.0  # seconds before it: what starting left to do is not idling
BAR_MB, BAR_CPU = 120.0, 1.0  # PSS; percent of one core

Figures = dict[str, float]


def run() -> None:
    machine = facts()
    figures = asyncio.run(_measure())
    write("footprint", machine, {"window_seconds": WINDOW, "processes": figures})
    rows = [
        [name, *(f"{one[kind]:.2f}" for kind in ("pss_mb", "rss_mb", "cpu_percent"))] for name, one in figures.items()
    ]
    show(f"Footprint, idle for {WINDOW:.0f} s", ("process", "PSS, MB", "RSS, MB", "CPU, % of a core"), rows)
    _judge({name: one for name, one in figures.items() if name.startswith("server")})


def _judge(servers: dict[str, Figures]) -> None:
    missed = [f"{name}: {one['rss_mb']:.0f} MB" for name, one in servers.items() if one["rss_mb"] >= BAR_MB]
    missed += [f"{name}: {one['cpu_percent']:.2f} %" for name, one in servers.items() if one["cpu_percent"] >= BAR_CPU]
    if missed:
        raise Missed("; ".join(missed))


async def _measure() -> dict[str, Figures]:
    figures = {}
    async with _server() as server:
        figures["server, nothing applied"] = (await _idle(server.pid))[0]
    async with _server() as server:
        await _deploy_pcw(server)
        envoy = owner(admin_socket(server.data / "envoy"))
        assert envoy is not None
        names = "server, pcw in two environments", "Envoy, pcw in two environments"
        figures |= zip(names, await _idle(server.pid, envoy), strict=True)
    return figures


@asynccontextmanager
async def _server() -> AsyncIterator[Stage]:
    with TemporaryDirectory(prefix="headgate-bench-") as folder:
        async with stage(Path(folder)) as server:
            yield server


async def _deploy_pcw(server: Stage) -> None:
    """The example's own services; environments of our own, so that nothing moves on by itself while we measure."""
    left_out = shutil.ignore_patterns(".*", "__pycache__", "tests", "versions")
    shutil.copytree(PCW, server.repository, ignore=left_out)
    services = (PCW / "headgate.yaml").read_text().partition("\npipeline:")[0].partition("\nenvironments:")[0]
    rules = "{platform: process, deploy: on-request, strategy: all-at-once}"
    lines = "\n".join(f"  {name}: {rules}" for name in ENVIRONMENTS)
    server.commit({"headgate.yaml": f"{services}\nenvironments:\n{lines}\n"})
    server.apply()
    release = server.ask("POST", "/applications/pcw/releases", {"reference": "HEAD", "by": BY})["release"]
    for name in ENVIRONMENTS:
        await server.deployed("pcw", name, release)


async def _idle(*pids: int) -> list[Figures]:
    await asyncio.sleep(SETTLE)
    begun, before = monotonic(), [_cpu_seconds(pid) for pid in pids]
    await asyncio.sleep(WINDOW)
    passed = monotonic() - begun
    used = [(_cpu_seconds(pid) - was) / passed for pid, was in zip(pids, before, strict=True)]
    return [{**_memory(pid), "cpu_percent": round(share * 100, 3)} for pid, share in zip(pids, used, strict=True)]


def _cpu_seconds(pid: int) -> float:
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


def _memory(pid: int) -> Figures:
    """RSS counts shared pages in full, PSS this process's part of them."""
    lines = [line.split() for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]]
    kilobytes = {line[0].rstrip(":"): int(line[1]) for line in lines}
    return {"pss_mb": round(kilobytes["Pss"] / 1024, 1), "rss_mb": round(kilobytes["Rss"] / 1024, 1)}
