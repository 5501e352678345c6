"""A platform in memory: instances start, get ready, die and drain as a test tells them, by the clock it is given."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Literal

from headgate.model.checks import Job, JobSeen
from headgate.model.ids import EnvironmentId, JobId, RevisionId
from headgate.model.observations import Instance
from headgate.model.releases import Revision
from headgate.model.schema import MigrationOrder
from headgate.ports import AdapterError, Clock

FIRST_PORT = 30_000
FORGIVEN_AFTER = timedelta(seconds=60)  # ready for so long, earlier deaths no longer count
LONGEST_BACK_OFF = timedelta(seconds=30)
NOW = timedelta(0)


@dataclass(slots=True)
class Behaviour:
    """How instances of one revision behave."""

    ready_after: timedelta | None = NOW  # None: never
    lives_for: timedelta | None = None  # None: until it is stopped; otherwise each life ends with a crash
    drains_in: timedelta = NOW
    checks: Literal["passed", "failed", "lost"] = "passed"
    check_takes: timedelta = NOW
    migrates: Literal["passed", "failed", "lost"] = "passed"
    migration_takes: timedelta = NOW
    fails_first: int = 0  # attempts at a check that may be repeated


@dataclass(slots=True)
class Copy:
    """One slot: a copy of one service of one revision, in its present life."""

    id: str
    revision: RevisionId
    service: str
    port: int
    started_at: datetime
    restarts: int = 0
    died_at: datetime | None = None
    stopping_since: datetime | None = None
    detail: str = ""


@dataclass(slots=True)
class FakePlatform:
    clock: Clock
    behaviours: dict[RevisionId, Behaviour] = field(default_factory=dict)
    unreachable: str = ""  # a reason makes every verb raise
    copies: dict[EnvironmentId, list[Copy]] = field(default_factory=dict)
    jobs: dict[JobId, tuple[Job, datetime]] = field(default_factory=dict)
    migrations: dict[tuple[EnvironmentId, JobId], tuple[MigrationOrder, datetime]] = field(default_factory=dict)
    _numbers: "count[int]" = field(default_factory=count)

    async def run(self, revision: Revision) -> None:
        self._reach()
        for service in revision.services:
            self.start(revision, service.name, service.replicas)

    async def stop(self, environment: EnvironmentId, revision: RevisionId) -> None:
        self._reach()
        now = self.clock.now()
        for copy in self._settled(environment):
            if copy.revision == revision and copy.stopping_since is None:
                copy.stopping_since = now

    async def observe(self, environment: EnvironmentId) -> Sequence[Instance]:
        self._reach()
        now = self.clock.now()
        return [self._seen(copy, now) for copy in self._settled(environment)]

    async def run_job(self, job: Job) -> None:
        self._reach()
        self.jobs.setdefault(job.id, (job, self.clock.now()))

    async def observe_job(self, environment: EnvironmentId, job: JobId) -> JobSeen | None:
        self._reach()
        if job not in self.jobs:
            return None
        ran, began = self.jobs[job]
        behaviour = self.behaviour(ran.revision)
        if self.clock.now() - began < behaviour.check_takes:
            return JobSeen(job, "running")
        outcome = self.outcome(ran)
        return JobSeen(job, outcome, "" if outcome == "passed" else "as the test wants it")

    def outcome(self, job: Job) -> Literal["passed", "failed", "lost"]:
        behaviour, attempt = self.behaviour(job.revision), int(job.id.rpartition("-")[2])
        return "failed" if job.check.retries and attempt <= behaviour.fails_first else behaviour.checks

    async def migrate(self, order: MigrationOrder) -> None:
        self._reach()
        self.migrations.setdefault((order.environment, order.id), (order, self.clock.now()))

    async def observe_migration(self, environment: EnvironmentId, migration: JobId) -> JobSeen | None:
        self._reach()
        if (environment, migration) not in self.migrations:
            return None
        ran, began = self.migrations[environment, migration]
        behaviour, took = self.behaviour(ran.revision.id), self.clock.now() - began
        if took < behaviour.migration_takes and took > ran.migration.timeout:
            return JobSeen(migration, "failed", "it took too long")
        if took < behaviour.migration_takes:
            return JobSeen(migration, "running")
        return JobSeen(migration, behaviour.migrates, "" if behaviour.migrates == "passed" else "as the test wants it")

    def behaviour(self, revision: RevisionId) -> Behaviour:
        """To be changed in place by a test."""
        return self.behaviours.setdefault(revision, Behaviour())

    def kill(self, instance: str, detail: str = "killed by signal 9") -> None:
        for copies in self.copies.values():
            for copy in copies:
                if copy.id == instance and copy.died_at is None:
                    self._die(copy, self.clock.now(), detail)

    def start(self, revision: Revision, service: str, replicas: int) -> None:
        """Bring one service to its number: dead slots anew once their back-off is over, then slots that are missing."""
        now = self.clock.now()
        slots = [
            copy
            for copy in self._settled(revision.environment)
            if copy.revision == revision.id and copy.service == service and copy.stopping_since is None
        ]
        for copy in slots:
            if copy.died_at is not None and self._retry_at(copy) <= now:
                copy.died_at, copy.started_at, copy.detail = None, now, ""
        for _ in range(replicas - len(slots)):
            self._add(revision, service, now)

    def _add(self, revision: Revision, service: str, now: datetime) -> None:
        number = next(self._numbers)
        name = f"{revision.id}-{service}-{number}"
        port = FIRST_PORT + number % 30_000
        self.copies.setdefault(revision.environment, []).append(Copy(name, revision.id, service, port, now))

    def _reach(self) -> None:
        if self.unreachable:
            raise AdapterError(self.unreachable)

    def _settled(self, environment: EnvironmentId) -> list[Copy]:
        """What time has done meanwhile: deaths, and drained instances that are gone."""
        now = self.clock.now()
        copies = self.copies.get(environment, [])
        for copy in copies:
            lives = self.behaviour(copy.revision).lives_for
            if copy.died_at is None and lives is not None and now - copy.started_at >= lives:
                self._die(copy, copy.started_at + lives, "exit code 1")
        left = [copy for copy in copies if not self._gone(copy, now)]
        self.copies[environment] = left
        return left

    def _gone(self, copy: Copy, now: datetime) -> bool:
        if copy.stopping_since is None:
            return False
        return copy.died_at is not None or now - copy.stopping_since >= self.behaviour(copy.revision).drains_in

    def _die(self, copy: Copy, at: datetime, detail: str) -> None:
        ready_after = self.behaviour(copy.revision).ready_after
        forgiven = ready_after is not None and at - copy.started_at - ready_after >= FORGIVEN_AFTER
        copy.restarts = 1 if forgiven else copy.restarts + 1
        copy.died_at, copy.detail = at, detail

    def _retry_at(self, copy: Copy) -> datetime:
        died = copy.died_at or copy.started_at
        return died + min(timedelta(seconds=2.0 ** min(copy.restarts, 10)), LONGEST_BACK_OFF)

    def _seen(self, copy: Copy, now: datetime) -> Instance:
        address = f"127.0.0.1:{copy.port}"
        if copy.stopping_since is not None:
            return Instance(copy.id, copy.revision, copy.service, address, "stopping", copy.restarts)
        if copy.died_at is not None:
            retry = self._retry_at(copy)
            return Instance(copy.id, copy.revision, copy.service, address, "exited", copy.restarts, copy.detail, retry)
        ready_after = self.behaviour(copy.revision).ready_after
        if ready_after is None or now - copy.started_at < ready_after:
            return Instance(copy.id, copy.revision, copy.service, address, "starting", copy.restarts, "not ready yet")
        return Instance(copy.id, copy.revision, copy.service, address, "ready", copy.restarts)
