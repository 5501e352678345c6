"""Stop-the-line: who lets no rollout start here, or anywhere, until when; and who may say so."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from headgate.model import commands as c
from headgate.model import events as e
from headgate.model.freezes import Freeze, RolloutsFrozen, RolloutsUnfrozen
from headgate.model.observations import Seen
from headgate.model.rollouts import EnvironmentState


def latest(freeze: Freeze | None, recorded: Iterable[e.Recorded]) -> Freeze | None:
    """Folded from the server's stream."""
    for one in recorded:
        match one.event:
            case RolloutsFrozen(by=by, why=why, until=until):
                freeze = Freeze(by, why, one.at, until)
            case RolloutsUnfrozen():
                freeze = None
    return freeze


def may_freeze(command: c.Freeze, known: Freeze | None, now: datetime, where: str) -> list[e.Event] | c.Refused:
    """`where`: what `headgate unfreeze` is told. Nobody shortens by the way what another meant to last."""
    if not command.why:
        return c.Refused("a freeze says why: --why TEXT")
    if command.until is not None and command.until <= now:
        return c.Refused(f"{moment(command.until)} is past; --until takes a moment to come, or a time such as 2h")
    if known and known.holds(now) and command.until and (known.until is None or command.until < known.until):
        return c.Refused(f"{known.by} froze it for longer ({lasting(known, now)}); end that first: {ending(where)}")
    return [RolloutsFrozen(command.by, command.why, command.until)]


def may_unfreeze(command: c.Unfreeze, known: Freeze | None, now: datetime) -> list[e.Event] | c.Refused:
    if known is None or not known.holds(now):
        return c.Refused("no freeze holds here")
    return [RolloutsUnfrozen(command.by, command.why)]


def standstill(state: EnvironmentState, seen: Seen, now: datetime) -> list[str]:
    """One sentence for each freeze that holds here: its own, and the whole server's."""
    name = state.id.partition("/")[2]
    own, whole = (one if one and one.holds(now) else None for one in (state.freeze, seen.frozen))
    told = [f"frozen by {_owned(own, now)}: {ending(name)}"] if own else []
    told += [f"every environment is frozen by {_owned(whole, now)}: {ending('--all')}"] if whole else []
    return told


def _owned(freeze: Freeze, now: datetime) -> str:
    return f"{freeze.by} ({freeze.why}) since {moment(freeze.at)} {lasting(freeze, now)}"


def ending(where: str) -> str:
    return f"`headgate unfreeze {where}`"


def lasting(freeze: Freeze, now: datetime) -> str:
    if freeze.until is None:
        return "until someone ends it"
    return f"until {moment(freeze.until)}, in {span(freeze.until - now)}"


def moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def span(left: timedelta) -> str:
    """To the minute, the last one whole."""
    minutes = -(-left // timedelta(minutes=1))
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
