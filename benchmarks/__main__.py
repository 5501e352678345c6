"""`python -m benchmarks [NAME ...]`: run what is named, or everything; print tables, write results/NAME.json."""

import compileall
import signal
import sys
from importlib import import_module
from importlib.util import find_spec

import headgate
from benchmarks.report import Missed

# Name -> what it tells, in the order in which they run. Each is a module with `run() -> None` that raises Missed.
KNOWN = {
    "startup": "wall time of `headgate --version` and `headgate status`",
    "log": "what it costs to record a decision durably",
    "commit": "from `git commit` to the start of its rollout in staging",
    "images": "the same with CI and images, less the time in which Docker builds and pushes",
    "containers": "prepare-to-ready of a container, next to `docker run`",
    "hook": "the pre-commit hook of `headgate lint`, next to `detect-secrets-hook`",
    "footprint": "memory and idle CPU of the server, and of its Envoy",
    "verdicts": "the judge next to the policies of peers, 200 simulated releases a cell (a quarter of an hour)",
    "switch": "weight switches under load, next to Envoy, nginx and HAProxy alone (twelve minutes or more)",
}


def main(names: list[str]) -> int:
    # Being told to end runs the same clean-up as Ctrl-C: what a benchmark started outlives nobody.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    present = {name: what for name, what in KNOWN.items() if find_spec(f"benchmarks.{name}")}
    unknown = [name for name in names if name not in present]
    for name, what in present.items():
        print(f"  {name:<10} {what}")
    if unknown:
        print(f"\nThere is no benchmark {', '.join(unknown)}.", file=sys.stderr)
        return 2
    # As an installer does: a checkout may have no byte code, and every command would compile first.
    compileall.compile_dir(headgate.__path__[0], quiet=1)
    missed = []
    for name in names or present:
        print(f"\n== {name} ==", flush=True)
        try:
            import_module(f"benchmarks.{name}").run()
        except Missed as error:
            missed.append(f"{name}: {error}")
    for line in missed:
        print(f"MISSED {line}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
