"""How long a commit waits for `headgate lint --staged`, next to `detect-secrets-hook` on the same files, in turn.

The files are Headgate's own. The peer looks for secrets only; this looks for values of one environment besides.
"""

import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import headgate
from benchmarks.machine import Neighbours
from benchmarks.report import Missed, facts, show, spread, write

TOOLS = Path(sys.executable).parent
STAGED = (1, 20, 200)  # files in a commit
ROUNDS, WARM_UP = 10, 1
BAR = 2.0  # seconds, the median of a commit of 20 files


def run() -> None:
    machine, neighbours = facts(), Neighbours()
    figures = {}
    for count in STAGED:
        with TemporaryDirectory(prefix="headgate-bench-") as folder:
            names = _staged(Path(folder), count)
            figures[str(count)] = _measured(folder, names)
    others = neighbours.percent()
    write("hook", machine, {"rounds": ROUNDS, "others_percent": others, "files": figures})
    rows = [
        [count, tool, *(f"{one[figure]:.2f}" for figure in ("median", "p99", "max")), f"{_ratio(of):.2f}"]
        for count, of in figures.items()
        for tool, one in of.items()
    ]
    title = f"From start to exit, s, {ROUNDS} rounds in turn (others used {others} %)"
    show(title, ("staged files", "tool", "median", "p99", "max", "headgate : peer"), rows)
    if (median := figures["20"]["headgate"]["median"]) > BAR:
        raise Missed(f"a commit of 20 files waits {median:.1f} s; the bar is {BAR} s")


def _ratio(of: dict[str, dict[str, float]]) -> float:
    return of["headgate"]["median"] / of["detect-secrets"]["median"]


def _staged(folder: Path, count: int) -> list[str]:
    files = sorted(Path(headgate.__path__[0]).rglob("*.py"), key=lambda path: path.name)[-count:]
    names = [f"{number}_{path.name}" for number, path in enumerate(files)]
    for path, name in zip(files, names, strict=True):
        shutil.copyfile(path, folder / name)
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    subprocess.run(["git", "add", "-A"], cwd=folder, check=True)
    return names


def _commands(names: list[str]) -> dict[str, list[str]]:
    peer = [str(TOOLS / "detect-secrets-hook"), *names]
    return {"headgate": [str(TOOLS / "headgate"), "lint", "--staged"], "detect-secrets": peer}


def _once(command: list[str], folder: str) -> int:
    return subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=120).returncode


def _measured(folder: str, names: list[str]) -> dict[str, dict[str, float]]:
    times: dict[str, list[float]] = {}
    for turn in range(WARM_UP + ROUNDS):
        for tool, command in _commands(names).items():
            begun = perf_counter()
            if (code := _once(command, folder)) not in (0, 1):  # 1: something was found
                raise Missed(f"{tool} ended with {code}")
            if turn >= WARM_UP:
                times.setdefault(tool, []).append(perf_counter() - begun)
    return {tool: spread(taken) for tool, taken in times.items()}
