"""Gates: what must be open before a waiting release may start. Whatever is not known to be open is closed."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from headgate.decide.approving import valid_approvers
from headgate.decide.freezes import UnknownDays, UnknownZone, thaw, zone_of
from headgate.decide.parity import closed as no_replica
from headgate.decide.people import may_break_glass
from headgate.decide.provisioning import running, shut
from headgate.decide.standstill import span, standstill
from headgate.model.freezes import CronFreeze, DatesFreeze
from headgate.model.ids import ReleaseId
from headgate.model.observations import Place, Seen
from headgate.model.parity import ParityGate
from headgate.model.rollouts import EnvironmentState, Request
from headgate.model.rules import ApprovalGate, Environment, FreezeGate, Frozen, Gate, SignOffGate, SoakGate, WebhookGate


@dataclass(frozen=True, slots=True)
class Closed:
    why: str
    expired: bool = False  # waited longer than the gate's deadline: the release is dropped
    breakable: bool = True  # by break-glass


def closed_gates(
    rules: Environment, request: Request, state: EnvironmentState, seen: Seen, now: datetime
) -> list[Closed]:
    """What holds up this request; a rollback passes, for it goes to what was stable here already."""
    found = _shut(rules, request, state, seen, now)
    return [one for one in found if not (one.breakable and breaks_glass(request, rules))]


def broken_gates(
    rules: Environment, request: Request, state: EnvironmentState, seen: Seen, now: datetime
) -> tuple[str, ...]:
    """The closed gates that a break-glass passes now."""
    found = _shut(rules, request, state, seen, now)
    return tuple(one.why for one in found if one.breakable) if breaks_glass(request, rules) else ()


def breaks_glass(request: Request, rules: Environment) -> bool:
    """By the rules that count now: whoever they no longer name waits for the gates like everybody."""
    return request.break_glass and may_break_glass(request.by, rules)


def _shut(rules: Environment, request: Request, state: EnvironmentState, seen: Seen, now: datetime) -> list[Closed]:
    """Every closed gate: what no gate of the file has to ask for, then the file's in its order."""
    if request.kind == "rollback":
        return []
    before = (_predecessor(rules, request, seen), _not_rejected(request, seen))
    frozen = [Closed(why) for why in standstill(state, seen, now)]
    ground = _infrastructure(request, state, seen, rules, now)
    verdicts = [*before, *frozen, ground, *(_gate(gate, request, state, seen, rules, now) for gate in rules.gates)]
    return [closed for closed in verdicts if closed]


def _predecessor(rules: Environment, request: Request, seen: Seen) -> Closed | None:
    if rules.after is None or request.revision.release in seen.passed:
        return None
    return Closed(f"{request.revision.label} was not promoted in {rules.after}", breakable=False)


def _not_rejected(request: Request, seen: Seen) -> Closed | None:
    """Whether a gate asks for a sign-off or not: what was found bad before goes no further, and need not wait."""
    why = rejected(request.revision.release, request.revision.label, seen)
    return Closed(why, expired=True, breakable=False) if why else None


def _infrastructure(
    request: Request, state: EnvironmentState, seen: Seen, rules: Environment, now: datetime
) -> Closed | None:
    """Its plan is on record before anything starts: approvals are for that one."""
    why, late = shut(request, state, seen, rules, now)
    return Closed(why, expired=late, breakable=running(state) is None) if why else None


def rejected(release: ReleaseId, label: str, seen: Seen) -> str:
    """Where, by whom and why; empty: it was not."""
    for environment, verdicts in seen.signed_off.items():
        found = verdicts.get(release)
        if found and found.verdict == "rejected":
            return f"{label} was rejected in {environment} by {found.by}{f': {found.note}' if found.note else ''}"
    return ""


