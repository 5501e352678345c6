"""From `git commit` to a staging rollout that starts, of a repository on this machine that a server follows.

There are no CI steps and no image is built: what is measured is what Headgate itself adds. Commits come at any moment
between two looks, so half of the time between looks is in the median. `images` measures it with both.
"""

import random
from pathlib import Path
from tempfile import TemporaryDirectory
from time import sleep

from benchmarks.followed import HEADGATE, Followed
from benchmarks.machine import Neighbours
from benchmarks.processes import started
from benchmarks.report import Missed, facts, quantile, show, spread, write

COMMITS = 20
BAR = 2.0  # seconds, at p99
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
        shop = Followed(Path(folder) / "data", Path(folder) / "shop")
        (shop.folder / "headgate.yaml").write_text(FILE)
        shop.commit("web/number", "0\n")
        with started([HEADGATE, "serve", "--data", str(shop.data), "--port", "0"], Path(folder)):
            seconds = _measured(shop)
        shop.take_down()
    figures = spread(seconds)
    write("commit", machine, {"commits": COMMITS, "others_percent": neighbours.percent(), "seconds": figures})
    show(
        f"git commit to the start of its rollout, s, {COMMITS} commits",
        ("median", "p99", "max", "bar"),
        [[*figures.values(), BAR]],
    )
    if quantile(seconds, 0.99) > BAR:
        raise Missed(f"{quantile(seconds, 0.99):.2f} s at p99, at most {BAR:.0f}")


def _measured(shop: Followed) -> list[float]:
    shop.apply()
    chance, taken = random.Random(7), []
    for number in range(1, COMMITS + 1):
        sleep(chance.random())
        begun = shop.commit("web/number", f"{number}\n")
        taken.append(shop.rollout() - begun)
    return taken
