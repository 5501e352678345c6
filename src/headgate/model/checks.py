"""A check: a yes/no probe of a revision, each attempt at it, and what it found."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from headgate.model.ids import EnvironmentId, JobId, ReleaseId, RevisionId, RolloutId

CheckKind = Literal["smoke", "http", "run", "load", "browser"]
When = Literal["before", "after", "both"]  # of the moment when all traffic goes to the candidate
CheckOutcome = Literal["passed", "failed", "lost"]


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a check, and what must come back."""

    path: str
    method: str = "GET"
    service: str = ""  # empty: the first
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    status: tuple[int, ...] = (200,)  # one of them
    expected_headers: dict[str, str] = field(default_factory=dict)
    json: dict[str, str] = field(default_factory=dict)  # JSON path -> the value it leads to, as JSON
    contains: tuple[str, ...] = ()
    within: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Load:
    """Requests offered at a constant rate, whatever becomes of them; a percentile that is None is not held."""

    rate: float  # requests a second
    duration: timedelta
    warm_up: timedelta = timedelta()  # before it, at the same rate, and not counted
    paths: dict[str, float] = field(default_factory=dict)  # path -> share; shares sum to 1
    service: str = ""  # empty: the first
    p50: timedelta | None = None
    p90: timedelta | None = None
    p99: timedelta | None = None
    errors: float = 0.01  # most, as a share
    achieved: float = 0.99  # least of the rate that must have been answered


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    kind: CheckKind
    run: str = ""  # a shell command line of the file's author, for kind "run"
    timeout: timedelta = timedelta(minutes=10)  # of one attempt
    retries: int = 0
    when: When | None = None  # None: what its kind does
    image: str | None = None  # kind "run": the container it runs in; None: on the host
    junit: str = ""  # pattern of its test reports
    artifacts: tuple[str, ...] = ()  # patterns of files that are kept
    requests: tuple[Request, ...] = ()
    load: Load | None = None
    script: str = ""  # kind "browser": a Python file of the release

    @property
    def attempts(self) -> int:
        return self.retries + 1

    @property
    def before(self) -> bool:
        """On the candidate's own address, before users see it."""
        return self.when != "after"

    @property
    def after(self) -> bool:
        """Where users are, once all their traffic goes to the candidate."""
        return self.when in ("after", "both") or (self.when is None and self.kind == "smoke")


@dataclass(frozen=True, slots=True)
class Job:
    """One execution of a check. Its id comes from rollout, step and attempt: running it twice is running it once."""

    id: JobId
    environment: EnvironmentId
    revision: RevisionId
    check: Check
    services: dict[str, str]  # service -> base URL to probe
    health_paths: dict[str, str]  # service -> path that answers when it is well


@dataclass(frozen=True, slots=True)
class JobSeen:
    id: JobId
    state: Literal["running", "passed", "failed", "lost"]
    detail: str = ""  # one sentence; the last lines of output where it failed
    numbers: dict[str, float] = field(default_factory=dict)  # what was counted: "p90_ms", "requests", "failed"
    artifacts: tuple[str, ...] = ()  # files that were kept, by their names below the job's folder


@dataclass(frozen=True, slots=True)
class CheckEnded:
    """An event: one attempt at a check. What follows from it, the step says."""

    rollout: RolloutId
    release: ReleaseId
    index: int  # of the step
    check: str
    check_kind: CheckKind
    preview: bool  # before users see it
    job: JobId
    attempt: int
    attempts: int  # at most
    outcome: CheckOutcome
    why: str
    numbers: dict[str, float] = field(default_factory=dict)
    artifacts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One attempt, as the environment remembers it of a release."""

    name: str
    kind: CheckKind
    preview: bool
    outcome: CheckOutcome
    sentence: str
    attempt: int
    attempts: int
    rollout: RolloutId
    job: JobId
    at: datetime
    numbers: dict[str, float] = field(default_factory=dict)
    artifacts: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return self.outcome == "passed"

    @property
    def told(self) -> str:
        """As the end of a sentence that begins with its name."""
        what = "was lost" if self.outcome == "lost" else self.outcome
        return f"{what}{attempted(self.attempt, self.attempts)}" + (f": {self.sentence}" if self.sentence else "")


def latest(results: tuple[CheckResult, ...]) -> tuple[CheckResult, ...]:
    """Of each check, before and after the switch, what it came to at last."""
    return tuple({(one.name, one.preview): one for one in results}.values())


def attempted(attempt: int, attempts: int) -> str:
    """In words; nothing where one attempt is all there is."""
    return f" at attempt {attempt} of {attempts}" if attempts > 1 else ""
