"""Links of notices: by which one person says yes or no, and where this server tells of the place.

A link to answer by goes only to where that person alone reads: whoever has it is taken for that person.
"""

import hashlib
from datetime import datetime, timedelta
from urllib.parse import quote

from headgate.decide.exact_set import exact_set
from headgate.engine.application import Application
from headgate.engine.world import World
from headgate.model.approvals import Link
from headgate.model.notices import Notice, Target
from headgate.model.rollouts import Request
from headgate.model.rules import ApprovalGate, Environment

LONGEST = timedelta(days=7)  # that a link is good for


def api(world: World, notice: Notice) -> str:
    """Empty: nobody said where people reach this server."""
    if not world.public_url:
        return ""
    application = f"{world.public_url}/api/applications/{quote(notice.application, safe='')}"
    return f"{application}/environments/{quote(notice.environment, safe='')}" if notice.environment else application


def page(world: World, notice: Notice) -> str:
    """Where whoever signs in sees how it stands; empty: nobody said where people reach this server."""
    if not world.public_url:
        return ""
    place = (
        f"pages/{quote(notice.application, safe='')}/{quote(notice.environment, safe='')}" if notice.environment else ""
    )
    return f"{world.public_url}/{place}"


def review(world: World, application: Application, notice: Notice, target: Target, now: datetime) -> str:
    """The page on which the one person who reads there answers; empty: there is none, or nothing waits any more."""
    asked = notice.kind == "waiting" and target.to and target.to in notice.people
    if not asked or world.review is None or notice.environment not in application.wheels:
        return ""
    wheel = application.wheels[notice.environment]
    waiting, rules = wheel.state.waiting, application.rules(wheel.environment)
    if waiting is None or rules is None or waiting.revision.release != notice.release:
        return ""
    shown = exact_set(waiting, wheel.state, rules)
    where = (application.name, notice.environment, waiting.revision.release, shown, target.to)
    return world.review(Link(_id(notice, target), *where, ("approve", "reject"), _until(waiting, rules, now)))


def _id(notice: Notice, target: Target) -> str:
    """Told twice it is one link, good for one answer."""
    return f"lnk_{hashlib.sha256(f'{notice.id}|{target.id}'.encode()).hexdigest()[:16]}"


def _until(waiting: Request, rules: Environment, now: datetime) -> datetime:
    """As long as somebody may answer, and no longer than LONGEST."""
    deadlines = [gate.deadline for gate in rules.gates if isinstance(gate, ApprovalGate)]
    return min(now + LONGEST, waiting.at + min(deadlines, default=LONGEST))
