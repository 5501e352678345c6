"""British postcodes: their shape, and the region that a postcode area belongs to."""

import csv
import re
from functools import cache
from pathlib import Path

AREAS_FILE = Path(__file__).parent / "tariffs" / "postcode_areas.csv"
SHAPE = re.compile(r"([A-Z]{1,2})[0-9][A-Z0-9]? ?[0-9][A-Z]{2}")


@cache
def regions_by_area() -> dict[str, str]:
    with AREAS_FILE.open(newline="", encoding="utf-8") as file:
        return {row["area"]: row["region"] for row in csv.DictReader(file)}


@cache
def regions() -> frozenset[str]:
    return frozenset(regions_by_area().values())


def area_of(postcode: str) -> str:
    """The letters a postcode begins with. ValueError when it is no postcode."""
    match = SHAPE.fullmatch(postcode)
    if match is None:
        raise ValueError("is not a full postcode, for example M1 4BT")
    return match[1]


def region_of(postcode: str) -> str:
    """ValueError when the postcode is malformed or its area does not exist."""
    area = area_of(postcode)
    region = regions_by_area().get(area)
    if region is None:
        raise ValueError(f"begins with {area}, which is not a postcode area we know")
    return region
