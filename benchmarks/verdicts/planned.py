"""The planner against the trials: what it says beforehand, by the clock and by proofs, and what happened."""

from benchmarks.verdicts.bars import Results
from benchmarks.verdicts.candidate import reference
from benchmarks.verdicts.planner import Expectation, detection, schedule
from headgate.analysis.course import LUCKS, Terms, quantile, walks
from headgate.analysis.growth import Regression
from headgate.analysis.policy import Policy
from headgate.model.measurements import Traffic

POLICY = Policy()
SECONDS = (120.0, 180.0, 300.0)
LONGEST = 1800.0  # seconds of a trial by gates
TERMS = Terms(deadline=LONGEST, prepared=60.0)
WORSE = {
    "+0.2 pp": Regression(more_errors=0.002),
    "+0.5 pp": Regression(more_errors=0.005),
    "+1 pp": Regression(more_errors=0.01),
    "+2 pp": Regression(more_errors=0.02),
    "+5 pp": Regression(more_errors=0.05),
    "+20 pp": Regression(more_errors=0.20),
    "+100 %": Regression(more_errors=0.995),
    "p50 +10 %": Regression(slower=0.10),
    "p50 +20 %": Regression(slower=0.20),
}


def planned(results: Results) -> str:
    lines = [
        "| case | found: planned | tried | median s: planned | tried | p95 s: planned | tried |",
        "| --- " * 7 + "|",
    ]
    for cell, said in cases():
        if cell in results:
            judged = results[cell]["judges"]["headgate"]
            promoted = cell.startswith("promoted")
            share = judged["promoted" if promoted else "found"]["share"]
            when = quantiles(judged["promoted_seconds" if promoted else "seconds"], share)
            found = "" if promoted else f"{said.caught * 100:.0f} %"
            lines.append(
                f"| {cell} | {found} | {share * 100:.0f} % | {_said(said.usual)} | {_said(when[0])}"
                f" | {_said(said.worst)} | {_said(when[1])} |"
            )
    return "\n".join(lines)


def cases() -> list[tuple[str, Expectation]]:
    histogram = reference()
    stages = schedule(POLICY, SECONDS)
    said = [
        (f"{name} {rate}/s", detection(POLICY, Traffic(rate, 0.005, histogram), worse, stages))
        for rate in (500, 50, 1500)
        for name, worse in WORSE.items()
    ]
    said += [
        (f"promoted {rate}/s {errors:.1%}", _moved_by_proofs(Traffic(rate, errors, histogram)))
        for rate in (50, 500, 1500)
        for errors in (0.001, 0.005, 0.01)
    ]
    return said


def _moved_by_proofs(traffic: Traffic) -> Expectation:
    """Of all releases, good ones, within the 30 minutes that the trials last."""
    seconds = sorted(one.seconds for one in walks(POLICY, traffic, Regression(), TERMS) if one.outcome == "promoted")
    within = sum(one <= LONGEST for one in seconds) / LUCKS
    whole = LUCKS / max(len(seconds), 1)
    usual, worst = (quantile(seconds, share * whole) if within >= share else None for share in (0.5, 0.95))
    return Expectation(within, usual, worst, 0.0)


def quantiles(found: dict[str, float] | None, share: float) -> tuple[float | None, float | None]:
    """Of all releases, not only of those that were found: None where fewer were."""
    if found is None:
        return None, None
    return (found["p50"] if share >= 0.995 else None), (found["p95"] if share >= 0.995 else None)


def _said(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.0f}"
