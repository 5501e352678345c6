"""Notices that have not arrived: those still to come, those that were given up, and telling these again."""

import asyncio
from typing import Any

from headgate.engine.courier import Courier
from headgate.engine.notifying import Notifying, about
from headgate.engine.refusals import Rejected
from headgate.model.notices import Letter, Notice

View = dict[str, Any]
MOST = 50  # pending notices of a target that are shown


async def pending(notifying: Notifying, application: str) -> list[View]:
    every = notifying.couriers(application)
    found = await asyncio.gather(*(one.pending(MOST + 1) for one in every))
    return [_pending(one, notices) for one, notices in zip(every, found, strict=True)]


def failed(notifying: Notifying, application: str) -> list[View]:
    every = notifying.couriers(application)
    return [{**about(one), "failed": [_letter(dead) for dead in one.state.dead]} for one in every]


async def retry(notifying: Notifying, application: str, named: str | None) -> list[View]:
    """What failed is told again, what is pending is tried at once. Raises Unknown, Rejected."""
    wanted = notifying.chosen(application, named)
    return list(await asyncio.gather(*(_retried(notifying, one) for one in wanted)))


async def _retried(notifying: Notifying, courier: Courier) -> View:
    try:
        became, why = await courier.retry(), ""
    except Rejected as error:
        became, why = [], str(error)
    notifying.wake(courier)
    told = [{**_letter(letter), "told": not reason, "why": reason} for letter, reason in became]
    return {**about(courier), "retried": told, "why": why, "failed": len(courier.state.dead)}


def _pending(courier: Courier, notices: list[Notice]) -> View:
    shown = [
        {"notice": one.id, "kind": one.kind, "at": one.at.isoformat(), "what": one.what} for one in notices[:MOST]
    ]
    return {**about(courier), "failing": courier.state.failing, "pending": shown, "more": len(notices) > MOST}


def _letter(letter: Letter) -> View:
    at, about_it = letter.at.isoformat(), {"what": letter.what, "why": letter.why}
    return {"notice": letter.notice, "kind": letter.kind, "at": at, **about_it}
