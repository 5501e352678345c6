"""A metric that the file brings: where its number comes from, when it is read, and what it must be."""

from dataclasses import dataclass, field
from datetime import timedelta

from headgate.model.checks import Check
from headgate.model.conditions import Condition

# What is filled in where an expression, an address or the like names it in braces.
PLACEHOLDERS = ("application", "environment", "release", "revision", "interval")


@dataclass(frozen=True, slots=True)
class ValueQuery:
    """What a value source is asked."""

    source: str  # web, prometheus, ...
    expression: str  # in the source's own language
    settings: dict[str, str] = field(default_factory=dict, hash=False)  # what the file says of the source itself


@dataclass(frozen=True, slots=True)
class MetricRule:
    """Judged by conditions, or, with `worse_by`, by comparison of the candidate's number with the stable's."""

    name: str
    query: ValueQuery | None = None
    job: Check | None = None  # instead of a query: 1 where it passes, 0 where it fails
    success: Condition | None = None
    failure: Condition | None = None
    worse_by: float | None = None  # relative: 0.1 rules out 10 % more than the stable
    interval: timedelta = timedelta(minutes=1)
    initial_delay: timedelta = timedelta(0)  # from the begin of the step
    count: int = 0  # readings without errors after which nothing more is asked; 0: as long as the step lasts
    failure_limit: int = 0  # of one step, as are the two below
    inconclusive_limit: int = 0
    consecutive_error_limit: int = 4
    dry_run: bool = False  # shown, never decides
