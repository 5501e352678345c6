"""What Prometheus knows of the targets themselves: whether they were scraped, and since when they run."""

from collections.abc import Collection

from headgate.adapters.metrics.prometheus.client import PrometheusClient
from headgate.adapters.metrics.prometheus.series import Series, Target, name_of
from headgate.adapters.metrics.prometheus.settings import Server
from headgate.model.selectors import literal
from headgate.ports import AdapterError

_STARTED = "process_start_time_seconds"  # every official client library exports it


class Targets:
    def __init__(self, many: list[Series], watched: bool) -> None:
        self._up = {one.target: one for one in many if one.labels.get("__name__") == "up"}
        self._started = {one.target: one for one in many if one.labels.get("__name__") == _STARTED}
        self._watched = watched  # Prometheus was at work when the window began

    def born(self, target: Target, first: int, start: int, stale: int) -> bool:
        """Whether all that its series show at their first scrape belongs to what begins at `start`.

        So it is where the target was scraped before without them, or is itself no older than a scrape may be late.
        """
        up, started = self._up.get(target), self._started.get(target)
        place = up.last(min(start, first - 1)) if up else None
        if up and place is not None and up.times[place] >= start - stale and up.values[place] == 1:
            return True
        place = started.last(first) if started else None
        return bool(self._watched and started and place is not None and started.values[place] * 1000 >= start - stale)

    def check_seen(self, target: Target, last: int, end: int, stale: int) -> None:
        """Raises AdapterError for one that should be scraped and cannot be; one that is gone has nothing to add."""
        up = self._up.get(target)
        place = up.last(end) if up else None
        if up and place is not None and up.times[place] >= end - stale and up.values[place] != 1:
            seconds = (end - last) / 1000
            raise AdapterError(f"Prometheus could not scrape {name_of(target)} for the last {seconds:.0f} s")


async def look(
    client: PrometheusClient, server: Server, targets: Collection[Target], start: int, end: int, before: int
) -> Targets:
    """Raises AdapterError."""
    jobs, instances = ("|".join(sorted({literal(one[place]) for one in targets})) for place in (0, 1))
    selector = f'{{__name__=~"up|{_STARTED}",job=~"{jobs}",instance=~"{instances}"}}'
    many = await client.samples(server, selector, before, end)
    return Targets(many, await client.exists(server, "count(up)", start))
