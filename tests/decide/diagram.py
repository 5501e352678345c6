"""docs/rollout.md, drawn by asking every rule and every command in every phase: `python -m tests.decide.diagram`."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tests.decide import test_baseline as baseline
from tests.decide import test_migrating as migrating
from tests.decide import test_provisioning as provisioning
from tests.decide import test_sentinel as sentinel
from tests.decide import test_steps as steps
from tests.decide import test_turns as turns
from tests.decide import test_waiting as waiting
from tests.decide.given import (
    ALL_AT_ONCE,
    BLUE_GREEN,
    BOTH,
    CANARY,
    NOW,
    V1,
    V2,
    V3,
    rollout,
    routes,
    seconds,
    seen,
    state,
)

from headgate.decide import compile as strategy
from headgate.decide.accept import accept
from headgate.decide.fold import apply
from headgate.decide.rules import RULES
from headgate.model import commands as c
from headgate.model import events as e
from headgate.model.ids import RolloutId
from headgate.model.observations import Seen
from headgate.model.rollouts import EnvironmentState
from headgate.model.steps import describe

DOCUMENT = Path(__file__).parents[2] / "docs" / "rollout.md"
PHASES = ("idle", "waiting", "running", "paused", "aborting", "retiring")

LOOK = seen(BOTH, routes({"v2": 5, "v1": 95}, "v2"))
HOME = seen({"v1": "ready ready"}, routes({"v1": 100}))
RETIRING = state(rollout("retire", phase="retiring"), stable=V2, previous=V1)
STATES = {
    "idle": state(previous=V1, stable=V2),
    "waiting": state(waiting=waiting.request(V2)),
    "running": state(rollout("analyze")),
    "paused": state(rollout("analyze", phase="paused", paused_at=NOW)),
    "aborting": state(rollout("analyze", phase="aborting")),
    "retiring": RETIRING,
}
COMMANDS: tuple[c.Command, ...] = (
    c.Deploy(V3, RolloutId("rol_9"), "bob"),
    c.Pin("bob"),
    c.Unpin("bob"),
    c.SignOff("bob", "accepted"),
    c.Pause("bob"),
    c.Resume("bob"),
    c.Promote("bob"),
    c.Abort("bob"),
    c.Rollback(RolloutId("rol_9"), "bob"),
)


@dataclass(frozen=True)
class Move:
    before: str
    after: str
    who: str
    events: tuple[str, ...]


def phase(of: EnvironmentState) -> str:
    return of.rollout.phase if of.rollout else "waiting" if of.waiting else "idle"


def looks() -> Iterator[tuple[EnvironmentState, Seen]]:
    """Every look that the tests of `decide` know, paused as well, and the ends of an abort and of a retirement."""
    for case in (*steps.FORWARD, *steps.WAITING, *steps.ABORTS, *steps.UNPROVEN, *steps.TOLERATED, *baseline.CASES):
        yield case.state, case.seen
        if case.state.rollout and case.state.rollout.phase == "running":
            yield replace(case.state, rollout=replace(case.state.rollout, phase="paused", paused_at=NOW)), case.seen
    for _, now_state, look, _ in waiting.CASES:
        yield now_state, look
    for _, now_state, look, _ in (*turns.CASES, *sentinel.CASES):
        yield now_state, look
    for now_state, look, _ in (*migrating.CASES.values(), *provisioning.CASES.values()):
        yield now_state, look
    yield state(rollout("retire")), seen(BOTH, routes({"v2": 100, "v1": 0}))
    yield STATES["aborting"], HOME
    yield replace(RETIRING, warm_until=NOW + seconds(60)), LOOK


def moves() -> Iterator[Move]:
    for now_state, look in looks():
        for rule in RULES:
            yield from _move(rule.__name__, now_state, rule(now_state, look, NOW))
    for now_state in STATES.values():
        for command in COMMANDS:
            answer = accept(command, now_state, LOOK, NOW)
            if not isinstance(answer, c.Refused):
                yield from _move(f"`{type(command).__name__.lower()}`", now_state, answer)


def _move(who: str, before: EnvironmentState, events: Iterable[e.Event]) -> Iterator[Move]:
    after, kinds = before, []
    for event in events:
        after = apply(event, after, NOW)
        kinds.append(type(event).__name__)
    if kinds:
        yield Move(phase(before), phase(after), who, tuple(kinds))


def words(who: str) -> str:
    return who.strip("`").replace("_", " ")


def diagram(found: list[Move]) -> Iterator[str]:
    yield from ("```mermaid", "stateDiagram-v2", "    direction LR")
    edges = {(one.before, one.after): set[str]() for one in found if one.before != one.after}
    for one in found:
        if one.before != one.after:
            edges[one.before, one.after].add(words(one.who))
    for before, after in sorted(edges, key=lambda edge: (PHASES.index(edge[0]), PHASES.index(edge[1]))):
        label = "<br/>".join(sorted(edges[before, after]))
        yield f"    {'[*]' if before == 'idle' else before} --> {'[*]' if after == 'idle' else after}: {label}"
    yield "```"


def table(found: list[Move]) -> Iterator[str]:
    yield from ("| | rule | speaks while | records |", "|---|---|---|---|")
    for number, rule in enumerate(RULES, start=1):
        mine = [one for one in found if one.who == rule.__name__]
        when = [one for one in PHASES if any(one == move.before for move in mine)]
        records = dict.fromkeys(kind for move in mine for kind in move.events)
        yield f"| {number} | {words(rule.__name__)} | {', '.join(when)} | {', '.join(records)} |"


def walks() -> Iterator[str]:
    rules = {"canary 5, 25": CANARY, "blue-green": BLUE_GREEN, "all-at-once, no bake": ALL_AT_ONCE}
    for name, one in rules.items():
        yield f"- {name}: {', '.join(describe(step) for step in strategy.steps(one, first=False))}"
    yield f"- first deployment: {', '.join(describe(step) for step in strategy.steps(CANARY, first=True))}"
    yield f"- rollback: {', '.join(describe(step) for step in strategy.rollback_steps(CANARY))}"


def document() -> str:
    found = list(moves())
    lines = [
        "# How a rollout moves",
        "",
        "Written by `python -m tests.decide.diagram`, which asks every rule and every command in every phase; a test",
        "holds it current. Change the code, then run that command.",
        "",
        "## Phases of an environment",
        "",
        *diagram(found),
        "",
        "A deployment that waits starts when nothing else is in flight and its gates are open. A rollback starts",
        "at once.",
        "",
        "## Rules, in the order in which they are heard",
        "",
        "The first that has something to say is recorded; then all are asked again, until none has.",
        "",
        *table(found),
        "",
        "## Steps",
        "",
        *walks(),
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    DOCUMENT.write_text(document())
