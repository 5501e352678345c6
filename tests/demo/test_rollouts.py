"""A rollout's course from its events."""

import pytest
from tests.demo.stories import ERRORS, aborted_story, event, promoted_story, rollout, started

from headgate.cli.demo.rollouts import rollouts, stages


def test_a_promoted_one() -> None:
    found = rollout(promoted_story(at=100))
    assert (found.outcome, found.promoted, found.ended, found.aborted) == ("promoted", 107, 108, None)
    assert found.met_users == 103, "the step before its first weight was done"


def test_time_is_told_by_weight_and_ends_with_the_promotion() -> None:
    assert stages(rollout(promoted_story())) == {"ready": 3.0, "10 %": 2.0, "100 %": 2.0}


def test_an_aborted_ones_last_stage_lasts_until_traffic_was_back() -> None:
    assert stages(rollout(aborted_story())) == {"ready": 3.0, "10 %": 6.5}


def test_an_unfinished_ones_stages_are_those_that_are_over() -> None:
    assert stages(rollout([started(100), event("StepCompleted", 101)])) == {"ready": 1.0}
    assert rollout([started(100)]).met_users is None


@pytest.mark.parametrize(
    ("by", "why", "by_analysis"),
    [
        ("headgate", ERRORS, True),
        ("ann@example", ERRORS, False),
        ("headgate", "weight 10 took longer than 30 s: the router does not yet say 10 %", False),
        ("headgate", "quotes crashes in a loop (3 times): analysis failed: not really", False),
    ],
)
def test_only_the_engines_verdict_is_one_by_analysis(by: str, why: str, by_analysis: bool) -> None:
    assert rollout(aborted_story(by=by, why=why)).by_analysis is by_analysis


def test_a_rollout_that_goes_on_is_not_one_by_analysis() -> None:
    assert not rollout(promoted_story()).by_analysis


def test_rollouts_are_kept_apart() -> None:
    two = [
        started(1, "rol_1", "rel_1"),
        started(2, "rol_2", "rel_2"),
        event("RolloutEnded", 3, "rol_1", outcome="promoted"),
    ]
    first, second = rollouts(two)
    assert (first.release, first.ended, second.release, second.ended) == ("rel_1", 3, "rel_2", None)


def test_events_of_other_streams_are_passed_over() -> None:
    assert (
        rollouts([event("StepCompleted", 1, "rol_9"), {"kind": "EffectFailed", "at": "2026-11-23T00:00:00+00:00"}])
        == []
    )
