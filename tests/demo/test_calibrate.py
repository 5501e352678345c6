"""The rate is the highest that the machine bears, and the reason is said."""

from collections.abc import Sequence

import pytest

from headgate.cli.demo.calibrate import HEADROOM, TRIAL, choose, judged
from headgate.cli.demo.traffic import Figures


def second(p99: float | None = 10.0, bad: int = 0) -> Figures:
    return Figures(at=0.0, sent=100, answered=100, bad=bad, waiting=0, p50_ms=3.0, p99_ms=p99)


def machine(bears: float) -> "tuple[list[float], object]":
    tried: list[float] = []

    def trial(rate: float) -> Sequence[Figures]:
        tried.append(rate)
        return [second(900.0)] * 2 + [second(10.0 if rate <= bears else 400.0)] * (int(TRIAL) - 2)

    return tried, trial


def test_the_highest_rate_that_holds_with_headroom_is_chosen() -> None:
    tried, trial = machine(bears=400)
    choice = choose(500, trial)  # type: ignore[arg-type]
    assert (choice.rate, choice.sustained) == (300, True)
    assert tried == [500 * HEADROOM, 300 * HEADROOM]
    assert "at 625/s p99 was 400 ms" in choice.why


def test_no_more_is_tried_than_was_asked_for() -> None:
    tried, trial = machine(bears=1e9)
    assert choose(150, trial).rate == 150  # type: ignore[arg-type]
    assert tried == [150 * HEADROOM]


def test_where_nothing_holds_the_lowest_is_taken_and_said_to_be_not_sustained() -> None:
    _, trial = machine(bears=1)
    choice = choose(500, trial)  # type: ignore[arg-type]
    assert (choice.rate, choice.sustained) == (100, False)


def test_a_rate_below_all_others_is_taken_as_it_is() -> None:
    _, trial = machine(bears=1)
    assert choose(50, trial).rate == 50  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seconds", "why"),
    [
        ([second()], ""),
        ([second(bad=2), second(bad=1)], "3 requests failed"),
        ([second(p99=80), second(p99=90), second(p99=20)], "p99 was 80 ms"),
        ([second(p99=None)], "p99 was inf"),
        ([], "nothing was measured"),
    ],
)
def test_a_trial_fails_by_failures_slowness_or_silence(seconds: list[Figures], why: str) -> None:
    found = judged(seconds, 100)
    assert why in found
    assert bool(found) == bool(why)
