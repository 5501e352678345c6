"""What migrations that ran make of an environment's state: see `fold`."""

from dataclasses import replace
from datetime import datetime

from headgate.model.rollouts import EnvironmentState, MigrationRun
from headgate.model.schema import DataRestored, MigrationEnded, MigrationStarted


def started(event: MigrationStarted, state: EnvironmentState, at: datetime) -> EnvironmentState:
    level = event.migration.level
    run = MigrationRun(event.service, event.migration, event.attempt, event.revision, event.rollout, at)
    others = tuple(one for one in state.migrations if (one.service, one.migration.level) != (event.service, level))
    return replace(state, migrations=(*others, run))


def ended(event: MigrationEnded, state: EnvironmentState, at: datetime) -> EnvironmentState:
    def after(run: MigrationRun) -> MigrationRun:
        mine = (run.service, run.migration.level, run.attempt) == (event.service, event.level, event.attempt)
        return replace(run, state=event.outcome, why=event.why, ended_at=at, lost=event.lost) if mine else run

    return replace(state, migrations=tuple(after(run) for run in state.migrations))


def restored(event: DataRestored, state: EnvironmentState) -> EnvironmentState:
    def after(run: MigrationRun) -> MigrationRun:
        above = run.service == event.service and run.migration.level > event.level
        return replace(run, state="undone", why=event.why) if above else run

    return replace(state, migrations=tuple(after(run) for run in state.migrations))
