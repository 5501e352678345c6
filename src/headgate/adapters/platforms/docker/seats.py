"""On which machines an environment's containers are started, and which one is next: even, among those that answer."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from headgate.adapters.platforms.docker.containers import Tag, tagged
from headgate.adapters.platforms.docker.instances import Around
from headgate.adapters.platforms.docker.machines import Machine
from headgate.model.ids import RevisionId
from headgate.model.releases import Revision
from headgate.model.services import Service
from headgate.ports import AdapterError


@dataclass(frozen=True, slots=True)
class Seats:
    arounds: tuple[Around, ...]  # in the order of the file
    server: str = ""  # address of the server's machine, at which containers on other hosts reach its Envoy

    @property
    def far(self) -> list[str]:
        """Addresses of the other hosts."""
        return [one.machine.place for one in self.arounds if one.machine.far]

    @property
    def near(self) -> list[Machine]:
        """The server's own, if it is one of them."""
        return [one.machine for one in self.arounds if not one.machine.far]

    def able(self) -> list[Around]:
        """Those that answer. Raises AdapterError where none does."""
        found = [one for one in self.arounds if one.machine.watch.wrong is None]
        if not found:
            away = "; ".join(f"{one.machine.name}: {one.machine.watch.wrong}" for one in self.arounds)
            raise AdapterError(f"No host answers. {away}")
        return found


@dataclass(slots=True)
class Seating:
    """Who sits where, while several are placed."""

    able: Sequence[Around]
    taken: set[tuple[RevisionId, str, int]]  # revision, service, number: on no machine is one used twice
    of_part: Counter[tuple[str, str, str]] = field(default_factory=Counter)  # revision, service, place
    of_all: Counter[str] = field(default_factory=Counter)  # place

    def seat(self, tags: Iterable[Tag]) -> None:
        for tag in tags:
            self.of_part[tag.revision, tag.service, tag.place] += 1
            self.of_all[tag.place] += 1

    def place(self, revision: Revision, service: Service, count: int) -> list[tuple[Around, Tag]]:
        """One after the other, where fewest of the same are; then where fewest are at all; then as the file says."""
        placed: list[tuple[Around, Tag]] = []
        number = 0
        while len(placed) < count:
            number += 1
            tags = {one: tagged(revision, service, number, one.machine.place) for one in self.able}
            if (revision.id, service.name, number) in self.taken:
                continue
            around = min(tags, key=lambda one: self._crowd(revision, service, one.machine.place))
            self.seat([tags[around]])
            placed.append((around, tags[around]))
        return placed

    def _crowd(self, revision: Revision, service: Service, place: str) -> tuple[int, int]:
        return self.of_part[revision.id, service.name, place], self.of_all[place]
