"""A provider is asked for one price. The built-in ones rate from a tariff; a remote one would call its insurer here."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from quotes.rating import AnyEnquiry, Decline, Tariff, annual_premium


@dataclass(frozen=True)
class Offer:
    provider: str
    product: str
    annual_premium_pence: int
    compulsory_excess_pence: int
    includes: tuple[str, ...]


class Provider(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> str: ...

    @property
    def timeout(self) -> timedelta: ...

    async def quote(self, enquiry: AnyEnquiry) -> Offer | Decline: ...


@dataclass(frozen=True)
class TariffProvider:
    tariff: Tariff
    timeout: timedelta

    @property
    def name(self) -> str:
        return self.tariff.provider

    @property
    def kind(self) -> str:
        return self.tariff.kind

    async def quote(self, enquiry: AnyEnquiry) -> Offer | Decline:
        premium = annual_premium(self.tariff, enquiry)
        if isinstance(premium, Decline):
            return premium
        tariff = self.tariff
        return Offer(tariff.provider, tariff.product, premium, tariff.compulsory_excess_pence, tariff.includes)
