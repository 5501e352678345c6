"""Approve, withdraw, reject: what a person says of the release that waits, with how it is known who said it."""

from headgate.decide.exact_set import changed
from headgate.engine.acting import acting
from headgate.engine.engine import Engine
from headgate.engine.refusals import Rejected
from headgate.model import commands as c
from headgate.model.actor import Actor
from headgate.model.approvals import Link, LinkRefused, Verb
from headgate.model.ids import ReleaseId


async def approve(engine: Engine, name: str, environment: str, by: str, why: str, shown: str = "") -> None:
    """`shown`: digest of the set that was looked at; empty: what would happen now, whatever that is."""
    actor = acting(by)
    release = waiting(engine, name, environment)
    await engine.command(name, environment, c.Approve(release, actor.by, why, shown, actor))


async def withdraw(engine: Engine, name: str, environment: str, by: str, why: str) -> None:
    actor = acting(by)
    release = waiting(engine, name, environment)
    await engine.command(name, environment, c.Withdraw(release, actor.by, why, actor))


async def reject(engine: Engine, name: str, environment: str, reference: str | None, by: str, why: str) -> ReleaseId:
    """Raises Rejected where another release waits than the one that was named."""
    actor = acting(by)
    release = waiting(engine, name, environment)
    if reference is not None:
        meant = await engine.application(name).find(reference)
        if meant.id != release:
            raise Rejected(f"{meant.label} is not waiting in {environment}; `headgate status` shows what is")
    await engine.command(name, environment, c.Reject(release, actor.by, why, actor))
    return release


def waiting(engine: Engine, name: str, environment: str) -> ReleaseId:
    found = engine.application(name).wheel(environment).state.waiting
    if found is None:
        raise Rejected(f"nothing waits for an approval in {environment}")
    return found.revision.release


async def by_link(engine: Engine, link: Link, actor: Actor, verb: Verb, why: str) -> None:
    """Raises Rejected; that a used link was tried again is recorded, once."""
    where = (link.application, link.environment)
    wheel = engine.application(link.application).wheel(link.environment)
    if link.id in wheel.state.links:
        if link.id not in wheel.state.replayed:
            why = "it is good for one answer, and that was given"
            await wheel.note(LinkRefused(link.id, link.person, verb, why, actor.source))
        raise Rejected("this link was used already; ask for another one")
    if verb == "approve":
        await engine.command(*where, c.Approve(link.release, link.person, why, link.set, actor, link.id))
        return
    demand_open(engine, link)
    await engine.command(*where, c.Reject(link.release, link.person, why, actor, link.id))


def demand_open(engine: Engine, link: Link) -> None:
    """Raises Rejected where the link was used, or what it is about is not what would happen now."""
    wheel = engine.application(link.application).wheel(link.environment)
    waiting, rules = wheel.state.waiting, wheel.surroundings.rules(wheel.environment)
    if link.id in wheel.state.links:
        raise Rejected("this link was used already; ask for another one")
    if waiting is None or rules is None or waiting.revision.release != link.release:
        raise Rejected(f"{link.release} is not waiting in {link.environment} any more")
    if what := changed(link.set, waiting, wheel.state, rules):
        raise Rejected(f"this is not what would happen now: {what}; ask for another link")
