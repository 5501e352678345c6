"""The two forms: which fields they have and how these are asked for. What is allowed is decided by quotes alone."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Field:
    name: str
    label: str
    hint: str = ""
    options: tuple[tuple[str, str], ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    default: str = ""

    @property
    def is_number(self) -> bool:
        return self.minimum is not None


@dataclass(frozen=True)
class Form:
    kind: str
    title: str
    intro: str
    fields: tuple[Field, ...]

    def enquiry(self, typed: Mapping[str, str]) -> dict[str, str]:
        """The filled-in fields; an empty one is left out, so that quotes says it is needed."""
        filled = {field.name: typed.get(field.name, "").strip() for field in self.fields}
        return {"kind": self.kind, **{name: value for name, value in filled.items() if value}}

    def blank(self) -> dict[str, str]:
        return {field.name: field.default for field in self.fields}


POSTCODE = Field("postcode", "Postcode", "For example M1 4BT")
EXCESS = Field(
    "voluntary_excess_pounds", "Voluntary excess",
    "What you would pay towards a claim yourself, on top of what the insurer sets",
    options=tuple((str(pounds), f"£{pounds:,}") for pounds in (0, 100, 250, 500, 750, 1000)), default="250",
)
NO_CLAIMS = Field("no_claims_years", "Years without a claim", minimum=0, maximum=80)

MOTOR = Form("motor", "Car insurance", "A few questions about you and your car.", (
    POSTCODE,
    Field("driver_age", "Your age", minimum=17, maximum=99),
    Field("licence_years", "Years you have held a full licence", "0 if less than a year", minimum=0, maximum=80),
    NO_CLAIMS,
    Field("vehicle_group", "Insurance group of the car", "1 to 50: small city cars are below 10, "
          "family cars around 15 to 25, sports cars above 35", minimum=1, maximum=50),
    Field("vehicle_value_pounds", "What the car is worth, in pounds", minimum=100, maximum=250_000),
    Field("annual_mileage", "Miles you drive in a year", minimum=500, maximum=60_000),
    Field("cover", "Cover", options=(
        ("comprehensive", "Comprehensive"),
        ("third_party_fire_theft", "Third party, fire and theft"),
        ("third_party", "Third party only"),
    ), default="comprehensive"),
    EXCESS,
))

HOME = Form("home", "Home insurance", "A few questions about your home and what is in it.", (
    POSTCODE,
    Field("building", "Kind of building", options=(
        ("detached", "Detached house"), ("semi_detached", "Semi-detached house"), ("terraced", "Terraced house"),
        ("flat", "Flat"), ("bungalow", "Bungalow"),
    ), default="terraced"),
    Field("built_year", "Year it was built", "A guess will do", minimum=1500, maximum=2100),
    Field("bedrooms", "Bedrooms", minimum=1, maximum=12),
    Field("cover", "Cover", options=(
        ("buildings_and_contents", "Building and contents"),
        ("buildings", "Building only"),
        ("contents", "Contents only"),
    ), default="buildings_and_contents"),
    Field("rebuild_cost_pounds", "Cost to rebuild it, in pounds", "0 if you insure the contents only",
          minimum=0, maximum=3_000_000),
    Field("contents_pounds", "Value of the contents, in pounds", "0 if you insure the building only",
          minimum=0, maximum=500_000),
    NO_CLAIMS,
    Field("claims_last_5_years", "Claims in the last five years", minimum=0, maximum=10, default="0"),
    EXCESS,
))

FORMS = {form.kind: form for form in (MOTOR, HOME)}
