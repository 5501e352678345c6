"""What is kept of one release: how it ended, after how long, on what evidence."""

from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.verdicts.real.journal import Trial

from headgate.cli.demo.rollouts import Rollout, stages
from headgate.model.measurements import Sample

PROMOTED, PUT_BACK, HELD, OTHERWISE = "promoted", "put back", "held", "ended otherwise"


@dataclass(slots=True)
class Release:
    label: str
    defect: str  # empty: nothing but a comment changed
    outcome: str
    why: str
    started: float  # seconds since 1970
    met_users: float | None
    ended: float
    verdict_seconds: float | None  # from the first traffic to the promotion or the decision to put back
    stages: dict[str, float]  # seconds
    proven: list[int]  # weights, percent, that were passed by proof
    unproven: list[int]  # and those passed because the deadline had come
    candidate_requests: dict[str, int]  # by service
    stable_requests: dict[str, int]
    highest_harm: float  # of any tick; 1 puts back
    highest_of: str  # service and metric
    highest_at: float  # seconds after the first traffic
    figures: list[dict[str, Any]]  # of the last verdict
    missing: list[str]  # what could not be measured
    load: float  # load average of the machine
    answers: int = 0  # that users had from its first traffic to its end
    bad_answers: int = 0
    usual_latency: dict[int, int] = field(default_factory=dict)  # of the stable's web, bucket -> answers
    trace: list[tuple[float, int, float, str]] = field(default_factory=list)  # seconds, weight, harm, of what

    def as_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if name not in ("trace", "usual_latency")}


def recorded(label: str, defect: str, rollout: Rollout, trial: Trial, held: str, load: float) -> Release:
    met, decided = rollout.met_users, rollout.aborted or rollout.promoted
    since = met or rollout.started
    trace = [(round(one.at.timestamp() - since, 2), one.weight, one.harm, one.worst) for one in trial.ticks]
    highest = max(trace, key=lambda one: one[2], default=(0.0, 0, 0.0, ""))
    return Release(
        label=label,
        defect=defect,
        outcome=_outcome(rollout, held),
        why=held or rollout.why or (trial.verdict.why if trial.verdict else ""),
        started=rollout.started,
        met_users=met,
        ended=rollout.ended or decided or 0.0,
        verdict_seconds=round(decided - met, 2) if decided and met else None,
        stages={name: round(seconds, 2) for name, seconds in stages(rollout).items()},
        proven=trial.proven,
        unproven=trial.unproven,
        candidate_requests={name: one.requests for name, one in sorted(trial.candidate.items())},
        stable_requests={name: one.requests for name, one in sorted(trial.stable.items())},
        highest_harm=float(f"{highest[2]:.3g}"),
        highest_of=highest[3],
        highest_at=highest[0],
        figures=[_figure(asdict(one)) for one in (trial.verdict.figures if trial.verdict else ())],
        missing=trial.missing,
        load=round(load, 2),
        usual_latency=trial.stable.get("web", Sample()).latency,
        trace=trace,
    )


def _outcome(rollout: Rollout, held: str) -> str:
    if held:
        return HELD
    if rollout.outcome == "promoted":
        return PROMOTED
    return PUT_BACK if rollout.by_analysis else OTHERWISE


def _figure(figure: dict[str, Any]) -> dict[str, Any]:
    return {name: float(f"{value:.4g}") if isinstance(value, float) else value for name, value in figure.items()}
