"""The rollback horizon: which revisions can still run on the data as contract migrations left them here.

Whoever starts a rollout, forward or back, by hand or by itself, asks `past_horizon`.
"""

from collections.abc import Collection
from dataclasses import dataclass

from headgate.decide.standstill import moment
from headgate.model.ids import ReleaseId
from headgate.model.releases import Revision
from headgate.model.rollouts import EnvironmentState, MigrationRun


def contracted(state: EnvironmentState) -> dict[str, MigrationRun]:
    """Service -> its highest contract migration that was begun: one that failed may have done half of its work."""
    runs = [run for run in state.migrations if run.migration.kind == "contract" and run.state != "undone"]
    return {run.service: run for run in sorted(runs, key=lambda run: run.migration.level)}


def past_horizon(revision: Revision, state: EnvironmentState) -> str:
    """Why its code cannot use the data that are here; empty: it can."""
    levels = {service.name: service.level for service in revision.services}
    for service, run in contracted(state).items():
        if service in levels and levels[service] < run.migration.level:
            return _past(revision.label, levels[service], run, state)
    return ""


def _past(label: str, level: int, run: MigrationRun, state: EnvironmentState) -> str:
    name, service = state.id.partition("/")[2], run.service
    made = f"{label} is made for level {level} of the data of {service}"
    ran = f"contract migration {run.migration.level} of {run.revision.label} began here on {moment(run.started_at)}"
    restored = f"`headgate migrate {name} --restored {service}/{level} --why TEXT`"
    remedy = f"roll forward, or restore the data from a backup and say so: {restored}"
    return f"{made}, and {ran}: its code cannot use what that leaves; {remedy}"


@dataclass(frozen=True, slots=True)
class Horizon:
    """How far back one may go here."""

    back_to: Revision | None  # the earliest that was stable here and may be again; None: there is none
    why: str = ""  # why not further; empty: nothing earlier was stable here


def horizon(state: EnvironmentState, quarantined: Collection[ReleaseId]) -> Horizon:
    """Revisions that are quarantined are stepped over; one past the horizon ends the way."""
    back_to: Revision | None = None
    for revision in earlier(state):
        if why := past_horizon(revision, state):
            return Horizon(back_to, why)
        if revision.release not in quarantined:
            back_to = revision
    return Horizon(back_to)


def earlier(state: EnvironmentState) -> list[Revision]:
    """What was stable here before, the latest first."""
    stable = state.stable.id if state.stable else None
    promoted = [past.revision for past in reversed(state.past) if past.outcome == "promoted"]
    found = [revision for revision in promoted if revision.id != stable]
    if state.previous and state.previous.id != stable:
        found.insert(0, state.previous)
    return found
