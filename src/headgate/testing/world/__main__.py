"""A long run: `python -m headgate.testing.world --seeds 100000 --from 0`. Exits with 1 on a violation."""

import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from headgate.testing.world.simulation import simulate
from headgate.testing.world.story import Violation

SHOWN_EVERY = 0.5  # seconds


def main(arguments: Sequence[str] | None = None) -> int:
    chosen = _arguments(arguments)
    began, shown, rollouts = time.monotonic(), 0.0, 0
    seeds = range(chosen.first, chosen.first + chosen.seeds)
    for number, seed in enumerate(seeds, start=1):
        try:
            rollouts += simulate(seed).rollouts
        except Violation as violation:
            _say(f"\nseed {seed}: {violation}\n\n{violation.story}")
            return 1
        if sys.stdout.isatty() and time.monotonic() - shown > SHOWN_EVERY:
            shown = time.monotonic()
            _say(f"\r{_pace(number, rollouts, shown - began)}", end="")
    _say(f"\r{_pace(len(seeds), rollouts, time.monotonic() - began)}: every invariant held")
    return 0


def _arguments(arguments: Sequence[str] | None) -> Namespace:
    parser = ArgumentParser(prog="python -m headgate.testing.world", description="Seeded worlds, and their invariants.")
    parser.add_argument("--seeds", type=int, default=1000, metavar="N", help="how many worlds (default: 1000)")
    parser.add_argument("--from", type=int, default=0, metavar="SEED", dest="first", help="the first seed (default: 0)")
    return parser.parse_args(arguments)


def _pace(worlds: int, rollouts: int, seconds: float) -> str:
    return f"{worlds} worlds, {rollouts} rollouts, {rollouts / max(seconds, 0.001):.0f} a second"


def _say(text: str, end: str = "\n") -> None:
    sys.stdout.write(text + end)
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
