"""Who leads, as data: the lease as it was seen and for how long, and what follows."""

from datetime import timedelta

import pytest

from headgate.decide.leading import LASTS, RENEWED, TRUSTED, Take, Wait, claim, lost, may_act
from headgate.model.leases import Lease

S = timedelta(seconds=1)
ONE = Lease("one", LASTS, 0, "7")


@pytest.mark.parametrize(
    ("lease", "unchanged", "answer"),
    [
        pytest.param(None, 0 * S, Take("no server has ever led"), id="never led"),
        pytest.param(
            Lease("", LASTS, 3, "8"),
            0 * S,
            Take("the server that led has ended, and gave its lease back"),
            id="given back",
        ),
        pytest.param(
            ONE, 4 * S, Wait("one leads; its lease was renewed within the last 4 s of 15 s"), id="renewed lately"
        ),
        pytest.param(
            ONE, 15 * S, Wait("one leads; its lease was renewed within the last 15 s of 15 s"), id="to its end"
        ),
        pytest.param(
            ONE, 16 * S, Take("one has not renewed its lease for 16 s; it lasts 15 s"), id="silent for too long"
        ),
    ],
)
def test_claims(lease: Lease | None, unchanged: timedelta, answer: Take | Wait) -> None:
    assert claim(lease, unchanged) == answer


def test_another_promise_than_ours_is_kept() -> None:
    assert isinstance(claim(Lease("one", 60 * S, 0, "7"), 59 * S), Wait)


@pytest.mark.parametrize(
    ("lease", "why"),
    [
        (ONE, None),
        (Lease("two", LASTS, 1, "9"), "two has the lease now"),
        (Lease("", LASTS, 1, "9"), "nobody has the lease now"),
        (None, "the lease is gone: somebody deleted it, so another server may lead"),
    ],
)
def test_what_is_lost(lease: Lease | None, why: str | None) -> None:
    assert lost("one", lease) == why


def test_a_holder_stops_well_before_others_take_its_lease() -> None:
    assert may_act(TRUSTED - S)
    assert not may_act(TRUSTED)
    assert TRUSTED * 1.3 < LASTS  # clocks of different speed
    assert RENEWED * 3 < TRUSTED  # two renewals may fail
