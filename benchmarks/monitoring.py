"""The sentinel tried in worlds where the release is as good as the one before: how often is it blamed all the same?

`python -m benchmarks.monitoring` prints both tables of docs/monitoring.md; two minutes.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import exp, pi, sin

import numpy as np

from headgate.analysis.record import Records, remembered
from headgate.decide import monitoring as m
from headgate.model.ids import EnvironmentId, ReleaseId, RevisionId, RolloutId
from headgate.model.measurements import Measurement, Sample, Window, edge
from headgate.model.monitors import LatencyObjective, MonitoringStarted, MonitorRules
from headgate.model.observations import Instance, Seen
from headgate.model.releases import Revision
from headgate.model.rollouts import EnvironmentState
from headgate.model.routes import RoutesSeen
from headgate.model.services import Service

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
TICK = 30.0  # seconds
HOURS = 4
RELEASES = 200
RATE, ERRORS = 500.0, 0.0002  # requests per second, share
BUCKETS = np.arange(0, 130)
EDGES = np.log(np.array([edge(int(one)) for one in BUCKETS]))
MEDIAN, SIGMA = 80.0, 0.6  # milliseconds, lognormal
SEED = 20261123
BURSTS = 120  # from the beginning of the record to the end of the trial, and more

RULES = MonitorRules(
    timedelta(hours=HOURS),
    timedelta(hours=HOURS),
    availability=0.9995,
    latency=(LatencyObjective(0.9, timedelta(milliseconds=500)),),
)
ALONE = replace(RULES, availability=None, latency=())


@dataclass(frozen=True, slots=True)
class Moment:
    """Of the world: factors on traffic and latency, and failures that are added."""

    traffic: float = 1.0
    latency: float = 1.0
    failing: float = 0.0


Weather = Callable[[float, np.random.Generator], Callable[[float], Moment]]  # seconds of the day -> of a moment


def wave(phase: float, at: float) -> float:
    return sin(phase + 2 * pi * at / 86_400)


def calm(phase: float, rng: np.random.Generator) -> Callable[[float], Moment]:
    return lambda at: Moment()


def daily(swing: float) -> Weather:
    """Traffic and latency rise and fall with the day: latency by `swing` up and down."""

    def weather(phase: float, rng: np.random.Generator) -> Callable[[float], Moment]:
        return lambda at: Moment(exp(0.6 * wave(phase, at)), exp(np.log(swing) * wave(phase, at)))

    return weather


def bursts(phase: float, rng: np.random.Generator) -> Callable[[float], Moment]:
    """As in the trials of the judge: every five minutes, 20-40 s, 1 to 10 points of failures, latency x 1.2 to 2.5."""
    begins = np.cumsum(rng.exponential(300, BURSTS)) - HOURS * 3600 - 900
    lasts, failing = rng.uniform(20, 40, BURSTS), rng.uniform(0.01, 0.1, BURSTS)
    slow = rng.uniform(1.2, 2.5, BURSTS)

    def moment(at: float) -> Moment:
        parts = np.clip(np.minimum(at + TICK, begins + lasts) - np.maximum(at, begins), 0, None) / TICK
        part = float(min(parts.sum(), 1.0))
        which = int(parts.argmax())
        return Moment(1.0, 1 + part * (float(slow[which]) - 1), part * float(failing[which]))

    return moment


def outage(failing: float, lasts: float) -> Weather:
    """A provider that both versions need fails once, at some moment."""

    def weather(phase: float, rng: np.random.Generator) -> Callable[[float], Moment]:
        begins = rng.uniform(600, HOURS * 3600 - lasts)
        return lambda at: Moment(failing=failing if begins <= at < begins + lasts else 0.0)

    return weather


def rush(times: float) -> Weather:
    """Traffic rises within minutes; what is overloaded is slow and fails."""

    def weather(phase: float, rng: np.random.Generator) -> Callable[[float], Moment]:
        begins = rng.uniform(600, HOURS * 3600 - 1800)
        return lambda at: Moment(times, 3.0, 0.05) if begins <= at < begins + 1200 else Moment()

    return weather


def ill(failing: float = 0.0, latency: float = 1.0) -> Weather:
    """What was promoted turns bad after an hour."""

    def weather(phase: float, rng: np.random.Generator) -> Callable[[float], Moment]:
        return lambda at: Moment(1.0, latency, failing) if at >= 3600 else Moment()

    return weather


def answers(moment: Moment, seconds: float, noise: tuple[float, ...], rng: np.random.Generator) -> dict[str, Sample]:
    requests = int(rng.poisson(RATE * seconds * moment.traffic * noise[0]))
    share = min(1.0, ERRORS * noise[1] + moment.failing)
    centre = np.log(MEDIAN * moment.latency * noise[2])
    from_below = 0.5 * (1 + np.tanh(0.7978845608 * ((z := (EDGES - centre) / SIGMA) + 0.044715 * z**3)))
    parts = np.diff(from_below, prepend=0.0)
    counts = rng.multinomial(requests, parts / parts.sum())
    latency = {int(bucket): int(count) for bucket, count in zip(BUCKETS, counts, strict=True) if count}
    return {"web": Sample(requests, int(rng.binomial(requests, share)), latency)}


def noise(rng: np.random.Generator) -> tuple[float, ...]:
    """Of one tick: traffic +-20 %, errors x exp(+-0.3), latency +-15 %."""
    return rng.uniform(0.8, 1.2), exp(rng.uniform(-0.3, 0.3)), rng.uniform(0.85, 1.15)


def record(weather: Callable[[float], Moment], minutes: int, rng: np.random.Generator) -> Records:
    known: Records = {}
    for minute in range(-minutes, 0):
        known = remembered(known, answers(weather(minute * 60.0), 60.0, noise(rng), rng), 60.0)
    return known


def revision(label: str) -> Revision:
    services = (Service("web", ("web",), 8000),)
    return Revision(RevisionId(label), EnvironmentId("pcw/production"), ReleaseId(label), label, label, services)


V1, V2 = revision("v1"), revision("v2")
SEEN = Seen(None, (Instance("a", V1.id, "web", "", "ready"),), RoutesSeen(None))


def release(make: Weather, rules: MonitorRules, minutes: int, rng: np.random.Generator) -> tuple[str, float]:
    """What becomes of one, and when: rolled back, called, or nothing."""
    weather = make(rng.uniform(0, 2 * pi), rng)
    state = EnvironmentState(V1.environment, stable=V2, previous=V1, warm_until=NOON + timedelta(days=1))
    state = replace(state, records={V1.id: record(weather, minutes, rng)})
    started = MonitoringStarted(RolloutId("rol"), V2.release, V1.id, rules, NOON + rules.duration, "")
    known, called = m.begun(started, state, NOON), 0.0
    for tick in range(1, int(HOURS * 3600 / TICK) + 1):
        at = (tick - 1) * TICK
        window = Window(NOON + timedelta(seconds=at), NOON + timedelta(seconds=at + TICK))
        known = m.learnt(known, Measurement(tick, window, stable=answers(weather(at), TICK, noise(rng), rng)))
        if found := m.breach(known):
            if not m.excuse(found, state, known, SEEN, window.end):
                return "rolled back", at + TICK
            called = called or at + TICK
    return ("called", called) if called else ("", 0.0)


def good(name: str, weather: Weather, rules: MonitorRules, minutes: int) -> str:
    rng = np.random.default_rng(SEED)
    ends = [release(weather, rules, minutes, rng)[0] for _ in range(RELEASES)]
    back, called = (100 * ends.count(word) / RELEASES for word in ("rolled back", "called"))
    return f"| {name} | {minutes} min | {back:.1f} % | {called:.1f} % |"


def bad(name: str, weather: Weather, rules: MonitorRules) -> str:
    rng = np.random.default_rng(SEED)
    found = [release(weather, rules, 10, rng) for _ in range(60)]
    times = sorted(at - 3600 for word, at in found if word == "rolled back" and at > 3600)
    share = 100 * len(times) / len(found)
    if not times:
        return f"| {name} | 0 % | - | - |"
    return f"| {name} | {share:.0f} % | {np.median(times):,.0f} s | {np.quantile(times, 0.95):,.0f} s |"


GOOD: tuple[tuple[str, Weather], ...] = (
    ("calm: traffic +-20 %, errors x exp(+-0.3), latency +-15 %", calm),
    ("a day's swing: traffic x 1.8, latency x 1.3 up and down", daily(1.3)),
    ("a day's swing: traffic x 1.8, latency x 2 up and down", daily(2.0)),
    ("bursts every five minutes, 1-10 points, latency x 1.2-2.5", bursts),
    ("a rush for 20 min: traffic x 3, latency x 3, 5 points", rush(3.0)),
    ("a rush for 20 min: traffic x 1.7, latency x 3, 5 points", rush(1.7)),
    ("a provider fails for 30 s: 20 points", outage(0.2, 30)),
    ("a provider fails for 5 min: 20 points", outage(0.2, 300)),
    ("a provider fails for 5 min: 1 point", outage(0.01, 300)),
)
BAD: tuple[tuple[str, Weather, MonitorRules], ...] = (
    ("every request fails", ill(1.0), ALONE),
    ("+20 points", ill(0.2), ALONE),
    ("+5 points", ill(0.05), ALONE),
    ("+1 point, nothing promised", ill(0.01), ALONE),
    ("+1 point, 99.95 % promised", ill(0.01), RULES),
    ("latency x 4", ill(latency=4.0), ALONE),
    ("latency x 1.5", ill(latency=1.5), ALONE),
)


def main() -> None:
    print("| the world | record | rolled back | called |\n|---|---|---|---|")
    for name, weather in GOOD:
        for minutes in (10, 240):
            print(good(name, weather, RULES, minutes), flush=True)
    print("\n| what turns bad | rolled back | median | 95 % |\n|---|---|---|---|")
    for name, weather, rules in BAD:
        print(bad(name, weather, rules), flush=True)


if __name__ == "__main__":
    main()
