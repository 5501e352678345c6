"""What is tried: worlds by name. Nulls must not be put back; regressions must, and soon."""

from dataclasses import dataclass

from benchmarks.verdicts.latency import Shape, p99_times
from benchmarks.verdicts.world import World


@dataclass(frozen=True)
class Cell:
    name: str
    group: str
    world: World
    gated: bool = False  # judged by gates (Headgate alone), not by the clock
    spread: float = 0.0  # known relative spread of latency between instances of the stable
    seconds: int = 600


SEED = 20261123  # of the first cell; each has its own
RATES = (50, 500, 1500)
ERRORS = (0.001, 0.005, 0.01)


def _grid(name: str, group: str, gated: bool = False, **world: float) -> list[Cell]:
    return [
        Cell(f"{name} {rate}/s {errors:.1%}", group, World(rate=rate, errors=errors, **world), gated)  # type: ignore[arg-type]
        for rate in RATES
        for errors in ERRORS
    ]


def nulls() -> list[Cell]:
    cells = _grid("good", "null")
    cells += _grid("clusters of 5", "clusters", cluster=5) + _grid("clusters of 10", "clusters", cluster=10)
    cells += _grid("blip of 20 s", "blip", blip=20)
    cells += [Cell(f"3 % slower node {rate}/s", "offset", World(rate=rate, offset=0.03)) for rate in RATES]
    cells += [
        Cell(f"3 % slower node {rate}/s, spread known", "offset", World(rate=rate, offset=0.03), spread=0.015)
        for rate in RATES
    ]
    return cells


def good() -> list[Cell]:
    """Good releases that are moved by their proofs."""
    return [Cell(c.name, "promotion", c.world, gated=True, seconds=1800) for c in _grid("promoted", "promotion")]


def margins() -> list[Cell]:
    """Exactly as much worse as promotion must rule out."""
    latency = Shape(1.12)
    cells = [
        Cell(f"errors at the margin {rate}/s", "margin", World(rate=rate, more_errors=0.0025), True, seconds=1800)
        for rate in RATES
    ]
    cells += [
        Cell(
            f"sparse clusters of 5 at the margin {rate}/s",
            "margin",
            World(rate=rate, errors=0.001, more_errors=0.0025, cluster=5),
            True,
            seconds=1800,
        )
        for rate in RATES
    ]
    cells += [
        Cell(f"latency at the margin {rate}/s", "margin", World(rate=rate, shape=latency), True, seconds=1800)
        for rate in (50, 500)
    ]
    return cells


REGRESSIONS = {
    "+0.2 pp": {"more_errors": 0.002},
    "+0.5 pp": {"more_errors": 0.005},
    "+1 pp": {"more_errors": 0.01},
    "+2 pp": {"more_errors": 0.02},
    "+5 pp": {"more_errors": 0.05},
    "+20 pp": {"more_errors": 0.20},
    "+100 %": {"more_errors": 0.995},
    "p50 +10 %": {"shape": Shape(1.10)},
    "p50 +20 %": {"shape": Shape(1.20)},
    "p99 x 1.5": {"shape": p99_times(1.5)},
    "p99 x 3": {"shape": p99_times(3.0)},
}


def regressions() -> list[Cell]:
    cells = [
        Cell(f"{name} {rate}/s", "regression", World(rate=rate, **world))  # type: ignore[arg-type]
        for rate in (500, 50, 1500)
        for name, world in REGRESSIONS.items()
    ]
    cells.append(Cell("+5 pp at 240 s 500/s", "regression", World(more_errors=0.05, begins=240)))
    return cells


def every() -> list[Cell]:
    return [*regressions(), *nulls(), *good(), *margins()]
