"""What is wanted of people before a release that waits may start, or a contract migration may run."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from headgate.decide.approving import valid_approvers
from headgate.decide.exact_set import changed
from headgate.decide.migrating import due_contract
from headgate.decide.people import is_author
from headgate.model.ids import ReleaseId
from headgate.model.people import who
from headgate.model.rollouts import EnvironmentState, Request, SignOff
from headgate.model.rules import ApprovalGate, Environment, SignOffGate

SignOffs = Mapping[str, Mapping[ReleaseId, SignOff]]


@dataclass(frozen=True, slots=True)
class Wanted:
    what: str
    people: tuple[str, ...]  # who may; empty: anyone
    command: str


def of(request: Request, rules: Environment | None, state: EnvironmentState | None, signed: SignOffs) -> list[Wanted]:
    if rules is None:
        return []
    return [*_approvals(request, rules, state), *_sign_offs(request, rules, signed)]


def void(state: EnvironmentState, rules: Environment) -> tuple[list[str], str]:
    """Whose approvals of what waits count no longer, and what changed since they were given."""
    request = state.waiting
    mine = [one for one in state.approvals if request and one.release == request.revision.release and one.set]
    found = [(one.by, changed(one.set, request, state, rules)) for one in mine if request]
    lost = [(by, what) for by, what in found if what]
    return list(dict.fromkeys(by for by, _ in lost)), lost[-1][1] if lost else ""


def contract(state: EnvironmentState, rules: Environment) -> Wanted | None:
    """A migration that begins only when somebody asks for it."""
    due = due_contract(state)
    if due is None or rules.contract != "on-request":
        return None
    return Wanted(f"contract migration {due[1].level} of {due[0]}", (), f"`headgate migrate {rules.name}`")


def _approvals(request: Request, rules: Environment, state: EnvironmentState | None) -> Iterator[Wanted]:
    author = request.revision.author
    for gate in rules.gates:
        if not isinstance(gate, ApprovalGate):
            continue
        given = valid_approvers(gate, request, state, rules) if state else set()
        missing = gate.count - len(given)
        if missing <= 0:
            continue
        may = [one for one in gate.approvers if gate.author_may_approve or not is_author(one, author, rules.people)]
        people = tuple(one for one in may if who(one, rules.people) not in given)
        many = f"{missing} approval{'s' if missing > 1 else ''}"
        yield Wanted(f"{many} of {', '.join(people) or 'anyone'}", people, f"`headgate approve {rules.name}`")


def _sign_offs(request: Request, rules: Environment, signed: SignOffs) -> Iterator[Wanted]:
    for gate in rules.gates:
        if not isinstance(gate, SignOffGate):
            continue
        found = signed.get(gate.environment, {}).get(request.revision.release)
        if found is None or found.verdict != "accepted":
            command = f"`headgate sign-off {gate.environment} {request.revision.label} --verdict accepted`"
            yield Wanted(f"a sign-off in {gate.environment}", (), command)
