"""Approvals: who may give one, which count now, and who may turn down what waits."""

from datetime import datetime
from fnmatch import fnmatchcase

from headgate.decide.exact_set import changed, exact_set
from headgate.decide.people import is_author
from headgate.model import commands as c
from headgate.model import events as e
from headgate.model.approvals import Approval, ApprovalGiven, ApprovalWithdrawn, ReleaseTurnedDown
from headgate.model.observations import Seen
from headgate.model.people import each, who
from headgate.model.rollouts import EnvironmentState, Request
from headgate.model.rules import ApprovalGate, Environment

Answer = list[e.Event] | c.Refused
LOOK_AGAIN = "look again: `headgate review {0}`, and approve what it shows"


def valid_approvers(gate: ApprovalGate, request: Request, state: EnvironmentState, rules: Environment) -> set[str]:
    """Different people, named by the gate, not the author unless it allows that, who approved exactly this set."""
    mine = [one for one in state.approvals if one.release == request.revision.release]
    now = exact_set(request, state, rules) if mine else ""
    given = [one for one in mine if one.set == now]
    accounts = {one.by for one in given if one.proven or not gate.authenticated}
    return each((account for account in accounts if _counts(account, gate, request, rules)), rules.people)


def _counts(account: str, gate: ApprovalGate, request: Request, rules: Environment) -> bool:
    named = not gate.approvers or who(account, rules.people) in each(gate.approvers, rules.people)
    return named and (gate.author_may_approve or not is_author(account, request.revision.author, rules.people))


def may_approve(command: c.Approve, state: EnvironmentState, seen: Seen, now: datetime) -> Answer:
    waiting, rules = _waits(command.release, state, seen)
    if isinstance(waiting, c.Refused) or rules is None:
        return waiting if isinstance(waiting, c.Refused) else c.Refused("no gate here asks for an approval")
    gates, environment = _gates(rules), state.id.partition("/")[2]
    if used := _used(command.link, state):
        return used
    if not gates:
        return c.Refused("no gate here asks for an approval")
    current = exact_set(waiting, state, rules)
    if command.set and (what := changed(command.set, waiting, state, rules)):
        return c.Refused(f"this is not what would happen now: {what}; {LOOK_AGAIN.format(environment)}")
    proven = command.actor is not None and command.actor.proven
    approval = Approval(command.release, command.by, now, current, proven)
    if _has_approved(approval, state, rules):
        return c.Refused(f"{command.by} has approved {waiting.revision.label} already")
    if not any(_counts(command.by, gate, waiting, rules) and (proven or not gate.authenticated) for gate in gates):
        return c.Refused(_may_not(command.by, waiting, gates, rules, environment))
    if missing := _without_evidence(command, gates, waiting, rules):
        return c.Refused(f"an approval here names its evidence: --why with {' and '.join(missing)}")
    return [ApprovalGiven(command.release, command.by, command.why, current, command.actor, command.link)]


def _without_evidence(command: c.Approve, gates: list[ApprovalGate], waiting: Request, rules: Environment) -> list[str]:
    """Asked for when it is given: a gate that asks for other evidence afterwards is another set."""
    words = [word.strip(".,;:()") for word in command.why.split()]
    asked = {gate.evidence for gate in gates if gate.evidence and _counts(command.by, gate, waiting, rules)}
    return sorted(one for one in asked if not any(fnmatchcase(word, one) for word in words))


def _has_approved(approval: Approval, state: EnvironmentState, rules: Environment) -> bool:
    """The same person, by whatever name; one that is proven counts for more than one that was claimed."""
    same = [one for one in state.approvals if (one.release, one.set) == (approval.release, approval.set)]
    mine = [one for one in same if who(one.by, rules.people) == who(approval.by, rules.people)]
    return any(one.proven or not approval.proven for one in mine)


def _may_not(person: str, waiting: Request, gates: list[ApprovalGate], rules: Environment, environment: str) -> str:
    named = sorted({approver for gate in gates for approver in gate.approvers})
    if named and who(person, rules.people) not in each(named, rules.people):
        return f"{person} may not approve here; {', '.join(named)} may"
    if not any(_counts(person, gate, waiting, rules) for gate in gates):
        return f"{person} wrote {waiting.revision.label}; someone else has to approve it"
    how = f"with a personal token, or by `headgate review {environment} --link --for {person}`"
    return f"anyone could say that they are {person}: approvals count here only {how}"


def may_withdraw(command: c.Withdraw, state: EnvironmentState, seen: Seen) -> Answer:
    waiting, rules = _waits(command.release, state, seen)
    if isinstance(waiting, c.Refused) or rules is None:
        return waiting if isinstance(waiting, c.Refused) else c.Refused("nothing was approved here")
    given = [one for one in state.approvals if one.release == command.release]
    mine = sorted({one.by for one in given if who(one.by, rules.people) == who(command.by, rules.people)})
    if not mine:
        return c.Refused(f"{command.by} has not approved {waiting.revision.label}")
    return [ApprovalWithdrawn(command.release, command.by, command.why, tuple(mine), command.actor)]


def may_reject(command: c.Reject, state: EnvironmentState, seen: Seen) -> Answer:
    """Whom a gate names, who asked for it, and its author: to say no is for more people than to say yes."""
    waiting, rules = _waits(command.release, state, seen)
    if isinstance(waiting, c.Refused) or rules is None:
        return waiting if isinstance(waiting, c.Refused) else c.Refused("this environment has no rules")
    if used := _used(command.link, state):
        return used
    if not command.why:
        return c.Refused("a rejection says why: --why TEXT")
    gates = _gates(rules)
    named = [approver for gate in gates for approver in gate.approvers]
    anyone = not named or not all(gate.approvers for gate in gates)
    theirs = each([*named, waiting.by], rules.people)
    author = is_author(command.by, waiting.revision.author, rules.people)
    if not anyone and not author and who(command.by, rules.people) not in theirs:
        return c.Refused(f"{command.by} may not reject here; {', '.join(sorted(set(named)))} may")
    turned_down = ReleaseTurnedDown(command.release, command.by, command.why, command.actor, command.link)
    return [turned_down, e.ReleaseDropped(command.release, f"rejected by {command.by}: {command.why}")]


def _waits(release: str, state: EnvironmentState, seen: Seen) -> tuple[Request | c.Refused, Environment | None]:
    waiting = state.waiting
    if waiting is None or waiting.revision.release != release:
        return c.Refused("that release is not waiting here; `headgate status` shows what is"), None
    return waiting, seen.rules


def _gates(rules: Environment) -> list[ApprovalGate]:
    return [gate for gate in rules.gates if isinstance(gate, ApprovalGate)]


def _used(link: str, state: EnvironmentState) -> c.Refused | None:
    return c.Refused("this link was used already; ask for another one") if link and link in state.links else None
