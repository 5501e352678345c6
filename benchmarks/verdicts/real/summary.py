"""All releases of a run as JSON: the settings, the machine, the counts, and each release."""

import os
import subprocess
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.verdicts.real.bound import highest
from benchmarks.verdicts.real.file import BAKE, WEIGHTS
from benchmarks.verdicts.real.record import PROMOTED, PUT_BACK, Release

from headgate.cli.demo.answers import quantile
from headgate.model.measurements import Sample
from headgate.model.rules import AnalysisRules


@dataclass(frozen=True, slots=True)
class Run:
    lanes: int
    rate: int  # requests a second, in all lanes together
    rules: AnalysisRules
    began: float  # seconds since 1970
    commit: str  # as the run began


def summarised(releases: Sequence[Release], run: Run) -> dict[str, Any]:
    ordered = sorted(releases, key=lambda one: one.started)
    return {
        "date": datetime.fromtimestamp(run.began, UTC).isoformat(timespec="seconds"),
        "commit": run.commit,
        "cores": os.cpu_count(),
        "load": spread([one.load for one in ordered]),
        "lanes": run.lanes,
        "requests_per_second": run.rate,
        "weights": WEIGHTS,
        "at_least_seconds": run.rules.at_least.total_seconds(),
        "blip_seconds": run.rules.blip.total_seconds(),
        "deadline_seconds": run.rules.deadline.total_seconds(),
        "unproven": run.rules.unproven,
        "bake_seconds": BAKE,
        "errors": {"harm": run.rules.errors.harm, "promotion": run.rules.errors.accept},
        "latency": {"harm": run.rules.latency.harm, "promotion": run.rules.latency.accept},
        "p99": {"harm": run.rules.p99.harm, "promotion": run.rules.p99.accept},
        "kinds": {kind: counted([one for one in ordered if one.defect == kind]) for kind in _kinds(ordered)},
        "usual_latency": _usual(ordered),
        "releases": [one.as_json() for one in ordered],
    }


def _usual(releases: Sequence[Release]) -> dict[int, int]:
    """Of the stable's web, bucket -> answers, all releases together."""
    total = sum((Sample(latency=one.usual_latency) for one in releases), Sample())
    return dict(sorted(total.latency.items()))


def _kinds(releases: Sequence[Release]) -> list[str]:
    return list(dict.fromkeys(one.defect for one in releases))


def counted(releases: Sequence[Release]) -> dict[str, Any]:
    outcomes = Counter(one.outcome for one in releases)
    back = outcomes[PUT_BACK]
    names = list(dict.fromkeys(name for one in releases for name in one.stages))
    return {
        "releases": len(releases),
        "outcomes": dict(outcomes),
        "by_proof_alone": sum(one.outcome == PROMOTED and not one.unproven for one in releases),
        "put_back_at_most": round(highest(back, len(releases)), 5),
        "verdict_seconds": spread([one.verdict_seconds for one in releases if one.verdict_seconds is not None]),
        "bad_answers": spread([one.bad_answers for one in releases]),
        "candidate_requests": spread([one.candidate_requests.get("web", 0) for one in releases]),
        "highest_harm": spread([one.highest_harm for one in releases]),
        "stage_seconds": {name: spread([one.stages[name] for one in releases if name in one.stages]) for name in names},
    }


def spread(values: Sequence[float]) -> dict[str, float] | None:
    ordered = sorted(values)
    if not ordered:
        return None
    parts = {"p50": quantile(ordered, 0.50), "p95": quantile(ordered, 0.95), "most": ordered[-1]}
    return {name: round(value, 4) for name, value in parts.items() if value is not None}


def commit() -> str:
    said = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=10"],
        cwd=Path(__file__).parent, capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    return said.stdout.strip()
