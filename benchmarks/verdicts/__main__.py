"""Tries the judges: `python -m benchmarks.verdicts [--releases 2000] [--seed 1] [--cell NAME ...] [--group G ...]`.

Results go to benchmarks/verdicts/results, one JSON file a cell; `--report` writes the tables and plots from them.
"""

import argparse
import json
import re
import sys
import time
from pathlib import Path

from benchmarks.verdicts.cells import SEED, Cell, every
from benchmarks.verdicts.report import write
from benchmarks.verdicts.summary import summarised
from benchmarks.verdicts.trial import run

RESULTS = Path(__file__).parent / "results"


def main() -> int:
    asked = _arguments()
    cells = [cell for cell in every() if _chosen(cell, asked)]
    if not cells:
        print("No such cell. Known: " + "; ".join(cell.name for cell in every()), file=sys.stderr)
        return 2
    if asked.list:
        print("\n".join(f"{cell.group:12} {cell.name}" for cell in cells))
        return 0
    if asked.report:
        write(asked.results)
        return 0
    asked.results.mkdir(parents=True, exist_ok=True)
    for number, cell in enumerate(cells, 1):
        path = asked.results / f"{_slug(cell.name)}.json"
        if asked.missing and path.exists():
            continue
        began = time.monotonic()
        seed = asked.seed + every().index(cell)
        trial = run(cell, asked.releases, seed, asked.beat, not asked.alone)
        found = summarised(cell, trial, asked.releases, seed, asked.beat)
        path.write_text(json.dumps(found, indent=1) + "\n")
        print(f"{number}/{len(cells)} {cell.name}: {time.monotonic() - began:.0f} s", flush=True)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--releases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--beat", type=int, default=1, help="seconds between two measurements")
    parser.add_argument("--cell", action="append", default=[], help="a cell by name, or a part of it")
    parser.add_argument("--group", action="append", default=[])
    parser.add_argument("--alone", action="store_true", help="without the peers")
    parser.add_argument("--missing", action="store_true", help="only cells without a result")
    parser.add_argument("--list", action="store_true", help="the names of the cells")
    parser.add_argument("--report", action="store_true", help="tables and plots from the results, nothing is run")
    parser.add_argument("--results", type=Path, default=RESULTS)
    return parser.parse_args()


def _chosen(cell: Cell, asked: argparse.Namespace) -> bool:
    named = not asked.cell or any(part in cell.name for part in asked.cell)
    return named and (not asked.group or cell.group in asked.group)


def _slug(name: str) -> str:
    plain = name.replace("+", "plus ").replace("%", " percent").replace("/s", " per s").replace(".", "_")
    return re.sub(r"[^a-z0-9_]+", "-", plain.lower()).strip("-")


if __name__ == "__main__":
    sys.exit(main())
