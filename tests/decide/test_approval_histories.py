"""No order of approvals, rejections, changes, expiries and crashes opens a gate that its rules do not open."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.decide.given import CANARY, NOW, V0, V1, V2, V3, routes, seen, state

from headgate.decide.accept import accept
from headgate.decide.exact_set import exact_set
from headgate.decide.fold import apply
from headgate.decide.gates import closed_gates
from headgate.decide.rules import decide
from headgate.model import commands as c
from headgate.model import events as e
from headgate.model.actor import Actor
from headgate.model.ids import RolloutId
from headgate.model.people import Person
from headgate.model.releases import Revision
from headgate.model.rollouts import EnvironmentState
from headgate.model.rules import ApprovalGate, Environment

# Ann wrote every release. Each account with whose it is: what the code has to find out is written down here.
PEOPLE = (Person("ann", ("ann@example.org", "Ann Author", "ann-work")), Person("bob", ("b@example.org",)))
WHOSE = {"ann": "ann", "ANN-Work": "ann", "bob": "bob", "B@Example.org": "bob", "cat": "cat", "eve": "eve"}
AUTHOR = "ann"
NAMED = ("ann", "bob", "cat")
GATES = (
    ApprovalGate(NAMED, 2),
    ApprovalGate(NAMED, 2, authenticated=True),
    ApprovalGate(NAMED, 2, author_may_approve=True),
    ApprovalGate(("bob", "cat"), 2),
    ApprovalGate(("bob",), 1),
    ApprovalGate((), 3, deadline=timedelta(minutes=30)),
)
RULES = [replace(CANARY, people=PEOPLE, gates=(gate,)) for gate in GATES]
RULES += [replace(CANARY, people=PEOPLE, gates=gates) for gates in (GATES[2:4], GATES[1:3])]
REVISIONS = (V2, replace(V2, secret_versions={"web": {"KEY": "2"}}), V3)  # type: ignore[dict-item]
LOOK = seen({"v1": "ready ready"}, routes({"v1": 100}))

Step = Callable[["History"], None]


@dataclass
class History:
    """The real state, and beside it what people did, in the words of the rules."""

    base: EnvironmentState = field(default_factory=state)
    changes: list[Callable[[EnvironmentState], EnvironmentState]] = field(default_factory=list)
    rules: Environment = RULES[0]
    now: datetime = NOW
    asked: int = 0
    shown: tuple[str, object] = ("", None)  # a digest that was looked at, and what it was of
    given: list[tuple[str, bool, object]] = field(default_factory=list)  # person, proven, and for what
    over: bool = False

    @property
    def state(self) -> EnvironmentState:
        """Folded from nothing each time: there is no moment at which a crash could forget something."""
        found = self.base
        for change in self.changes:
            found = change(found)
        return found

    @property
    def what(self) -> object:
        """Exactly what would happen, as values and not as a digest."""
        waiting, stable = self.state.waiting, self.state.stable
        return (waiting.rollout, waiting.revision, stable and stable.id, self.rules) if waiting else None

    def record(self, events: list[e.Event]) -> None:
        now = self.now
        self.changes += [lambda before, one=event: apply(one, before, now) for event in events]  # type: ignore[misc]

    def ask(self, command: c.Command) -> bool:
        answer = accept(command, self.state, replace(LOOK, rules=self.rules), self.now)
        if isinstance(answer, list):
            self.record(answer)
        return isinstance(answer, list)

    def is_open(self) -> bool:
        waiting = self.state.waiting
        return waiting is not None and all(self._passes(gate, waiting.at) for gate in self.rules.gates)

    def _passes(self, gate: object, asked: datetime) -> bool:
        assert isinstance(gate, ApprovalGate)
        counted = {
            person
            for person, proven, what in self.given
            if what == self.what
            and (proven or not gate.authenticated)
            and (not gate.approvers or person in gate.approvers)
            and (person != AUTHOR or gate.author_may_approve)
        }
        return len(counted) >= gate.count


def request(revision: Revision) -> Step:
    def step(history: History) -> None:
        history.asked += 1
        rollout = RolloutId(f"rol_{history.asked}")
        history.record([e.ReleaseRequested(revision, rollout, "deploy", "dan", "")])

    return step


def look(history: History) -> None:
    if waiting := history.state.waiting:
        history.shown = (exact_set(waiting, history.state, history.rules), history.what)


def approve(account: str, proven: bool, of: str) -> Step:
    """`of`: what is current, whatever it is; what was looked at, perhaps long ago; something that was made up."""

    def step(history: History) -> None:
        waiting = history.state.waiting
        if waiting is None:
            return
        current = exact_set(waiting, history.state, history.rules)
        shown = {"current": "", "shown": history.shown[0], "forged": f"set_{'0' * (len(current) - 4)}"}[of]
        what = {"current": history.what, "shown": history.shown[1] or history.what, "forged": None}[of]
        actor = Actor(account, "personal-token" if proven else "server-token")
        accepted = history.ask(c.Approve(waiting.revision.release, account, "", shown, actor))
        assert not accepted or what == history.what
        if what == history.what:
            history.given.append((WHOSE[account], proven, what))

    return step


def withdraw(account: str) -> Step:
    def step(history: History) -> None:
        if (waiting := history.state.waiting) and history.ask(c.Withdraw(waiting.revision.release, account)):
            history.given = [one for one in history.given if one[0] != WHOSE[account]]

    return step


def reject(account: str) -> Step:
    def step(history: History) -> None:
        waiting = history.state.waiting
        if waiting and history.ask(c.Reject(waiting.revision.release, account, "no")):
            assert history.state.waiting is None

    return step


def rule(number: int) -> Step:
    def step(history: History) -> None:
        history.rules = RULES[number]

    return step


def stable(revision: Revision) -> Step:
    def step(history: History) -> None:
        history.changes.append(lambda before: replace(before, stable=revision))

    return step


def wait(minutes: int) -> Step:
    def step(history: History) -> None:
        history.now += timedelta(minutes=minutes)

    return step


def turn(history: History) -> None:
    opened, waiting = history.is_open(), history.state.waiting
    events = decide(history.state, replace(LOOK, rules=history.rules), history.now)
    started = any(isinstance(one, e.RolloutStarted) for one in events)
    assert started == opened
    deadlines = [gate.deadline for gate in history.rules.gates if isinstance(gate, ApprovalGate)]
    dropped = any(isinstance(one, e.ReleaseDropped) for one in events)
    if dropped:
        assert waiting is not None
        assert not opened
        assert history.now - waiting.at > min(deadlines)
    history.record(events)
    history.over = started


ACCOUNTS = st.sampled_from(list(WHOSE))
APPROVED = st.builds(approve, ACCOUNTS, st.booleans(), st.just("current"))
STEPS = st.one_of(
    APPROVED,
    APPROVED,
    APPROVED,
    st.builds(approve, ACCOUNTS, st.booleans(), st.sampled_from(["shown", "forged"])),
    st.just(look),
    st.just(turn),
    st.builds(withdraw, ACCOUNTS),
    st.builds(rule, st.integers(0, len(RULES) - 1)),
    st.builds(stable, st.sampled_from([V0, V1])),
    st.builds(request, st.sampled_from(REVISIONS)),
    st.builds(reject, ACCOUNTS),
    st.builds(wait, st.sampled_from([1, 31, 8 * 24 * 60])),
)


@given(st.integers(0, len(RULES) - 1), st.lists(APPROVED, max_size=4), st.lists(STEPS, min_size=5, max_size=30))
def test_a_gate_opens_when_its_rules_say_so_and_never_else(first: int, soon: list[Step], steps: list[Step]) -> None:
    history = History(rules=RULES[first])
    request(V2)(history)
    for step in [*soon, *steps]:
        step(history)
        if history.over:
            return
        if waiting := history.state.waiting:
            closed = closed_gates(history.rules, waiting, history.state, LOOK, history.now)
            assert (not closed) == history.is_open(), closed


def test_such_histories_do_open_it() -> None:
    """Two leads of whom none is the author, each by another account: else the test above would prove nothing."""
    history = History()
    for step in (request(V2), approve("ann", True, "current"), approve("B@Example.org", True, "current"), turn):
        step(history)
    assert not history.over
    for step in (approve("bob", True, "current"), approve("cat", True, "current"), turn):
        step(history)
    assert history.over


@pytest.mark.parametrize("rules", [*RULES[:2], *RULES[-2:]])
def test_any_two_approvals(rules: Environment) -> None:
    """All of them: of the author, of one person by two accounts, and of another, proven or only claimed."""
    accounts = ("ann", "bob", "B@Example.org", "cat")
    each = [approve(account, proven, "current") for account in accounts for proven in (True, False)]
    for first, second in product(each, repeat=2):
        history = History(rules=rules)
        for step in (request(V2), first, second):
            step(history)
        waiting = history.state.waiting
        assert waiting is not None
        closed = closed_gates(rules, waiting, history.state, LOOK, history.now)
        assert (not closed) == history.is_open(), history.given
