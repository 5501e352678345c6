"""Asks every provider of a kind at once; one that is slow or fails is named and leaves the others standing."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from quotes.provider import Offer, Provider
from quotes.rating import AnyEnquiry, Decline

log = logging.getLogger("quotes.panel")


@dataclass(frozen=True)
class Silence:
    """A provider that did not answer: `timeout` or `error`."""

    reason: str


Outcome = Offer | Decline | Silence


@dataclass(frozen=True)
class Round:
    offers: list[Offer]
    declined: dict[str, str]
    unanswered: dict[str, str]


class Panel:
    def __init__(self, providers: Sequence[Provider]) -> None:
        self._by_kind: dict[str, list[Provider]] = {}
        for provider in providers:
            self._by_kind.setdefault(provider.kind, []).append(provider)

    async def ask(self, enquiry: AnyEnquiry) -> Round:
        asked = self._by_kind.get(enquiry.kind, [])
        outcomes = await asyncio.gather(*(_ask_one(provider, enquiry) for provider in asked))
        return _sorted_round([provider.name for provider in asked], outcomes)


async def _ask_one(provider: Provider, enquiry: AnyEnquiry) -> Outcome:
    try:
        async with asyncio.timeout(provider.timeout.total_seconds()):
            return await provider.quote(enquiry)
    except TimeoutError:
        log.warning("%s did not answer within %s", provider.name, provider.timeout)
        return Silence("timeout")
    except Exception:
        # Whatever a provider's adapter raises is that provider's failure: logged here, and named in the answer.
        log.exception("%s failed", provider.name)
        return Silence("error")


def _sorted_round(names: Sequence[str], outcomes: Sequence[Outcome]) -> Round:
    offers = [outcome for outcome in outcomes if isinstance(outcome, Offer)]
    return Round(
        offers=sorted(offers, key=lambda offer: (offer.annual_premium_pence, offer.provider)),
        declined={name: out.reason for name, out in zip(names, outcomes, strict=True) if isinstance(out, Decline)},
        unanswered={name: out.reason for name, out in zip(names, outcomes, strict=True) if isinstance(out, Silence)},
    )
