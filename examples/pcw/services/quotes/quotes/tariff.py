"""Reads and checks the tariff files: a mistake in one stops the start, and names file and field."""

from collections.abc import Collection, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel

from quotes.enquiry import Building, CoverHome, CoverMotor, HomeEnquiry, MotorEnquiry
from quotes.postcode import regions
from quotes.rating import Bands, Choices, Table, Tariff

CHOICES: Mapping[str, Mapping[str, frozenset[str]]] = {
    "motor": {"cover": frozenset(get_args(CoverMotor)), "region": regions()},
    "home": {"cover": frozenset(get_args(CoverHome)), "region": regions(), "building": frozenset(get_args(Building))},
}
SUMS = {"motor": ("vehicle_value_pounds",), "home": ("insured_rebuild_pounds", "insured_contents_pounds")}
ENQUIRIES: Mapping[str, type[BaseModel]] = {"motor": MotorEnquiry, "home": HomeEnquiry}


class TariffError(Exception):
    """A tariff file cannot be used; the message names the file, the field and the remedy."""


def load_tariffs(folder: Path) -> tuple[Tariff, ...]:
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise TariffError(f"{folder} holds no tariff (*.yaml); point TARIFF_DIR at the folder that does")
    tariffs = tuple(_load(file) for file in files)
    for kind in ENQUIRIES:
        if not any(tariff.kind == kind for tariff in tariffs):
            raise TariffError(f"{folder} holds no tariff of kind {kind}; add at least one")
    return tariffs


def _load(file: Path) -> Tariff:
    try:
        return _tariff(yaml.safe_load(file.read_text(encoding="utf-8")))
    except KeyError as error:
        raise TariffError(f"{file.name}: field {error} is missing") from error
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, InvalidOperation) as error:
        raise TariffError(f"{file.name}: {error}") from error


def _tariff(raw: dict[str, Any]) -> Tariff:
    kind = raw["kind"]
    if kind not in ENQUIRIES:
        raise ValueError(f"kind is {kind!r}; allowed are {', '.join(ENQUIRIES)}")
    return Tariff(
        provider=raw["provider"],
        product=raw["product"],
        kind=kind,
        base_pence=Decimal(raw["base_pence"]),
        minimum_pence=int(raw["minimum_pence"]),
        compulsory_excess_pence=int(raw["compulsory_excess_pence"]),
        per_thousand_pence=_per_thousand(kind, raw["per_thousand_pence"]),
        tables={name: _table(kind, name, table) for name, table in raw["factors"].items()},
        includes=tuple(raw["includes"]),
    )


def _per_thousand(kind: str, raw: Mapping[str, Any]) -> dict[str, Decimal]:
    for name in raw:
        if name not in SUMS[kind]:
            raise ValueError(f"per_thousand_pence.{name}: allowed are {', '.join(SUMS[kind])}")
    return {name: Decimal(str(pence)) for name, pence in raw.items()}


def _table(kind: str, name: str, raw: Mapping[Any, Any]) -> Table:
    factors = {key: None if value is None else Decimal(str(value)) for key, value in raw.items()}
    if name in CHOICES[kind]:
        return _choices(name, factors, CHOICES[kind][name])
    if name not in ENQUIRIES[kind].model_fields:
        raise ValueError(f"factors.{name}: a {kind} enquiry has no such field")
    if not factors or list(factors) != sorted(factors):
        raise ValueError(f"factors.{name}: lower limits must be numbers in rising order")
    return Bands(limits=tuple(factors), factors=tuple(factors.values()))


def _choices(name: str, factors: Mapping[str, Decimal | None], allowed: frozenset[str]) -> Choices:
    """`other` stands for every value that is not named; without it all must be named, so none is forgotten."""
    named = {key: factor for key, factor in factors.items() if key != "other"}
    if unknown := set(named) - allowed:
        raise ValueError(f"factors.{name}: unknown {_listed(unknown)}; allowed are {_listed(allowed)}")
    missing = allowed - set(named)
    if missing and "other" not in factors:
        raise ValueError(f"factors.{name}: no factor for {_listed(missing)}; add it, null to decline, or `other`")
    return Choices({**dict.fromkeys(missing, factors.get("other")), **named})


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names))
