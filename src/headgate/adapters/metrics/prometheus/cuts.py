"""Cuts: which scrape of each target a moment falls behind. A window counts from one cut to the next.

A scrape carries the time when it began and is seen when it has ended. So what was seen at a window's end is remembered
for the beginning of the next one; otherwise a scrape under way in between would be in neither.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from headgate.adapters.metrics.prometheus.series import Series, Target
from headgate.adapters.metrics.prometheus.settings import Role

Key = TypeVar("Key")
Found = Mapping[Role, list[Series]]

_MOMENTS = 512  # of one service of one revision: `watch` reads every second, the judge more seldom
_READ = 256  # services of revisions


class Cut:
    """Time of the last scrape of each target that counts, milliseconds."""

    def __init__(self, found: Found, moment: int) -> None:
        self._at: dict[tuple[Role, Target], int] = {}
        for role, many in found.items():
            for series in many:
                self._see(role, series, moment)

    def of(self, role: Role, target: Target) -> int | None:
        """Errors and latency keep to the scrape that requests were taken from, where one target has them all."""
        return self._at.get(("requests", target), self._at.get((role, target)))

    @property
    def targets(self) -> dict[Target, int]:
        return {target: at for (role, target), at in self._at.items() if role == "requests"}

    def _see(self, role: Role, series: Series, moment: int) -> None:
        at = series.before(moment)
        if at is not None:
            place = (role, series.target)
            self._at[place] = max(at, self._at.get(place, at))


class Cuts(Generic[Key]):
    def __init__(self) -> None:
        self._kept: OrderedDict[Key, OrderedDict[int, Cut]] = OrderedDict()

    def at(self, key: Key, moment: int) -> Cut | None:
        return self._kept.get(key, OrderedDict()).get(moment)

    def keep(self, key: Key, moment: int, made: Callable[[], Cut]) -> Cut:
        """The first cut of a moment stays: whoever reads it again gets the same answer."""
        moments = self._kept.setdefault(key, OrderedDict())
        self._kept.move_to_end(key)
        if moment not in moments:
            moments[moment] = made()
        for kept, most in ((moments, _MOMENTS), (self._kept, _READ)):
            while len(kept) > most:
                kept.popitem(last=False)
        return moments[moment]
