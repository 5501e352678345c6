"""Tries the judge on real releases: `python -m benchmarks.verdicts.real [--releases 200] [--defects] [--report]`.

A real server, the real Envoy, examples/pcw as processes, real traffic. Results go to
benchmarks/verdicts/results/real; an interrupted run writes what it has.
"""

import argparse
import json
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from shutil import rmtree

from benchmarks.verdicts.real.defects import DEFECTS, Defect
from benchmarks.verdicts.real.file import COMPRESSED, DEMANDING, PROVEN
from benchmarks.verdicts.real.lane import Lane
from benchmarks.verdicts.real.offset import offsets
from benchmarks.verdicts.real.record import Release
from benchmarks.verdicts.real.report import write
from benchmarks.verdicts.real.summary import Run, commit, summarised

from headgate.cli.demo import example
from headgate.cli.demo.server import Server
from headgate.model.rules import AnalysisRules

RESULTS = Path(__file__).parents[1] / "results" / "real"
LONGEST_RUN = 3 * 3600.0  # seconds; traffic ends by itself after that


def main() -> int:
    asked = _arguments()
    if asked.report:
        write(asked.results)
        return 0
    wanted: list[Defect | None] = [None] * asked.releases
    if asked.defects:
        wanted = [defect for _ in range(asked.each) for defect in DEFECTS if asked.only in defect.name]
    run = Run(asked.lanes, asked.rate, _rules(asked), time.time(), commit())
    signal.signal(signal.SIGTERM, _interrupt)
    with laid(run, asked.data) as lanes:
        _worked_through(lanes, wanted)
        differences = offsets(lanes[0].data)
    asked.results.mkdir(parents=True, exist_ok=True)
    found = summarised([one for lane in lanes for one in lane.releases], run)
    found["arms"] = differences
    name = asked.name or ("defects" if asked.defects else "by-proof" if asked.by_proof else "same-again")
    (asked.results / f"{name}.json").write_text(json.dumps(found) + "\n")
    if asked.data:
        traces = {f"{lane.name} {one.label}": one.trace for lane in lanes for one in lane.releases}
        (asked.data / "traces.json").write_text(json.dumps(traces))
    return 0


@contextmanager
def laid(run: Run, data: Path | None = None) -> Iterator[list[Lane]]:
    """Lanes that serve under traffic, With `data`, that new folder is kept."""
    source = example.find()
    with ExitStack() as stack:
        home = data or Path(tempfile.mkdtemp(prefix="headgate-real-"))
        home.mkdir(exist_ok=True)
        if data is None:
            stack.callback(rmtree, home, ignore_errors=True)
        work = home / "trial"
        work.mkdir()
        server = Server(home, work / "server.log")
        stack.callback(_ended, server)
        server.start()
        lanes = [Lane(server, source, work, f"pcw-{one + 1}", run.rules) for one in range(run.lanes)]
        for lane in lanes:
            stack.callback(lane.close)
            lane.open(run.rate // run.lanes, LONGEST_RUN)
        yield lanes


def _rules(asked: argparse.Namespace) -> AnalysisRules:
    if asked.defects:
        return DEMANDING
    return PROVEN if asked.by_proof else COMPRESSED


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _ended(server: Server) -> None:
    if left := server.stop():
        print(f"not all could be ended: {left}", file=sys.stderr)


def _worked_through(lanes: list[Lane], wanted: list[Defect | None]) -> None:
    """Each lane takes the next release as soon as it is free. Ctrl-C lets those in flight be."""
    waiting, taking = list(reversed(wanted)), threading.Lock()

    def work(lane: Lane) -> None:
        while True:
            with taking:
                if not waiting:
                    return
                defect = waiting.pop()
            try:
                found = lane.release(defect)
            except Exception as error:  # noqa: BLE001 - the other lanes go on, and what was measured is kept
                print(f"{lane.name} gives up: {error!r}", file=sys.stderr, flush=True)
                return
            print(line(lane.name, found, len(waiting)), flush=True)

    threads = [threading.Thread(target=work, args=(lane,), daemon=True) for lane in lanes]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    except KeyboardInterrupt:
        waiting.clear()
        print("interrupted; what was measured is kept", file=sys.stderr)


def line(lane: str, one: Release, left: int) -> str:
    stages = " ".join(f"{name} {seconds:.0f}s" for name, seconds in one.stages.items())
    highest = f"harm {one.highest_harm:.2g} ({one.highest_of} after {one.highest_at:.0f} s)"
    why = "" if one.outcome == "promoted" else f"; {one.why}"
    what = f"{lane} {one.label} {one.defect}: {one.outcome} [{stages}], proven at {one.proven}"
    return f"{time.strftime('%T')} {what}, {highest}; {left} left{why}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--releases", type=int, default=200, help="good ones, in all lanes together")
    parser.add_argument("--by-proof", action="store_true", help="good ones, each step held until it is proven")
    parser.add_argument("--defects", action="store_true", help="planted defects instead of good releases")
    parser.add_argument("--each", type=int, default=10, help="releases of each defect")
    parser.add_argument("--only", default="", help="defects by a part of their name")
    parser.add_argument("--lanes", type=int, default=2, help="applications side by side")
    parser.add_argument("--rate", type=int, default=150, help="requests a second, in all lanes together")
    parser.add_argument("--data", type=Path, help="a new folder for the server, which is kept")
    parser.add_argument("--name", default="", help="of the result's file")
    parser.add_argument("--report", action="store_true", help="tables from the results, nothing is run")
    parser.add_argument("--results", type=Path, default=RESULTS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
