"""A build: one commit through the steps of continuous integration, in order to become a release."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from headgate.model.ids import BuildId, StepRunId

StepOutcome = Literal["passed", "failed", "cancelled", "lost"]
BuildOutcome = Literal["passed", "failed", "cancelled"]
Severity = Literal["error", "warning", "note", "never"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")  # worst first


@dataclass(frozen=True, slots=True)
class StepContainer:
    """How the container of a step is bounded."""

    user: str | None = None  # "UID" or "UID:GID"; None: as the server, so that what it writes is the server's
    memory: int | None = None  # bytes, no swap beyond; None: no limit
    cpus: float | None = None  # None: no limit
    processes: int = 1000  # at most


@dataclass(frozen=True, slots=True)
class CiStep:
    name: str
    run: str  # a shell command line of the rules' author
    needs: tuple[str, ...] = ()  # steps that must have passed before, whose artifacts it finds in its checkout
    timeout: timedelta = timedelta(minutes=30)
    image: str | None = None  # the container it runs in; none: on the host
    cache: tuple[str, ...] = ()  # folders below the checkout, kept for the next build of the branch
    artifacts: tuple[str, ...] = ()  # patterns of files below the checkout that are kept
    junit: str | None = None  # pattern of its test reports
    sarif: str | None = None  # pattern of its scan reports
    severity: Severity = "error"  # a finding so severe, or more, fails the step
    container: StepContainer = StepContainer()  # where it runs in one


@dataclass(frozen=True, slots=True)
class Build:
    id: BuildId
    application: str
    commit: str  # full git SHA
    branch: str
    author: str
    subject: str  # first line of the commit message
    version: str | None  # the git tag, where there is one
    requested_at: datetime
    only: str = ""  # the one environment that may have its release: of an integration of branches
    newest: bool = True  # the commit was its branch's last one when it was asked for: earlier builds give way to it

    @property
    def label(self) -> str:
        return self.version or self.commit[:7]


@dataclass(frozen=True, slots=True)
class Tally:
    """What the test reports of one step say."""

    total: int
    failed: int = 0
    skipped: int = 0
    names: tuple[str, ...] = ()  # of those that failed, the first ones


@dataclass(frozen=True, slots=True)
class Finding:
    severity: Severity
    rule: str
    message: str
    place: str  # services/web/app.py:12


@dataclass(frozen=True, slots=True)
class Findings:
    """What the scan reports of one step say."""

    counts: dict[str, int]  # severity -> how many
    worst: tuple[Finding, ...] = ()  # the first ones, worst first


@dataclass(frozen=True, slots=True)
class StepOrder:
    """One execution of a step. Its id comes from build, step and attempt: starting it twice is starting it once."""

    id: StepRunId
    build: Build
    step: CiStep
    after: tuple[StepRunId, ...] = ()  # whose artifacts it finds in its checkout


@dataclass(frozen=True, slots=True)
class StepSeen:
    id: StepRunId
    state: Literal["running", "passed", "failed", "cancelled", "lost"]
    seconds: float = 0.0
    tests: Tally | None = None
    findings: Findings | None = None
    why: str = ""  # one sentence; the last lines of output where it failed
