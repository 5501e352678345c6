"""What a customer may ask: a motor or a home enquiry, checked before any provider sees it."""

from functools import cached_property
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from quotes.postcode import region_of


def _postcode(value: str) -> str:
    postcode = value.strip().upper()
    region_of(postcode)
    return postcode


Postcode = Annotated[str, Field(max_length=10), AfterValidator(_postcode)]
Excess = Annotated[int, Field(ge=0, le=1000)]
Years = Annotated[int, Field(ge=0, le=80)]
CoverMotor = Literal["comprehensive", "third_party_fire_theft", "third_party"]
CoverHome = Literal["buildings", "contents", "buildings_and_contents"]
Building = Literal["detached", "semi_detached", "terraced", "flat", "bungalow"]


class _Enquiry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    postcode: Postcode
    no_claims_years: Years
    voluntary_excess_pounds: Excess = 250

    @cached_property
    def region(self) -> str:
        return region_of(self.postcode)


class MotorEnquiry(_Enquiry):
    kind: Literal["motor"]
    driver_age: Annotated[int, Field(ge=17, le=99)]
    licence_years: Years
    vehicle_group: Annotated[int, Field(ge=1, le=50)]
    vehicle_value_pounds: Annotated[int, Field(ge=100, le=250_000)]
    annual_mileage: Annotated[int, Field(ge=500, le=60_000)]
    cover: CoverMotor = "comprehensive"

    @model_validator(mode="after")
    def _years_fit_the_age(self) -> "MotorEnquiry":
        if self.licence_years > self.driver_age - 17:
            raise ValueError(f"licence_years: a driver of {self.driver_age} can have held a licence "
                             f"for at most {self.driver_age - 17} years")
        if self.no_claims_years > self.licence_years:
            raise ValueError("no_claims_years: cannot be more than the years the licence has been held")
        return self


class HomeEnquiry(_Enquiry):
    kind: Literal["home"]
    building: Building
    built_year: Annotated[int, Field(ge=1500, le=2100)]
    bedrooms: Annotated[int, Field(ge=1, le=12)]
    cover: CoverHome = "buildings_and_contents"
    rebuild_cost_pounds: Annotated[int, Field(ge=0, le=3_000_000)] = 0
    contents_pounds: Annotated[int, Field(ge=0, le=500_000)] = 0
    claims_last_5_years: Annotated[int, Field(ge=0, le=10)] = 0

    @model_validator(mode="after")
    def _sums_fit_the_cover(self) -> "HomeEnquiry":
        if self.cover != "contents" and self.rebuild_cost_pounds < 20_000:
            raise ValueError("rebuild_cost_pounds: cover for the building needs a rebuild cost of at least 20000")
        if self.cover != "buildings" and self.contents_pounds < 1_000:
            raise ValueError("contents_pounds: cover for contents needs a value of at least 1000")
        return self

    @property
    def insured_rebuild_pounds(self) -> int:
        return 0 if self.cover == "contents" else self.rebuild_cost_pounds

    @property
    def insured_contents_pounds(self) -> int:
        return 0 if self.cover == "buildings" else self.contents_pounds


Enquiry = Annotated[MotorEnquiry | HomeEnquiry, Field(discriminator="kind")]
