"""What the planner says beforehand of the traffic and the defects that were really sent."""

from statistics import median
from typing import Any

from benchmarks.verdicts import planner
from benchmarks.verdicts.planner import Expectation
from benchmarks.verdicts.real.defects import DEFECTS
from benchmarks.verdicts.real.file import DEMANDING, judged_by

from headgate.model.measurements import Sample, Traffic

LAST = DEMANDING.deadline.total_seconds()


def planned(run: dict[str, Any], name: str) -> Expectation | None:
    """None where a defect is nothing that the planner knows. It is told how long the stages really lasted."""
    latency = {int(bucket): count for bucket, count in run["usual_latency"].items()}
    usual = Sample(latency=latency).quantile(0.5)
    defect = next(one for one in DEFECTS if one.name == name)
    worse = defect.regression((usual or 1.0) / 1000)
    if worse is None:
        return None
    policy = judged_by(DEMANDING)
    traffic = Traffic(run["requests_per_second"] / run["lanes"], 0.0, latency)
    stages = planner.schedule(policy, [_seconds(run, name, weight) for weight in run["weights"]])
    return planner.detection(policy, traffic, worse, stages)


def _seconds(run: dict[str, Any], name: str, weight: int) -> float:
    """Median of those that passed this weight, or the deadline where most did not."""
    own = [one for one in run["releases"] if one["defect"] == name]
    passed = [one["stages"][f"{weight} %"] for one in own if weight in one["proven"]]
    return median(passed) if 2 * len(passed) > len(own) else LAST
