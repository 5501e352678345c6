"""Two ordinary enquiries."""

import pytest


@pytest.fixture
def motor() -> dict[str, object]:
    return {
        "kind": "motor", "postcode": "M1 4BT", "driver_age": 34, "licence_years": 12, "no_claims_years": 4,
        "vehicle_group": 14, "vehicle_value_pounds": 8500, "annual_mileage": 9000,
    }


@pytest.fixture
def home() -> dict[str, object]:
    return {
        "kind": "home", "postcode": "LS6 2AB", "building": "terraced", "built_year": 1931, "bedrooms": 3,
        "rebuild_cost_pounds": 240_000, "contents_pounds": 45_000, "no_claims_years": 3,
    }