def _gate(
    gate: Gate, request: Request, state: EnvironmentState, seen: Seen, rules: Environment, now: datetime
) -> Closed | None:
    match gate:
        case ApprovalGate():
            return _approval(gate, request, state, rules, now)
        case SoakGate():
            return _soak(gate, request, seen, now)
        case SignOffGate():
            return _sign_off(gate, request, seen, now)
        case FreezeGate() | DatesFreeze() | CronFreeze():
            return _freeze(gate, now)
        case WebhookGate():
            return _webhook(gate, request, seen, now)
        case ParityGate():
            return _parity(gate, request, seen, rules, now)


def _parity(gate: ParityGate, request: Request, seen: Seen, rules: Environment, now: datetime) -> Closed | None:
    """What would run here, and what is stable there: nobody tried this release where other things run."""
    why = no_replica(gate, Place(rules, request.revision, seen.version), seen.beside.get(gate.environment))
    if not why:
        return None
    if now - request.at > gate.deadline:
        return Closed(f"{why}; not within {gate.deadline}", expired=True)
    return Closed(why)


def _webhook(gate: WebhookGate, request: Request, seen: Seen, now: datetime) -> Closed | None:
    """Unknown is closed, and so is a yes of long ago: it was said before the other gates opened."""
    found = seen.answers.get((gate, request.rollout))
    # A clock that was set back makes no yes last longer.
    lately = found is not None and timedelta() <= now - found.at <= gate.every + gate.timeout
    if found and found.open and lately:
        return None
    if found is None:
        why = f"{gate.where} was asked and has not answered yet"
    elif found.open:
        why = f"{gate.where} said yes too long ago, and is asked again"
    else:
        why = f"{gate.where} says no: {found.why}" if found.open is False else f"{gate.where}: {found.why}"
    if now - request.at > gate.deadline:
        return Closed(f"{why}; not open within {gate.deadline}", expired=True)
    return Closed(why)


def _freeze(gate: Frozen, now: datetime) -> Closed | None:
    """What is in flight when it begins goes on, and so does a way back."""
    try:
        ends = thaw(gate, now)
    except UnknownZone:
        return Closed(f"freeze: this machine does not know the time zone {gate.zone} any more; install tzdata")
    except UnknownDays as error:
        return Closed(f"freeze: {error}")
    if ends is None:
        return None
    day = "%a %H:%M" if ends - now < timedelta(days=6) else "%a %d %b %Y %H:%M"
    return Closed(f"freeze until {ends.astimezone(zone_of(gate)):{day}} {gate.zone}, in {span(ends - now)}")


def _sign_off(gate: SignOffGate, request: Request, seen: Seen, now: datetime) -> Closed | None:
    found = seen.signed_off.get(gate.environment, {}).get(request.revision.release)
    if found and found.verdict == "accepted":
        return None
    told = f"`headgate sign-off {gate.environment} {request.revision.label} --verdict accepted`"
    if now - request.at > gate.deadline:
        return Closed(f"no sign-off in {gate.environment} within {gate.deadline}", expired=True)
    return Closed(f"no sign-off in {gate.environment} yet: {told}")


def _approval(
    gate: ApprovalGate, request: Request, state: EnvironmentState, rules: Environment, now: datetime
) -> Closed | None:
    given = valid_approvers(gate, request, state, rules)
    if len(given) >= gate.count:
        return None
    how = ", each by a token or link of their own" if gate.authenticated else ""
    void = sum(one.release == request.revision.release for one in state.approvals) > len(given)
    since = "; others were for a set that has changed since, or do not count here" if void else ""
    why = f"{len(given)} of {gate.count} approvals (from {', '.join(gate.approvers) or 'anyone'}{how}){since}"
    if now - request.at > gate.deadline:
        return Closed(f"{why} within {gate.deadline}", expired=True)
    return Closed(why)


def _soak(gate: SoakGate, request: Request, seen: Seen, now: datetime) -> Closed | None:
    since = seen.passed.get(request.revision.release)
    if since is not None and now - since >= gate.duration:
        return None
    why = f"soak: stable before for {now - since if since else 'no time'} of {gate.duration}"
    return Closed(why, expired=now - request.at > gate.duration + gate.deadline)
