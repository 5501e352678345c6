"""Wall time of commands, from process start to exit, against a server that runs; turn by turn, so that noise is shared.

`rollback` is one that the server refuses: starting, asking and answering, without the switch (see `switch` for that).
"""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, perf_counter, sleep

from benchmarks.machine import Neighbours
from benchmarks.processes import started
from benchmarks.report import Missed, facts, quantile, show, spread, write

HEADGATE = str(Path(sys.executable).with_name("headgate"))
ROUNDS = 40
WARM_UP = 3

# Name -> arguments, and the most that its median may be, in milliseconds.
COMMANDS: dict[str, tuple[list[str], float | None]] = {
    "python -c pass": ([sys.executable, "-c", "pass"], None),
    "headgate --version": ([HEADGATE, "--version"], 150),
    "headgate status": ([HEADGATE, "status"], 400),
    "headgate rollback ENV": ([HEADGATE, "rollback", "production", "-a", "shop"], 150),
    "headgate history ENV -n 5": ([HEADGATE, "history", "production", "-n", "5", "-a", "shop"], None),
    "headgate --help": ([HEADGATE, "--help"], None),
}


def run() -> None:
    machine, neighbours = facts(), Neighbours()
    with TemporaryDirectory(prefix="headgate-bench-") as folder:
        data = Path(folder) / "data"
        with started([HEADGATE, "serve", "--data", str(data), "--port", "0"], Path(folder)):
            _await(data / "server.json")
            times = _measured(Path(folder), data)
    figures = {name: spread(values) for name, values in times.items()}
    others = neighbours.percent()
    write("startup", machine, {"rounds": ROUNDS, "others_percent": others, "milliseconds": figures})
    rows = [
        [name, *(f"{figure:.0f}" for figure in one.values()), COMMANDS[name][1] or "-"] for name, one in figures.items()
    ]
    show(
        f"Start to exit, ms, {ROUNDS} rounds (others used {others} %)", ("command", "median", "p99", "max", "bar"), rows
    )
    _judge(times)


def _judge(times: dict[str, list[float]]) -> None:
    bars = {name: bar for name, (_, bar) in COMMANDS.items() if bar is not None}
    missed = [
        f"{name}: {quantile(times[name], 0.5):.0f} ms" for name, bar in bars.items() if quantile(times[name], 0.5) > bar
    ]
    if missed:
        raise Missed("; ".join(missed))


def _measured(folder: Path, data: Path) -> dict[str, list[float]]:
    environment = {**os.environ, "HEADGATE_DATA": str(data)}
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for number in range(WARM_UP + ROUNDS):
        for name, (command, _) in COMMANDS.items():
            begun = perf_counter()
            subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False, timeout=30)
            if number >= WARM_UP:
                times[name].append((perf_counter() - begun) * 1000)
    return times


def _await(path: Path) -> None:
    deadline = monotonic() + 30
    while not path.exists():
        if monotonic() > deadline:
            raise RuntimeError(f"the server did not write {path.name} within 30 s")
        sleep(0.02)
