"""Thousands of whole rollouts under faults. A failure prints its story and the command to see it again."""

import pytest

from headgate.testing.world.__main__ import main
from headgate.testing.world.simulation import simulate
from headgate.testing.world.story import Violation

BLOCK = 20  # seeds; about a second on one core
BLOCKS = 24
ROLLOUTS_A_WORLD = 3  # on average at least: a world in which little happens proves little


@pytest.mark.parametrize(
    "first", range(0, BLOCK * BLOCKS, BLOCK), ids=lambda first: f"seeds-{first}-{first + BLOCK - 1}"
)
def test_every_invariant_holds(first: int) -> None:
    rollouts = 0
    for seed in range(first, first + BLOCK):
        try:
            rollouts += simulate(seed).rollouts
        except Violation as violation:
            pytest.fail(f"seed {seed}: {violation}\n\n{violation.story}", pytrace=False)
    assert rollouts >= ROLLOUTS_A_WORLD * BLOCK


def test_a_seed_is_one_world() -> None:
    assert simulate(3) == simulate(3)


def test_a_long_run_says_how_far_it_came(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seeds", "2", "--from", "5"]) == 0
    assert "2 worlds" in capsys.readouterr().out
