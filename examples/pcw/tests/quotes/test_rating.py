"""Prices worked out by hand, and rules that hold for every tariff."""

from decimal import Decimal

import pytest
from quotes.enquiry import HomeEnquiry, MotorEnquiry
from quotes.rating import Bands, Choices, Decline, Tariff, annual_premium
from quotes.settings import PACKAGED_TARIFFS
from quotes.tariff import load_tariffs

TARIFFS = load_tariffs(PACKAGED_TARIFFS)
HAND_MADE = Tariff(
    provider="Hand", product="Made", kind="motor", base_pence=Decimal(30_000), minimum_pence=20_000,
    compulsory_excess_pence=10_000, per_thousand_pence={"vehicle_value_pounds": Decimal(400)},
    tables={
        "driver_age": Bands((17, 25, 80), (Decimal("2.5"), Decimal("1.1"), None)),
        "cover": Choices({"comprehensive": Decimal(1), "third_party": Decimal("0.5"), "third_party_fire_theft": None}),
    },
    includes=(),
)


def asked(enquiry: dict[str, object], **changes: object) -> MotorEnquiry:
    return MotorEnquiry.model_validate({**enquiry, **changes})


@pytest.mark.parametrize(
    ("changes", "pence"),
    [
        # (30 000 + 8.5 x 400) x 1.1 = 36 740
        ({}, 36_740),
        ({"driver_age": 24, "licence_years": 5}, 83_500),
        ({"driver_age": 25, "licence_years": 5}, 36_740),
        ({"cover": "third_party"}, 20_000),
        # (30 000 + 0.123 x 400) x 1.1 = 33 054.12
        ({"vehicle_value_pounds": 123}, 33_054),
    ],
    ids=["by-hand", "last-of-band", "first-of-band", "not-below-minimum", "rounded-to-a-penny"],
)
def test_price(motor: dict[str, object], changes: dict[str, object], pence: int) -> None:
    assert annual_premium(HAND_MADE, asked(motor, **changes)) == pence


def test_declines_what_a_band_excludes_and_says_which(motor: dict[str, object]) -> None:
    assert annual_premium(HAND_MADE, asked(motor, driver_age=80)) == Decline("makes no offer for driver age 80")
    fire = asked(motor, cover="third_party_fire_theft")
    assert annual_premium(HAND_MADE, fire) == Decline("makes no offer for cover third party fire theft")


@pytest.mark.parametrize("tariff", TARIFFS, ids=lambda tariff: tariff.product)
def test_every_tariff_prices_an_ordinary_customer(
    tariff: Tariff, motor: dict[str, object], home: dict[str, object]
) -> None:
    enquiry = asked(motor) if tariff.kind == "motor" else HomeEnquiry.model_validate(home)
    premium = annual_premium(tariff, enquiry)
    assert isinstance(premium, int)
    assert 5_000 < premium < 200_000


@pytest.mark.parametrize("tariff", [t for t in TARIFFS if t.kind == "motor"], ids=lambda tariff: tariff.product)
def test_more_years_without_a_claim_never_cost_more(tariff: Tariff, motor: dict[str, object]) -> None:
    long_driving = {**motor, "driver_age": 50, "licence_years": 30}
    prices = [annual_premium(tariff, asked(long_driving, no_claims_years=years)) for years in range(12)]
    assert prices == sorted(prices, reverse=True)


def test_a_building_is_not_charged_for_when_only_contents_are_insured(home: dict[str, object]) -> None:
    tariff = next(t for t in TARIFFS if t.product == "Harbour Home")
    contents = HomeEnquiry.model_validate({**home, "cover": "contents"})
    dearer_house = contents.model_copy(update={"rebuild_cost_pounds": 900_000})
    assert annual_premium(tariff, contents) == annual_premium(tariff, dearer_house)
