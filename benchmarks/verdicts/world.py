"""A world of releases, one array entry each, second by second: traffic, errors and latencies of both arms.

Every judge of a cell sees the same draws. A cell is a `World` (what is true) and a seed.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.verdicts.latency import USUAL, Shape

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

STAGES = ((5, 120), (25, 180), (50, 300))  # weight (percent), seconds


@dataclass(frozen=True)
class World:
    """What is true of a cell. Rates are shares of requests, times are seconds of the release."""

    rate: float = 500.0  # requests per second, both arms together
    errors: float = 0.005  # of the stable
    more_errors: float = 0.0  # of the candidate, absolute
    shape: Shape = USUAL  # latency of the candidate
    begins: int = 0  # the regression starts at this second
    noise: bool = True  # drift and bursts that both arms share
    cluster: int = 1  # errors come in groups of so many
    blip: int = 0  # seconds of trouble that only the candidate has, once, at a random moment
    warm: int = 60  # seconds of the stable alone before the candidate gets traffic
    offset: float = 0.0  # latency of the candidate's node, relative and lasting


@dataclass(frozen=True)
class Second:
    """Counts of one second. `slow` has one column per latency edge."""

    requests: Counts
    bad: Counts
    slow: Counts
    stable_requests: Counts
    stable_bad: Counts
    stable_slow: Counts
    excess: Floats  # bad answers beyond what the stable would have given


class Waves:
    """Slow drift: two sines of random period and phase for each release, scaled to +-1."""

    def __init__(self, random: np.random.Generator, releases: int) -> None:
        self._period = random.uniform(120, 900, (2, releases))
        self._phase = random.uniform(0, 2 * np.pi, (2, releases))

    def at(self, second: int) -> Floats:
        return np.sin(2 * np.pi * second / self._period + self._phase).mean(axis=0)


class Bursts:
    """Trouble of both arms: on average every five minutes, 20-40 s, +1..10 points of errors, latency x 1.2-2.5."""

    def __init__(self, random: np.random.Generator, releases: int) -> None:
        self._random = random
        self._left = np.zeros(releases)
        self.errors = np.zeros(releases)
        self.latency = np.ones(releases)

    def step(self) -> None:
        self._left = np.maximum(self._left - 1, 0)
        size = self._left.size
        new = (self._left == 0) & (self._random.random(size) < 1 / 300)
        self._left = np.where(new, self._random.uniform(20, 40, size).round(), self._left)
        self.errors = np.where(new, self._random.uniform(0.01, 0.10, size), self.errors) * (self._left > 0)
        latency = np.where(new, self._random.uniform(1.2, 2.5, size), self.latency)
        self.latency = np.where(self._left > 0, latency, 1.0)


class Blips:
    """Trouble of the candidate alone, once in each release, of the strength of a burst."""

    def __init__(self, random: np.random.Generator, releases: int, length: int, within: int) -> None:
        self._begins = random.integers(0, max(within - length, 1), releases)
        self._length = length
        self._errors = random.uniform(0.01, 0.10, releases)
        self._latency = random.uniform(1.2, 2.5, releases)

    def at(self, second: int) -> tuple[Floats, Floats]:
        on = (second >= self._begins) & (second < self._begins + self._length)
        return self._errors * on, np.where(on, self._latency, 1.0)


class Groups:
    """Errors in groups of `size`, one after another: what does not fit into a second spills into the next."""

    def __init__(self, random: np.random.Generator, releases: int, size: int) -> None:
        self._random, self._size = random, size
        self._waiting = np.zeros(releases, dtype=np.int64)

    def draw(self, requests: Counts, share: Floats) -> Counts:
        if self._size == 1:
            return self._random.binomial(requests, share)
        self._waiting += self._size * self._random.poisson(requests * share / self._size)
        bad = np.minimum(self._waiting, requests)
        self._waiting -= bad
        return bad


class Simulation:
    """`weights` may differ from release to release: a judge with gates decides when the next stage begins."""

    def __init__(self, world: World, releases: int, seed: int, edges: tuple[float, ...]) -> None:
        self.world, self.releases = world, releases
        self.edges = np.array(edges)
        self._random = random = np.random.default_rng(seed)
        self._traffic, self._errors, self._latency = (Waves(random, releases) for _ in range(3))
        self._bursts = Bursts(random, releases)
        self._blips = Blips(random, releases, world.blip, 600)
        self._groups = [Groups(random, releases, world.cluster) for _ in range(2)]
        self._now = -world.warm

    def second(self, weights: Floats) -> Second:
        """The next second, at these weights (0-1) of the candidate."""
        world, now = self.world, self._now
        noise = 1.0 if world.noise else 0.0
        if world.noise:
            self._bursts.step()
        common_slower = np.exp(noise * 0.15 * self._latency.at(now)) * self._bursts.latency
        base = world.errors * np.exp(noise * 0.3 * self._errors.at(now)) + self._bursts.errors
        blip_errors, blip_slower = self._blips.at(now)
        on = now >= world.begins
        more = base + on * world.more_errors + blip_errors
        total = self._random.poisson(world.rate * (1 + noise * 0.2 * self._traffic.at(now)))
        requests = self._random.binomial(total, weights)
        stable_requests = total - requests
        bad = self._groups[0].draw(requests, np.minimum(more, 1.0))
        stable_bad = self._groups[1].draw(stable_requests, np.minimum(base, 1.0))
        own = common_slower * blip_slower * (1 + world.offset)
        slow = self._slow(requests, world.shape if on else Shape(), own)
        stable_slow = self._slow(stable_requests, Shape(), common_slower)
        self._now += 1
        return Second(requests, bad, slow, stable_requests, stable_bad, stable_slow, bad - requests * base)

    def _slow(self, requests: Counts, shape: Shape, slower: Floats) -> Counts:
        """Requests beyond each edge: those beyond one edge are a part of those beyond the edge before it."""
        beyond = shape.beyond(self.edges[None, :] / slower[:, None])
        columns, left, before = [], requests, np.ones(len(requests))
        for column in range(len(self.edges)):
            share = np.clip(beyond[:, column] / np.maximum(before, 1e-300), 0, 1)
            left = self._random.binomial(left, share)
            before = beyond[:, column]
            columns.append(left)
        return np.stack(columns, axis=1)


def schedule() -> Iterator[float]:
    """The weight of each second (0-1) of a release that is moved by the clock alone."""
    for weight, seconds in STAGES:
        for _ in range(seconds):
            yield weight / 100
