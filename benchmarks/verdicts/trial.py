"""One cell: every judge on the same releases, second by second; what each did and when."""

from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray

from benchmarks.verdicts import peers
from benchmarks.verdicts.candidate import Beat, TwinJudge
from benchmarks.verdicts.cells import Cell
from benchmarks.verdicts.peers import POINT, Series
from benchmarks.verdicts.world import STAGES, Floats, Second, Simulation, World, schedule
from headgate.analysis.policy import Policy
from headgate.model.measurements import edge

TUNING_SEED = 1_000_003

# The peers read quantiles, so they get more edges than the judge needs (ms).
TAIL = (250.0, 400.0, 500.0, 700.0, 1000.0, 1500.0, 2500.0, 4000.0)


@dataclass
class Judged:
    """Seconds until a release was put back or promoted (infinity: not), by release."""

    back: Floats
    promoted: Floats
    by: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))  # index of the metric


@dataclass
class Trial:
    judges: dict[str, Judged]
    excess: Floats  # [second, release]: bad answers so far beyond what the stable would have given
    requests: Floats  # [second, release]: of the candidate so far
    metrics: tuple[str, ...]


class Headgate:
    """The judge with its gates, or on a fixed schedule where only harm counts."""

    def __init__(self, cell: Cell, releases: int, beat: int, policy: Policy) -> None:
        self.judge = TwinJudge(policy, releases, cell.world.errors)
        self.cell, self.beat, self.policy = cell, beat, policy
        self.stage = np.zeros(releases, dtype=np.int64)
        self.seconds, self.requests = np.zeros(releases), np.zeros(releases)
        self.back, self.promoted = np.full(releases, np.inf), np.full(releases, np.inf)
        self.by = np.full(releases, -1)
        self._weights = np.array(policy.weights) / 100
        self._pending: list[Second] = []
        self._changed = np.ones(releases, dtype=bool)
        self._scheduled = list(schedule())

    def weights(self, now: int) -> Floats:
        if self.cell.gated:
            return self._weights[self.stage]
        return np.full(len(self.stage), self._scheduled[min(now, len(self._scheduled) - 1)])

    def warm(self, second: Second) -> None:
        self._pending.append(second)
        if len(self._pending) == self.beat:
            self.judge.watch(self._beat(), self.beat, np.zeros(len(self.stage), dtype=bool), alone=True)

    def take(self, second: Second, now: int) -> None:
        """`now`: the end of this second."""
        self._pending.append(second)
        if len(self._pending) < self.beat:
            return
        beat = self._beat()
        self.judge.watch(beat, self.beat, self._changed, alone=False)
        evidence = self.judge.evidence()
        new = (evidence.sum(axis=0) >= 1) & self.open
        self.back[new], self.by[new] = now, evidence[:, new].argmax(axis=0)
        self._changed = np.zeros(len(new), dtype=bool)
        self.seconds += self.beat
        self.requests += beat.requests
        if self.cell.gated:
            self._advance(now)
        elif now in (STAGES[0][1], STAGES[0][1] + STAGES[1][1]):
            self._changed[:] = True

    @property
    def open(self) -> NDArray[np.bool_]:
        return np.isinf(self.back) & np.isinf(self.promoted)

    def _advance(self, now: int) -> None:
        watched = self.seconds - self.beat  # the tick within which the weight was set does not count
        enough = (watched >= self.policy.dwell) & (self.requests >= self.policy.minimum_requests)
        ready = self.judge.proven(self.stage) & enough & self.open
        last = ready & (self.stage == len(self._weights) - 1)
        self.promoted[last] = now
        on = ready & ~last
        self.stage[on] += 1
        self.seconds[on], self.requests[on] = 0.0, 0.0
        self._changed = on

    def _beat(self) -> Beat:
        beat, self._pending = Beat.of(self._pending), []
        beat.slow = beat.slow[:, self.columns]
        beat.stable_slow = beat.stable_slow[:, self.columns]
        return beat

    columns: NDArray[np.int64]


