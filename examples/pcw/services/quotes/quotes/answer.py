"""The answer to an enquiry as it is sent, stored and read back: plain JSON, money in whole pence."""

import json
import secrets
from datetime import UTC, datetime
from typing import Literal

from typing_extensions import TypedDict

from quotes.panel import Round
from quotes.provider import Offer
from quotes.rating import AnyEnquiry


class Quote(TypedDict):
    provider: str
    product: str
    annual_premium_pence: int
    total_excess_pence: int
    includes: list[str]


class NoQuote(TypedDict):
    provider: str
    reason: str


class Answer(TypedDict):
    id: str
    kind: Literal["motor", "home"]
    created_at: str
    quotes: list[Quote]
    declined: list[NoQuote]
    unanswered: list[NoQuote]


def new_id() -> str:
    """Not guessable: whoever knows it may read the quote back."""
    return f"quo_{secrets.token_hex(12)}"


def compose(enquiry: AnyEnquiry, asked: Round) -> Answer:
    return {
        "id": new_id(),
        "kind": enquiry.kind,
        "created_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "quotes": [_quote(offer, enquiry) for offer in asked.offers],
        "declined": _no_quotes(asked.declined),
        "unanswered": _no_quotes(asked.unanswered),
    }


def _quote(offer: Offer, enquiry: AnyEnquiry) -> Quote:
    return {
        "provider": offer.provider,
        "product": offer.product,
        "annual_premium_pence": offer.annual_premium_pence,
        "total_excess_pence": offer.compulsory_excess_pence + enquiry.voluntary_excess_pounds * 100,
        "includes": list(offer.includes),
    }


def _no_quotes(reasons: dict[str, str]) -> list[NoQuote]:
    return [{"provider": name, "reason": reason} for name, reason in reasons.items()]


def to_json(answer: Answer) -> bytes:
    return json.dumps(answer, separators=(",", ":"), ensure_ascii=False).encode()
