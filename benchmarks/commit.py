"""From `git commit` to a staging rollout that starts, of a repository on this machine that a server follows.

There are no CI steps and no image is built: what is measured is what Headgate itself adds. Commits come at any moment
between two looks, so half of the time between looks is in the median.
"""

import json
import os
import random
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep, time
from typing import Any

from benchmarks.machine import Neighbours
from benchmarks.processes import started
from benchmarks.report import Missed, facts, quantile, show, spread, write

HEADGATE = str(Path(sys.executable).with_name("headgate"))
COMMITS = 20
BAR = 2.0  # seconds, at p99
PATIENCE = 60.0  # seconds
FILE = """\
application: shop
services:
  web: {build: web, command: [python3, -S, -m, http.server, "$PORT", --bind, 127.0.0.1], port: 8000}
environments:
  staging: {platform: process, deploy: on-build, strategy: all-at-once, keep_warm: 0s}
"""


def run() -> None:
    machine, neighbours = facts(), Neighbours()
    with TemporaryDirectory(prefix="headgate-bench-") as folder:
        data, shop = Path(folder) / "data", Path(folder) / "shop"
        _prepare(shop)
        with started([HEADGATE, "serve", "--data", str(data), "--port", "0"], Path(folder)):
            seconds = _measured(data, shop)
        _take_down(data)
    figures = spread(seconds)
    write("commit", machine, {"commits": COMMITS, "others_percent": neighbours.percent(), "seconds": figures})
    show(
        f"git commit to the start of its rollout, s, {COMMITS} commits",
        ("median", "p99", "max", "bar"),
        [[*figures.values(), BAR]],
    )
    if quantile(seconds, 0.99) > BAR:
        raise Missed(f"{quantile(seconds, 0.99):.2f} s at p99, at most {BAR:.0f}")


def _prepare(shop: Path) -> None:
    (shop / "web").mkdir(parents=True)
    (shop / "headgate.yaml").write_text(FILE)
    _git(shop, "init", "--quiet", "--initial-branch=main")
    _commit(shop, 0)


def _measured(data: Path, shop: Path) -> list[float]:
    until = monotonic() + 30
    while not (data / "server.json").exists() and monotonic() < until:
        sleep(0.02)
    subprocess.run([HEADGATE, "apply"], cwd=shop, env=_given(data), check=True, capture_output=True, timeout=30)
    sleep(2)  # what is there is noted
    chance, taken, after = random.Random(7), [], 0
    for number in range(1, COMMITS + 1):
        sleep(chance.random())
        begun = time()
        _commit(shop, number)
        started_at, after = _rollout(data, after)
        taken.append(started_at - begun)
    return taken


def _rollout(data: Path, after: int) -> tuple[float, int]:
    """When the next rollout started; returns once it ended, with the version behind it."""
    began = None
    for event in _events(data, after):
        if event["kind"] == "RolloutStarted":
            began = datetime.fromisoformat(event["at"]).timestamp()
        if event["kind"] == "RolloutEnded" and began:
            if event["outcome"] != "promoted":
                raise RuntimeError(f"the rollout ended otherwise: {event['text']}")
            return began, event["version"]
    raise RuntimeError("no rollout came")


def _events(data: Path, after: int) -> Iterator[dict[str, Any]]:
    until = monotonic() + PATIENCE
    address = json.loads((data / "server.json").read_text())["address"]
    token = (data / "token").read_text().strip()
    while monotonic() < until:
        url = f"{address}/api/applications/shop/environments/staging/events?after={after}&wait=5"
        asked = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(asked, timeout=30) as answer:
            told = json.load(answer)
        after = told["version"]
        yield from chain(told["events"])


def _commit(shop: Path, number: int) -> None:
    (shop / "web" / "number").write_text(f"{number}\n")
    _git(shop, "add", ".")
    _git(shop, "commit", "--quiet", "--message", f"Change {number}")


def _git(shop: Path, *arguments: str) -> None:
    who = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *arguments], cwd=shop, check=True, capture_output=True, timeout=30)


def _given(data: Path) -> dict[str, str]:
    return {**os.environ, "HEADGATE_DATA": str(data)}


def _take_down(data: Path) -> None:
    import asyncio

    from headgate import bootstrap

    asyncio.run(bootstrap.take_down(data))
