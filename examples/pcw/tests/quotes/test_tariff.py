"""A mistake in a tariff file stops the start and names file and field."""

import shutil
from pathlib import Path

import pytest
from quotes.settings import PACKAGED_TARIFFS
from quotes.tariff import TariffError, load_tariffs


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PACKAGED_TARIFFS, tmp_path / "tariffs"))


@pytest.mark.parametrize(
    ("found", "replaced", "message"),
    [
        ("    wales: ", "    whales: ", "factors.region: unknown whales"),
        ("    wales: 0.93\n", "", "factors.region: no factor for wales"),
        ("  driver_age:", "  driver_rage:", "factors.driver_rage: a motor enquiry has no such field"),
        ("{17: 2.95, 19: 2.4", "{19: 2.4, 17: 2.95", "factors.driver_age: lower limits"),
        ("base_pence: ", "base_penny: ", "'base_pence' is missing"),
        ("kind: motor", "kind: boat", "kind is 'boat'"),
        ("  vehicle_value_pounds: 410", "  vehicle_value_euros: 410", "per_thousand_pence.vehicle_value_euros"),
        ("product:", "product: [", "motor_harbour.yaml"),
    ],
)
def test_names_the_mistake(folder: Path, found: str, replaced: str, message: str) -> None:
    file = folder / "motor_harbour.yaml"
    text = file.read_text()
    assert found in text
    file.write_text(text.replace(found, replaced, 1))
    with pytest.raises(TariffError, match=r"motor_harbour\.yaml") as caught:
        load_tariffs(folder)
    assert message in str(caught.value)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TariffError, match="TARIFF_DIR"):
        load_tariffs(tmp_path)


def test_both_kinds_are_needed(folder: Path) -> None:
    for file in folder.glob("home_*.yaml"):
        file.unlink()
    with pytest.raises(TariffError, match="kind home"):
        load_tariffs(folder)
