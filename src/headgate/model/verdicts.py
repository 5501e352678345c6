"""Verdicts: what the measurements prove, in one sentence and in figures."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    NO_DATA = "no_data"


@dataclass(frozen=True, slots=True)
class Figure:
    """One metric as `why` and `watch` show it: the estimate, its interval, the evidence and what is missing.

    `share` and `usual` are mean scores since the stage began: of the candidate, and of the stable then and there.
    `harm` is the evidence as a part of what puts a candidate back (all metrics together: 1). `proof` is in nats above
    what a promotion needs; below 0 it is still missing. `low` and `high` bound share - usual (95 %).
    """

    service: str  # empty: of all
    metric: str
    harm: float
    proof: float
    answers: int = 0  # of the candidate
    share: float = 0.0
    usual: float = 0.0
    low: float = 0.0
    high: float = 0.0
    allowed: float = 0.0  # largest share that is not harm
    limit: float = 0.0  # milliseconds; 0 where no single one
    slower: float = 0.0  # estimate for graded latency and for gauges, relative
    factor: float = 1.0  # evidence was divided by it, for answers that come in clusters


@dataclass(frozen=True, slots=True)
class Standing:
    """One metric of the file, by its conditions."""

    metric: str
    outcome: Outcome  # of this metric alone
    why: str
    value: float | None = None  # as last read; None where that was an error
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    outcome: Outcome
    why: str  # one sentence with the numbers it used
    figures: tuple[Figure, ...] = ()
    standings: tuple[Standing, ...] = ()


def odds(ratio: float) -> str:
    """131 : 1; below even, 1 : 8."""
    if ratio >= 1e6:
        return "over 1,000,000 : 1"
    return f"{ratio:,.0f} : 1" if ratio >= 1 else f"1 : {1 / max(ratio, 1e-6):,.0f}"
