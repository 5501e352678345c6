"""How far back one may go in an environment, and what migrations did there: as `why`, `status` and pages show it."""

from collections.abc import Mapping
from typing import Any

from headgate.decide.horizon import horizon, past_horizon
from headgate.model.ids import ReleaseId
from headgate.model.rollouts import EnvironmentState, MigrationRun, Past

View = dict[str, Any]


def shown(state: EnvironmentState, quarantined: Mapping[ReleaseId, str]) -> View:
    """`why` says why not further back; empty where nothing earlier was stable."""
    found = horizon(state, quarantined)
    return {
        "safe_back_to": found.back_to.label if found.back_to else None,
        "why": found.why,
        "migrations": [_run(run) for run in state.migrations],
    }


def _run(run: MigrationRun) -> View:
    return {
        "service": run.service,
        "level": run.migration.level,
        "kind": run.migration.kind,
        "release": run.revision.label,
        "attempt": run.attempt,
        "state": run.state,
        "started_at": run.started_at.isoformat(),
        "ended_at": run.ended_at.isoformat() if run.ended_at else None,
        "why": run.why,
    }


def beyond(past: Past, state: EnvironmentState) -> str:
    """Why a rollout of the past cannot be gone back to; empty: data do not stand in the way."""
    return past_horizon(past.revision, state) if past.outcome == "promoted" else ""
