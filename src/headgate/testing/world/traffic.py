"""Users: they go where the router sends them, and what they get is what the metric source counts."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from math import log2

from headgate.model.ids import EnvironmentId, RevisionId
from headgate.model.measurements import BUCKETS_PER_DOUBLING, Query, Sample
from headgate.model.routes import Backend
from headgate.testing.fakes.metrics import FakeMetrics
from headgate.testing.fakes.platform import FakePlatform
from headgate.testing.fakes.router import FakeRouter
from headgate.testing.world.chance import Chance
from headgate.testing.world.scene import Quality

RATE = 120.0  # requests a second to each service


def bucket(milliseconds: float) -> int:
    return round(log2(milliseconds) * BUCKETS_PER_DOUBLING)


def answers(chance: Chance, requests: int, quality: Quality, served: bool) -> Sample:
    """99 % are answered below the p99, in two lumps; nobody home: every request is an error."""
    if not served:
        return Sample(requests, requests, {0: requests} if requests else {})
    errors = min(requests, chance.events(requests * quality.errors))
    slow = min(requests, chance.events(requests * 0.02))
    usual, tail = bucket(quality.p99_ms / 4), bucket(quality.p99_ms)
    return Sample(requests, errors, {usual: requests - slow, tail: slow})


class Users:
    def __init__(self, chance: Chance, platform: FakePlatform, router: FakeRouter, metrics: FakeMetrics) -> None:
        self._chance, self._platform, self._router, self._metrics = chance, platform, router, metrics
        self.qualities: dict[RevisionId, Quality] = {}
        self._lived: dict[RevisionId, float] = defaultdict(float)  # seconds in which it had traffic

    def send(self, environment: EnvironmentId, at: datetime, during: timedelta) -> None:
        routes = self._router.routes.get(environment)
        for backend in routes.backends if routes else ():
            if backend.weight:
                self._answer(environment, backend, at, during)

    def _answer(self, environment: EnvironmentId, backend: Backend, at: datetime, during: timedelta) -> None:
        alive = self._alive(environment)
        quality = self._now(backend.revision, during)
        for service, addresses in backend.endpoints.items():
            mean = RATE * backend.weight / 100 * during.total_seconds()
            served = any(alive.get(address) == backend.revision for address in addresses)
            sample = answers(self._chance, self._chance.events(mean), quality, served)
            self._metrics.feed(Query(environment, service), backend.revision, at, sample)

    def _now(self, revision: RevisionId, during: timedelta) -> Quality:
        """Some turn bad when they have been used for long enough."""
        quality = self.qualities[revision]
        self._lived[revision] += during.total_seconds()
        spent = quality.turns_bad_after is not None and self._lived[revision] > quality.turns_bad_after
        return replace(quality, errors=0.95) if spent else quality

    def _alive(self, environment: EnvironmentId) -> Mapping[str, RevisionId]:
        copies = self._platform.copies.get(environment, ())
        return {f"127.0.0.1:{copy.port}": copy.revision for copy in copies if copy.died_at is None}