def run(cell: Cell, releases: int, seed: int, beat: int = 1, with_peers: bool = True) -> Trial:
    policy = Policy(instance_spread=cell.spread)
    headgate = Headgate(cell, releases, beat, policy)
    own = [edge(bucket) for bucket in headgate.judge.places]
    edges = sorted({*own, *TAIL}) if with_peers and not cell.gated else own
    headgate.columns = np.array([edges.index(one) for one in own])
    world = Simulation(cell.world, releases, seed, tuple(edges))
    for _ in range(cell.world.warm):
        headgate.warm(world.second(np.zeros(releases)))
    excess, requests, seconds = [np.zeros(releases)], [np.zeros(releases)], []
    for now in range(1, cell.seconds + 1):
        second = world.second(headgate.weights(now - 1))
        seconds.append(second)
        excess.append(excess[-1] + second.excess)
        requests.append(requests[-1] + second.requests)
        headgate.take(second, now)
        if cell.gated and not headgate.open.any():
            break
    judges = {"headgate": Judged(headgate.back, headgate.promoted, headgate.by)}
    if with_peers and not cell.gated:
        judges |= _peers(points(seconds, np.array(edges)), cell.world, releases, tuple(edges))
    names = tuple(metric.name for metric in headgate.judge.metrics)
    return Trial(judges, np.array(excess), np.array(requests), names)


def points(seconds: list[Second], edges: Floats) -> Series:
    """Ten-second points as the peers see them."""
    rows: list[list[Floats]] = [[] for _ in range(6)]
    for first in range(0, len(seconds) // POINT * POINT, POINT):
        beat = Beat.of(seconds[first : first + POINT])
        arms = ((beat.requests, beat.bad, beat.slow), (beat.stable_requests, beat.stable_bad, beat.stable_slow))
        for arm, (of, bad, slow) in enumerate(arms):
            rows[3 * arm].append(peers.share(bad, of))
            rows[3 * arm + 1].append(peers.quantile(of, slow, edges, 0.5))
            rows[3 * arm + 2].append(peers.quantile(of, slow, edges, 0.01))
    return Series(*(np.array(one) for one in rows))


@cache
def _good_points(good: World, releases: int, edges: tuple[float, ...]) -> Series:
    """The same world without the regression, from a seed of its own: what the thresholds are tuned on."""
    simulation = Simulation(good, releases, TUNING_SEED, edges)
    for _ in range(good.warm):
        simulation.second(np.zeros(releases))
    return points([simulation.second(np.full(releases, weight)) for weight in schedule()], np.array(edges))


def _peers(series: Series, world: World, releases: int, edges: tuple[float, ...]) -> dict[str, Judged]:
    alike = World(world.rate, world.errors, noise=world.noise, cluster=world.cluster, blip=world.blip)
    good = _good_points(alike, min(releases, 1000), edges)
    errors, p99 = peers.minutes(series.errors), peers.minutes(series.p99)
    good_errors, good_p99 = peers.minutes(good.errors), peers.minutes(good.p99)
    by_errors = peers.tuned_limit(good_errors, peers.FLAGGER_FAILURES, 1, 0.005)
    by_p99 = peers.tuned_limit(good_p99, peers.FLAGGER_FAILURES, 1, 0.005)
    argo_limit = peers.tuned_limit(good_errors, peers.ARGO_FAILURES, 0, 0.01)
    back = {
        "flagger": peers.flagger(errors, p99),
        "flagger tuned": peers.flagger(errors, p99, 1 - by_errors, by_p99),
        "argo": peers.argo(errors),
        "argo tuned": peers.argo(errors, 1 - argo_limit),
        "kayenta once": peers.kayenta_once(series),
        "kayenta every minute": peers.kayenta_every_minute(series),
    }
    return {name: Judged(when, np.where(np.isinf(when), 600.0, np.inf)) for name, when in back.items()}
