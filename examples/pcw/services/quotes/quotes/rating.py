"""From a tariff and an enquiry to a price. Pure: same input, same pence."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Protocol

from quotes.enquiry import HomeEnquiry, MotorEnquiry

PENNY = Decimal(1)
AnyEnquiry = MotorEnquiry | HomeEnquiry


@dataclass(frozen=True)
class Decline:
    reason: str


class Table(Protocol):
    def factor(self, value: object) -> Decimal | None:
        """None when the provider does not cover this value."""


@dataclass(frozen=True)
class Bands:
    """Factors by lower limit: limits (17, 25) mean 17 to 24, then 25 and above."""

    limits: tuple[int, ...]
    factors: tuple[Decimal | None, ...]

    def factor(self, value: object) -> Decimal | None:
        assert isinstance(value, int)
        place = bisect_right(self.limits, value) - 1
        return None if place < 0 else self.factors[place]


@dataclass(frozen=True)
class Choices:
    factors: Mapping[str, Decimal | None]

    def factor(self, value: object) -> Decimal | None:
        return self.factors[str(value)]


@dataclass(frozen=True)
class Tariff:
    provider: str
    product: str
    kind: str
    base_pence: Decimal
    minimum_pence: int
    compulsory_excess_pence: int
    per_thousand_pence: Mapping[str, Decimal]
    tables: Mapping[str, Table]
    includes: tuple[str, ...]


def annual_premium(tariff: Tariff, enquiry: AnyEnquiry) -> int | Decline:
    """Pence for one year: (base + pence per thousand pounds insured) times every factor, not below the minimum."""
    premium = tariff.base_pence
    for name, pence in tariff.per_thousand_pence.items():
        premium += pence * getattr(enquiry, name) / 1000
    for name, table in tariff.tables.items():
        value = getattr(enquiry, name)
        factor = table.factor(value)
        if factor is None:
            return Decline(f"makes no offer for {name.replace('_', ' ')} {str(value).replace('_', ' ')}")
        premium *= factor
    return max(int(premium.quantize(PENNY, ROUND_HALF_UP)), tariff.minimum_pence)
