"""What the demo found: the figures, and whether all that it claims held."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from headgate.cli.demo.answers import Answer, between, p99
from headgate.cli.demo.rollouts import Rollout, stages

SLOWER = 1.2  # slow is what takes so many times the stable's own p99
SETTLING = 1.0  # seconds after a version was put back that are left out of what is usual
GOOD, FAILS, SLOW = "v2", "v3", "v4"


@dataclass(frozen=True, slots=True)
class Claim:
    text: str
    held: bool
    found: str  # what was seen
    look: str = ""  # where to look when it did not hold


@dataclass(frozen=True, slots=True)
class Journey:
    """One version's way."""

    label: str
    made: float  # seconds that `headgate release` took
    asked: float  # when, seconds since 1970
    staging: Rollout | None
    production: Rollout | None


@dataclass(frozen=True, slots=True)
class Harm:
    """What a version that was put back did to users."""

    bad: int  # answers; for a slow version those beyond what is usual
    answers: int  # to all users in the time that it had traffic
    visitors: int | None  # who got at least one bad answer; None where answers cannot be blamed one by one
    first_to_verdict: float | None  # seconds
    verdict_to_last: float | None  # seconds; negative where the last bad answer came before the verdict
    note: str = ""


@dataclass(slots=True)
class Summary:
    rate: int
    why_rate: str
    journeys: list[Journey]
    served: int = 0
    bad: int = 0  # of all
    during_good: list[Answer] = field(default_factory=list)  # from `headgate release` until the rollout had ended
    harm: dict[str, Harm] = field(default_factory=dict)  # version -> what it did
    claims: list[Claim] = field(default_factory=list)
    seconds: float = 0.0
    kept: str = ""
    platform: str = ""

    @property
    def bad_in_good(self) -> int | None:
        return sum(answer.bad for answer in self.during_good) if self.during_good else None

    @property
    def ok(self) -> bool:
        return bool(self.claims) and all(claim.held for claim in self.claims)


def failing(answers: Sequence[Answer], rollout: Rollout, until: float) -> Harm:
    """Of a version that fails: every bad answer from its first share of the traffic on."""
    met = rollout.met_users or rollout.started
    seen = between(answers, met, until)
    bad = sorted((answer for answer in seen if answer.bad), key=lambda answer: answer.done)
    return _harm(bad, len(bad), len(between(answers, met, rollout.ended or until)), rollout)


def slow(answers: Sequence[Answer], rollout: Rollout, quiet_from: float) -> Harm:
    """Of a version that is slow: answers beyond 1.2 x the stable's own p99, less the share that is so anyway.

    The stable alone had the traffic from `quiet_from` until the version got its first share. A request counts while
    the version had any share, and is late or not by its own latency, whoever answered it.
    """
    met, ended = rollout.met_users or rollout.started, rollout.ended or float("inf")
    before, seen = between(answers, quiet_from, met), between(answers, met, ended)
    usual = p99(before)
    if usual is None:
        return Harm(0, len(seen), None, None, None, "nothing was measured before it")
    limit = SLOWER * usual
    late = sorted((answer for answer in seen if late_or_bad(answer, limit)), key=lambda answer: answer.done)
    anyway = sum(late_or_bad(answer, limit) for answer in before) / len(before) * len(seen)
    note = f"slow: above {limit:.0f} ms; {len(late)} were, {anyway:.0f} would have been anyway"
    beyond = max(0, round(len(late) - anyway))
    return replace(_harm(late, beyond, len(seen), rollout, note), visitors=None)


def late_or_bad(answer: Answer, limit: float) -> bool:
    return answer.bad or answer.ms > limit


def _harm(bad: Sequence[Answer], count: int, answers: int, rollout: Rollout, note: str = "") -> Harm:
    verdict = rollout.aborted
    return Harm(
        bad=count,
        answers=answers,
        visitors=len({answer.visitor for answer in bad}),
        first_to_verdict=verdict - bad[0].done if bad and verdict else None,
        verdict_to_last=bad[-1].done - verdict if bad and verdict else None,
        note=note,
    )


def figures(rate: int, why: str, journeys: list[Journey], answers: Sequence[Answer]) -> Summary:
    found = Summary(rate, why, journeys)
    found.served = sum(answer.status != 0 for answer in answers)
    found.bad = sum(answer.bad for answer in answers)
    by_label = {journey.label: journey for journey in journeys}
    good, fails, slows = (by_label.get(label) for label in (GOOD, FAILS, SLOW))
    if good and good.production and good.production.ended:
        found.during_good = between(answers, good.asked, good.production.ended)
    if fails and fails.production:
        found.harm[FAILS] = failing(answers, fails.production, slows.asked if slows else float("inf"))
    if fails and fails.production and slows and slows.production:
        back = (fails.production.ended or fails.production.started) + SETTLING
        found.harm[SLOW] = slow(answers, slows.production, back)
    return found


def as_json(summary: Summary) -> dict[str, Any]:
    return {
        "ok": summary.ok,
        "seconds": round(summary.seconds, 1),
        "platform": summary.platform,
        "rate": summary.rate,
        "why_rate": summary.why_rate,
        "served": summary.served,
        "bad": summary.bad,
        "bad_in_good_release": summary.bad_in_good,
        "versions": {one.label: journey_json(one, summary.harm) for one in summary.journeys},
        "claims": [asdict(claim) for claim in summary.claims],
        "kept": summary.kept or None,
    }


def journey_json(journey: Journey, harm: Mapping[str, Harm]) -> dict[str, Any]:
    places = {"staging": journey.staging, "production": journey.production}
    return {
        "release_seconds": round(journey.made, 2),
        **{name: rollout_json(one) for name, one in places.items()},
        "harm": asdict(harm[journey.label]) if journey.label in harm else None,
    }


def rollout_json(rollout: Rollout | None) -> dict[str, Any] | None:
    if rollout is None:
        return None
    took = {name: round(seconds, 2) for name, seconds in stages(rollout).items()}
    return {"outcome": rollout.outcome, "why": rollout.why, "stages": took}
