"""Aims: shares of bad answers that are not to be exceeded after a promotion, each over a long and a short window."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from headgate.analysis.record import Record, Records
from headgate.model.monitors import Burn, LatencyObjective, MonitorRules

# Against the revision before. Nobody is there to compare with at the same moment: the margins are wide, as in a bake.
TIMES = 2.0  # its worst minutes' share of failures, its slowest minutes' 90th percentile
POINTS = 0.02  # beyond that, of failures
SLOW = 0.1  # share of the answers that are slower than twice its 90th percentile: then the 90th has doubled
SUSTAINED = (300.0, 60.0)  # seconds, long and short window; no longer than a quarter of the monitor
MOST = 0.5  # a threshold is at most half of all answers: of a p90 nothing burns faster than ten times


@dataclass(frozen=True, slots=True)
class Aim:
    service: str
    share: float  # of the answers that are bad
    over: float  # seconds
    also: float
    limit: float = 0.0  # milliseconds; 0: bad is what failed, else what is slower
    budget: float = 0.0  # share that is promised to be allowed; 0: it is the record that is compared with
    usual: float | None = None  # share that was bad before; None: nobody knows


def aims(rules: MonitorRules, services: Iterable[str], records: Records) -> tuple[Aim, ...]:
    found: list[Aim] = []
    for service in services:
        record = records.get(service, Record())
        found += [*_against(rules, service, record), *_promised(rules, service, record)]
    return tuple(found)


def fitted(burn: Burn, duration: timedelta) -> Burn:
    """A window longer than the monitor is cut to it, at the rate that spends the same part of the budget in it."""
    if burn.over <= duration:
        return burn
    ratio = burn.over / duration
    return Burn(burn.rate * ratio, duration, burn.also / ratio)


def _against(rules: MonitorRules, service: str, record: Record) -> list[Aim]:
    if not record.known:
        return []
    over = min(SUSTAINED[0], rules.duration.total_seconds() / 4)
    windows = (over, over * SUSTAINED[1] / SUSTAINED[0])
    found = [Aim(service, min(TIMES * record.errors + POINTS, MOST), *windows, usual=record.errors)]
    if record.slow is not None:
        limit = TIMES * record.slow
        found.append(Aim(service, SLOW, *windows, limit=limit, usual=record.slower_than(limit)))
    return found


def _promised(rules: MonitorRules, service: str, record: Record) -> list[Aim]:
    found: list[Aim] = []
    for burn in (fitted(one, rules.duration) for one in rules.burn):
        if rules.availability is not None:
            usual = record.errors if record.known else None
            found.append(_aim(service, burn, 1 - rules.availability, usual))
        found += [_slow(service, burn, objective, record) for objective in rules.latency]
    return found


def _slow(service: str, burn: Burn, objective: LatencyObjective, record: Record) -> Aim:
    limit = objective.limit / timedelta(milliseconds=1)
    return _aim(service, burn, 1 - objective.share, record.slower_than(limit) if record.known else None, limit)


def _aim(service: str, burn: Burn, budget: float, usual: float | None, limit: float = 0.0) -> Aim:
    share = min(burn.rate * budget, MOST)
    return Aim(service, share, burn.over.total_seconds(), burn.also.total_seconds(), limit, round(budget, 12), usual)
