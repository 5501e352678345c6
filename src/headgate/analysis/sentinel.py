"""The sentinel: what the stable answered since its promotion, in slots, and which aims that exceeds.

A window that is not full yet counts as if the rest of it had been as busy and without a bad answer.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import sqrt

from headgate.analysis.aims import Aim
from headgate.analysis.record import slower
from headgate.model.measurements import Measurement, Sample
from headgate.model.monitors import PERIOD

# A breach is claimed where the lower bound of the share in the long window exceeds the aim, four standard errors below
# what was seen (Wilson 1927): chance alone does that once in 30,000 looks, and 3 failures of 20 requests prove little.
# The short window proves nothing: it says that the trouble still goes on.
ERRORS_OUT = 4.0
FEWEST = 10  # bad answers in the long window
SLOTS = 720  # of the longest window

Key = tuple[str, float]  # service, limit in milliseconds (0: failures)


@dataclass(frozen=True, slots=True)
class Count:
    answers: int = 0
    bad: int = 0

    def __add__(self, other: "Count") -> "Count":
        return Count(self.answers + other.answers, self.bad + other.bad)

    @property
    def share(self) -> float:
        return self.bad / self.answers if self.answers else 0.0


@dataclass(frozen=True, slots=True)
class Slot:
    end: datetime
    seconds: float
    counts: dict[Key, Count]


@dataclass(frozen=True, slots=True)
class Evidence:
    """At most SLOTS and a few more slots, however long it is watched."""

    services: tuple[str, ...]
    aims: tuple[Aim, ...]
    slots: tuple[Slot, ...] = ()
    totals: Slot | None = None
    unread_since: datetime | None = None
    unread: str = ""


@dataclass(frozen=True, slots=True)
class Window:
    """What was seen of one, which may be shorter than what was asked for."""

    seconds: float
    count: Count
    full: float  # seconds that were asked for

    @property
    def stretch(self) -> float:
        return max(1.0, self.full / self.seconds) if self.seconds else 1.0

    @property
    def share(self) -> float:
        """Of bad answers, the part that was not seen counted as good."""
        return self.count.share / self.stretch

    @property
    def surely(self) -> float:
        """It is at least this."""
        return lower(self.count.bad, self.count.answers * self.stretch)


@dataclass(frozen=True, slots=True)
class Breach:
    aim: Aim
    over: Window
    also: Window
    rate: float  # requests per second at the busiest moment of the long window: a rush does not begin on the minute

    @property
    def burn(self) -> float:
        """Times the even pace, in the short window."""
        return self.also.count.share / self.aim.budget if self.aim.budget else 0.0


def step(known: Evidence, taken: Measurement) -> Evidence:
    if taken.missing:
        since = known.unread_since or taken.window.start
        return replace(known, unread_since=since, unread="; ".join(taken.missing))
    seconds = (taken.window.end - taken.window.start).total_seconds()
    counts = {key: _count(taken.stable.get(key[0], Sample()), key[1]) for key in _keys(known)}
    slot = Slot(taken.window.end, seconds, counts)
    slots = _kept(known, slot)
    totals = _joined(known.totals, slot) if known.totals else slot
    return replace(known, slots=slots, totals=totals, unread_since=None, unread="")


def breaches(known: Evidence, part: float = 1.0) -> list[Breach]:
    """`part`: of each aim's share, for an alarm to end only well below where it began."""
    if known.unread_since or not known.slots:
        return []
    found = (_breach(known, aim, part) for aim in known.aims)
    return [one for one in found if one]


def window(known: Evidence, key: Key, seconds: float) -> Window:
    begin = known.slots[-1].end - timedelta(seconds=seconds)
    seen, answers, bad = 0.0, 0, 0
    for slot in reversed(known.slots):
        if slot.end <= begin:
            break
        count = slot.counts[key]
        seen, answers, bad = seen + slot.seconds, answers + count.answers, bad + count.bad
    return Window(seen, Count(answers, bad), seconds)


def busiest(known: Evidence, service: str, seconds: float) -> float:
    """Requests per second of its busiest slot in so many seconds."""
    begin = known.slots[-1].end - timedelta(seconds=seconds)
    rates = (one.counts[service, 0.0].answers / one.seconds for one in known.slots if one.end > begin and one.seconds)
    return max(rates, default=0.0)


def silent(known: Evidence, seconds: float) -> list[str]:
    """Services that got no request at all for so long."""
    if not known.slots:
        return []
    seen = {name: window(known, (name, 0.0), seconds) for name in known.services}
    return [name for name, one in seen.items() if one.seconds >= seconds and not one.count.answers]


def budget_used(known: Evidence) -> float | None:
    """The worst of all promises: the part of a budget of PERIOD, at the present traffic, that is spent already."""
    if known.totals is None:
        return None
    part = known.totals.seconds / PERIOD.total_seconds()
    promised = {((aim.service, aim.limit), aim.budget) for aim in known.aims if aim.budget}
    used = [known.totals.counts.get(key, Count()).share / budget * part for key, budget in promised]
    return max(used, default=None)


def lower(bad: int, answers: float) -> float:
    """Wilson's lower bound of a share."""
    if not answers:
        return 0.0
    share, z2 = bad / answers, ERRORS_OUT**2
    spread = ERRORS_OUT * sqrt(share * (1 - share) / answers + z2 / (4 * answers**2))
    return (share + z2 / (2 * answers) - spread) / (1 + z2 / answers)


def _breach(known: Evidence, aim: Aim, part: float) -> Breach | None:
    key = (aim.service, aim.limit)
    also = window(known, key, aim.also)
    if also.share <= aim.share * part:
        return None
    over = window(known, key, aim.over)
    if over.count.bad < FEWEST or over.surely <= aim.share * part:
        return None
    return Breach(aim, over, also, busiest(known, aim.service, aim.over))


def _keys(known: Evidence) -> list[Key]:
    """Failures are always counted: they say how many requests there were."""
    return sorted({*((name, 0.0) for name in known.services), *((aim.service, aim.limit) for aim in known.aims)})


def _count(sample: Sample, limit: float) -> Count:
    if not limit:
        return Count(sample.requests, sample.errors)
    return Count(sum(sample.latency.values()), slower(sample, limit))


def _kept(known: Evidence, slot: Slot) -> tuple[Slot, ...]:
    """Old slots go; short ones are joined, none longer than a part of the shortest window."""
    longest = max((aim.over for aim in known.aims), default=0.0)
    shortest = min((aim.also for aim in known.aims), default=0.0)
    oldest, gone = slot.end - timedelta(seconds=longest), 0
    while gone < len(known.slots) and known.slots[gone].end <= oldest:
        gone += 1
    fresh = known.slots[gone:]
    last = fresh[-1] if fresh else None
    together = max(longest / SLOTS, shortest / 4)
    if last and last.seconds + slot.seconds <= together and _adjacent(last, slot):
        return (*fresh[:-1], _joined(last, slot))
    return (*fresh, slot)


def _adjacent(last: Slot, slot: Slot) -> bool:
    return abs((slot.end - last.end).total_seconds() - slot.seconds) < 1


def _joined(one: Slot, later: Slot) -> Slot:
    keys = one.counts.keys() | later.counts.keys()
    counts = {key: one.counts.get(key, Count()) + later.counts.get(key, Count()) for key in sorted(keys)}
    return Slot(later.end, round(one.seconds + later.seconds, 6), counts)
