"""Why each gate of the rules was open when a rollout started: what goes on record with it."""

from headgate.decide.approving import valid_approvers
from headgate.decide.gates import breaks_glass
from headgate.decide.parity import differences
from headgate.decide.standstill import moment, span
from headgate.model.freezes import CronFreeze, DatesFreeze
from headgate.model.observations import Place, Seen
from headgate.model.parity import ParityGate
from headgate.model.rollouts import EnvironmentState, Request
from headgate.model.rules import ApprovalGate, Environment, FreezeGate, Gate, SignOffGate, SoakGate, WebhookGate


def open_gates(rules: Environment, request: Request, state: EnvironmentState, seen: Seen) -> tuple[str, ...]:
    """A rollback asks no gate. What break-glass passes is told by itself, with what was closed: see GlassBroken."""
    if request.kind == "rollback" or breaks_glass(request, rules):
        return ()
    return tuple(_opened(gate, request, state, seen, rules) for gate in rules.gates)


def _opened(gate: Gate, request: Request, state: EnvironmentState, seen: Seen, rules: Environment) -> str:
    match gate:
        case ApprovalGate():
            given = sorted(valid_approvers(gate, request, state, rules))
            return f"approval: {len(given)} of {gate.count}, by {', '.join(given) or 'nobody'}"
        case SoakGate():
            since = seen.passed.get(request.revision.release)
            return f"soak of {span(gate.duration)}: stable before since {moment(since) if since else 'never'}"
        case SignOffGate():
            return f"sign-off in {gate.environment}: {_signed_off(gate, request, seen)}"
        case FreezeGate() | DatesFreeze() | CronFreeze():
            return f"freeze: not at this time ({gate.zone})"
        case WebhookGate():
            return f"webhook {gate.where}: {_answered(gate, request, seen)}"
        case ParityGate():
            return f"parity: {gate.environment} is a replica{_but(gate, request, seen, rules)}"


def _but(gate: ParityGate, request: Request, seen: Seen, rules: Environment) -> str:
    there = seen.beside.get(gate.environment)
    if there is None or there.revision is None:
        return ", which was not told"
    found = differences(there, Place(rules, request.revision, seen.version))
    return f" but for {', '.join(one.what for one in found)}, as accepted" if found else ""


def _signed_off(gate: SignOffGate, request: Request, seen: Seen) -> str:
    found = seen.signed_off.get(gate.environment, {}).get(request.revision.release)
    return f"{found.verdict} by {found.by}{f': {found.note}' if found.note else ''}" if found else "none"


def _answered(gate: WebhookGate, request: Request, seen: Seen) -> str:
    found = seen.answers.get((gate, request.rollout))
    if found is None:
        return "no answer"
    said = "yes" if found.open else "no" if found.open is False else "unknown"
    return f"{said} at {moment(found.at)}{f': {found.why}' if found.why else ''}"
