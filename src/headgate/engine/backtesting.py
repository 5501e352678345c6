"""A file's rules, tried on what past rollouts measured: its text and the log in, comparisons out. Needs no server."""

from collections.abc import Callable, Collection, Mapping
from statistics import median
from typing import Any

from headgate.decide.backtest import Compared, Said, compared, histories
from headgate.engine.applying import understand
from headgate.engine.refusals import Unknown
from headgate.model.events import Recorded
from headgate.model.ids import environment_id, environment_stream
from headgate.model.rules import Application, Environment

View = dict[str, Any]
Read = Callable[[str], list[Recorded]]  # a stream's events


def backtest(
    text: str,
    filename: str,
    present: Mapping[str, Collection[str]],
    releases: int,
    environment: str | None,
    read: Read,
) -> View:
    """Raises SpecificationError, Unknown, and what `read` raises."""
    rules = understand(text, filename, "", present).rules
    chosen = [one for one in rules.environments if environment in (None, one.name)]
    if not chosen:
        known = ", ".join(one.name for one in rules.environments)
        raise Unknown(f"{filename} has no environment {environment!r}; known: {known}")
    tried = {one.name: _tried(rules, one, releases, read) for one in chosen}
    every = [one for found in tried.values() for one in found]
    return {
        "application": rules.name,
        "environments": [{"environment": name, "rollouts": list(map(_shown, found))} for name, found in tried.items()],
        **_summary(every),
    }


def _tried(rules: Application, environment: Environment, releases: int, read: Read) -> list[Compared]:
    """Newest first."""
    where = environment_id(rules.name, environment.name)
    found = list(histories(where, read(environment_stream(where))))[-releases:]
    return [compared(one, environment.analysis) for one in reversed(found)]


def _summary(every: list[Compared]) -> View:
    sooner = [one.sooner for one in every if one.sooner is not None]
    changed = sum(one.changed for one in every)
    return {"releases": len(every), "changed": changed, "sooner": median(sooner) if sooner else None}


def _shown(one: Compared) -> View:
    return {
        "rollout": one.rollout,
        "label": one.label,
        "started_at": one.started_at.isoformat(),
        "measurements": one.ticks,
        "then": _said(one.then),
        "now": _said(one.now),
        "changed": one.changed,
        "sooner": one.sooner,
        "replayed": one.replayed,
    }


def _said(said: Said) -> View:
    return {
        "decided": said.decided,
        "seconds": said.seconds,
        "measurement": said.tick,
        "weight": said.weight,
        "why": said.why,
    }
