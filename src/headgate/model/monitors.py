"""Monitors: what is watched after a promotion, for how long, against what; and what was found."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from headgate.model.ids import ReleaseId, RevisionId, RolloutId
from headgate.model.measurements import Measurement

PERIOD = timedelta(days=30)  # that an error budget is for
MERGED = 4  # looks to one entry in the log, while all is well


@dataclass(frozen=True, slots=True)
class Burn:
    """The budget of PERIOD goes `rate` times as fast as it lasts, over a long window and still over a short one."""

    rate: float
    over: timedelta
    also: timedelta


@dataclass(frozen=True, slots=True)
class LatencyObjective:
    share: float  # of the answers (0.9: a p90) that are at most
    limit: timedelta


# Google's SRE workbook: 2 % of the budget within an hour, 5 % within six.
USUAL_BURN = (
    Burn(14.4, timedelta(hours=1), timedelta(minutes=5)),
    Burn(6.0, timedelta(hours=6), timedelta(minutes=30)),
)


@dataclass(frozen=True, slots=True)
class MonitorRules:
    duration: timedelta
    warm: timedelta  # what was replaced stays up so long at least, so that going back is a weight switch
    interval: timedelta = timedelta(seconds=15)  # between two looks
    availability: float | None = None  # share of the requests that must not fail; None: nothing is promised
    latency: tuple[LatencyObjective, ...] = ()
    burn: tuple[Burn, ...] = USUAL_BURN
    on_breach: Literal["rollback", "call"] = "rollback"

    @property
    def silence(self) -> timedelta:
        """Nothing seen, or no request at all, for so long is worth an alarm."""
        return 20 * self.interval


AlarmKind = Literal["breach", "no_data"]


@dataclass(frozen=True, slots=True)
class Alarm:
    """A person is called: nothing happens by itself."""

    kind: AlarmKind
    why: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Monitoring:
    """Of what was promoted last, until its time is over or it is replaced; set aside while another is on trial."""

    rollout: RolloutId  # that promoted it
    previous: RevisionId | None  # what it replaced
    rules: MonitorRules
    since: datetime
    until: datetime
    last_tick_at: datetime
    ticks: int = 0
    evidence: object = None  # headgate.analysis.sentinel.Evidence: only headgate.decide.monitoring looks inside


# --- events, stream environment:APP/ENV


@dataclass(frozen=True, slots=True)
class MonitoringStarted:
    """The rules are bound here, as those of a rollout are."""

    rollout: RolloutId
    release: ReleaseId
    previous: RevisionId | None
    rules: MonitorRules
    until: datetime
    why: str


@dataclass(frozen=True, slots=True)
class StableMeasured:
    """What the stable answered while it is monitored; several looks in one."""

    rollout: RolloutId
    measurement: Measurement  # the stable alone


@dataclass(frozen=True, slots=True)
class AlarmRaised:
    """Someone is to look: a breach that is not rolled back by itself, or nothing can be seen."""

    rollout: RolloutId
    release: ReleaseId
    kind: AlarmKind
    why: str


@dataclass(frozen=True, slots=True)
class AlarmEnded:
    rollout: RolloutId
    release: ReleaseId
    why: str


@dataclass(frozen=True, slots=True)
class MonitoringEnded:
    rollout: RolloutId
    release: ReleaseId
    outcome: Literal["over", "rolled-back", "replaced"]
    why: str
