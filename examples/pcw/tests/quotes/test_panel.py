"""Slow and failing providers leave the others standing."""

import asyncio
import time
from dataclasses import dataclass
from datetime import timedelta

import pytest
from quotes.enquiry import MotorEnquiry
from quotes.panel import Panel, Round
from quotes.provider import Offer
from quotes.rating import AnyEnquiry, Decline


@dataclass(frozen=True)
class Invented:
    name: str
    pence: int = 10_000
    delay: timedelta = timedelta()
    failure: Exception | None = None
    decline: str = ""
    timeout: timedelta = timedelta(milliseconds=100)
    kind: str = "motor"

    async def quote(self, enquiry: AnyEnquiry) -> Offer | Decline:
        await asyncio.sleep(self.delay.total_seconds())
        if self.failure:
            raise self.failure
        return Decline(self.decline) if self.decline else Offer(self.name, "Product", self.pence, 0, ())


@pytest.fixture
def enquiry(motor: dict[str, object]) -> MotorEnquiry:
    return MotorEnquiry.model_validate(motor)


def ask(enquiry: MotorEnquiry, *providers: Invented) -> Round:
    return asyncio.run(Panel(providers).ask(enquiry))


def test_cheapest_first_then_by_name(enquiry: MotorEnquiry) -> None:
    asked = ask(enquiry, Invented("C", 300), Invented("B", 200), Invented("D", 100), Invented("A", 200))
    assert [offer.provider for offer in asked.offers] == ["D", "A", "B", "C"]


def test_slow_and_failing_ones_are_named_and_the_rest_answer(enquiry: MotorEnquiry) -> None:
    slow, broken = Invented("Slow", delay=timedelta(seconds=5)), Invented("Broken", failure=ZeroDivisionError())
    asked = ask(enquiry, slow, Invented("Good"), broken, Invented("Picky", decline="no"))
    assert [offer.provider for offer in asked.offers] == ["Good"]
    assert asked.unanswered == {"Slow": "timeout", "Broken": "error"}
    assert asked.declined == {"Picky": "no"}


def test_all_are_asked_at_once(enquiry: MotorEnquiry) -> None:
    start = time.perf_counter()
    asked = ask(enquiry, *(Invented(f"P{n}", delay=timedelta(milliseconds=50)) for n in range(10)))
    assert len(asked.offers) == 10
    # One after another would take 500 ms.
    assert time.perf_counter() - start < 0.3


def test_each_has_its_own_timeout(enquiry: MotorEnquiry) -> None:
    delay = timedelta(milliseconds=150)
    patient = Invented("Patient", delay=delay, timeout=timedelta(seconds=2))
    hurried = Invented("Hurried", delay=delay, timeout=timedelta(milliseconds=20))
    asked = ask(enquiry, patient, hurried)
    assert [offer.provider for offer in asked.offers] == ["Patient"]
    assert asked.unanswered == {"Hurried": "timeout"}


def test_providers_of_another_kind_are_not_asked(enquiry: MotorEnquiry) -> None:
    assert ask(enquiry, Invented("House", kind="home")) == Round([], {}, {})
