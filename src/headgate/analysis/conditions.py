"""Thresholds as other tools have them: each reading of a metric counts as success, failure, inconclusive or error.

Counted in each step anew, from the ticks in the log and each of them once; nothing here knows error rates of verdicts.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import isfinite
from typing import Literal

from headgate.model.conditions import Condition
from headgate.model.measurements import Measurement, Value
from headgate.model.metrics import MetricRule
from headgate.model.verdicts import Outcome, Standing, Verdict

Grade = Literal["success", "failure", "inconclusive", "error"]

WORST_FIRST = (Outcome.FAIL, Outcome.NO_DATA, Outcome.INCONCLUSIVE, Outcome.PASS)


@dataclass(frozen=True, slots=True)
class Tally:
    """Of one metric, in one step."""

    readings: int = 0  # errors included
    successes: int = 0
    failures: int = 0
    inconclusives: int = 0
    errors: int = 0  # in a row
    last: Value | None = None
    at: datetime | None = None  # of the last reading

    @property
    def measured(self) -> int:
        return self.successes + self.failures + self.inconclusives


@dataclass(frozen=True, slots=True)
class Counts:
    step: int = 0  # position in the rollout
    tick: int = 0  # it and all before it are never counted again
    tallies: dict[str, Tally] = field(default_factory=dict)

    def of(self, step: int, metric: str) -> Tally:
        return self.tallies.get(metric, Tally()) if step == self.step else Tally()


def counted(known: Counts, rules: Iterable[MetricRule], measured: Measurement, step: int) -> Counts:
    if measured.tick <= known.tick:
        return known
    tallies = dict(known.tallies) if step == known.step else {}
    for rule in rules:
        if value := measured.values.get(rule.name):
            tallies[rule.name] = _with(tallies.get(rule.name, Tally()), rule, value, measured.window.end)
    return Counts(step, measured.tick, tallies)


def _with(tally: Tally, rule: MetricRule, value: Value, at: datetime) -> Tally:
    read = replace(tally, readings=tally.readings + 1, errors=0, last=value, at=at)
    match grade(rule, value):
        case "success":
            return replace(read, successes=tally.successes + 1)
        case "failure":
            return replace(read, failures=tally.failures + 1)
        case "inconclusive":
            return replace(read, inconclusives=tally.inconclusives + 1)
        case "error":
            return replace(read, errors=tally.errors + 1)


def grade(rule: MetricRule, value: Value) -> Grade:
    """Of two conditions the failure is asked first; of one, what does not hold is the opposite."""
    number = value.candidate
    if value.missing or number is None or not isfinite(number):
        return "error"
    if rule.worse_by is not None:
        return "error" if value.stable is None or not isfinite(value.stable) else "success"
    if rule.failure and rule.failure.holds(number):
        return "failure"
    if rule.success is None:
        return "success" if rule.failure else "inconclusive"
    if rule.success.holds(number):
        return "success"
    return "inconclusive" if rule.failure else "failure"


def finished(rule: MetricRule, tally: Tally) -> bool:
    """Nothing more is to be asked."""
    return 0 < rule.count <= tally.measured


def verdict(rules: Sequence[MetricRule], counts: Counts, step: int) -> Verdict:
    """The worst of all metrics that decide."""
    standings = tuple(_standing(rule, counts.of(step, rule.name)) for rule in rules)
    deciding = [one for one in standings if not one.dry_run]
    worst = next((o for o in WORST_FIRST if any(one.outcome is o for one in deciding)), Outcome.PASS)
    why = "; ".join(one.why for one in deciding if one.outcome is worst)
    return Verdict(worst, why, standings=standings)


def joined(compared: Verdict, metrics: Verdict) -> Verdict:
    """Either fails, both pass."""
    both = (compared, metrics)
    outcome = min((one.outcome for one in both), key=WORST_FIRST.index)
    told = [one for one in both if one.outcome is outcome]
    if outcome in (Outcome.NO_DATA, Outcome.INCONCLUSIVE):
        told += [one for one in both if one.outcome not in (outcome, Outcome.PASS)]
    return Verdict(outcome, "; ".join(one.why for one in told if one.why), compared.figures, metrics.standings)


def _standing(rule: MetricRule, tally: Tally) -> Standing:
    outcome, why = _judged(rule, tally)
    number = tally.last.candidate if tally.last and not tally.errors else None
    name = f"metric {rule.name}{' (dry run)' if rule.dry_run else ''}"
    return Standing(rule.name, outcome, f"{name}{why}", number, rule.dry_run)


def _judged(rule: MetricRule, tally: Tally) -> tuple[Outcome, str]:
    if tally.failures > rule.failure_limit:
        return Outcome.FAIL, f"{_read(rule, tally)}: failed {_times(tally.failures)}, {_allowed(rule.failure_limit)}"
    if tally.errors > rule.consecutive_error_limit:
        limit = _allowed(rule.consecutive_error_limit)
        return Outcome.FAIL, f" could not be read {_times(tally.errors)} in a row, {limit}: {_reason(tally)}"
    if tally.errors:
        return Outcome.NO_DATA, f" could not be read: {_reason(tally)}"
    if tally.measured == 0:
        return Outcome.NO_DATA, " was not read yet"
    if tally.inconclusives > rule.inconclusive_limit:
        limit = _allowed(rule.inconclusive_limit)
        return Outcome.INCONCLUSIVE, f"{_read(rule, tally)}: inconclusive {_times(tally.inconclusives)}, {limit}"
    return _so_far(rule, tally)


def _so_far(rule: MetricRule, tally: Tally) -> tuple[Outcome, str]:
    """Within its limits: what is still missing? Readings that were tolerated are no proof by themselves."""
    read = _read(rule, tally)
    if rule.worse_by is not None:
        return Outcome.PASS, read
    if rule.count and tally.measured < rule.count:
        return Outcome.INCONCLUSIVE, f"{read}: read {tally.measured} of {_times(rule.count)}"
    if not tally.successes:
        return Outcome.INCONCLUSIVE, f"{read}: no success in {_times(tally.measured)}"
    if not rule.count and tally.last and grade(rule, tally.last) != "success":
        last = f"succeeded {tally.successes} of {_times(tally.measured)}, but not the last time"
        return Outcome.INCONCLUSIVE, f"{read}: {last}"
    return Outcome.PASS, f"{read}: succeeded {tally.successes} of {_times(tally.measured)}"


def _read(rule: MetricRule, tally: Tally) -> str:
    """: 2.1 against >= 3"""
    last = tally.last or Value()
    if rule.worse_by is not None:
        return f": {_number(last.candidate)} against the stable's {_number(last.stable)}"
    detail = f" ({last.detail})" if last.detail else ""
    return f": {_number(last.candidate)}{detail} against {_wanted(rule.success, rule.failure)}"


def _wanted(success: Condition | None, failure: Condition | None) -> str:
    told = [*([str(success)] if success else []), *([f"failure {failure}"] if failure else [])]
    return ", ".join(told) or "no condition"


def _reason(tally: Tally) -> str:
    last = tally.last or Value()
    return last.missing or f"{last.candidate} is no number"


def _number(value: float | None) -> str:
    return "nothing" if value is None else f"{value:.6g}"


def _times(count: int) -> str:
    return "1 time" if count == 1 else f"{count} times"


def _allowed(limit: int) -> str:
    return f"{limit or 'none'} {'are' if limit > 1 else 'is'} allowed"
