"""The figures of the table, from answers and rollouts made up by hand."""

import pytest
from tests.demo.stories import LATENCY, aborted_story, journey, promoted_story, rollout

from headgate.cli.demo.answers import Answer
from headgate.cli.demo.summary import as_json, failing, figures, slow


def every(start: float, end: float, step: float = 0.1, ms: float = 10.0, status: int = 200) -> list[Answer]:
    return [Answer(start + n * step, ms, status, "/", n % 7) for n in range(round((end - start) / step))]


FAILING = rollout(aborted_story(at=100))  # meets users at 103, verdict at 109, all back at 109.5
SLOW = rollout(aborted_story(at=100, why=LATENCY))


def test_bad_answers_are_timed_by_when_the_visitor_has_them() -> None:
    bad = [Answer(104.0, 500, 500, "/", 1), Answer(106.0, 0, 0, "/", 2), Answer(108.9, 300, 502, "/", 1)]
    harm = failing([*every(100, 112), *bad], FAILING, until=112)
    assert (harm.bad, harm.visitors) == (3, 2)
    assert harm.first_to_verdict == pytest.approx(4.5)
    assert harm.verdict_to_last == pytest.approx(0.2)


def test_bad_answers_after_the_abort_count_and_those_before_it_met_users_do_not() -> None:
    bad = [Answer(102.0, 10, 500, "/", 1), Answer(111.0, 10, 500, "/", 2)]
    harm = failing([*every(100, 112), *bad], FAILING, until=112)
    assert harm.bad == 1
    assert harm.verdict_to_last == pytest.approx(2.01)


def test_without_a_bad_answer_there_is_nothing_to_time() -> None:
    harm = failing(every(100, 112), FAILING, until=112)
    assert (harm.bad, harm.first_to_verdict, harm.verdict_to_last) == (0, None, None)


def test_slow_is_measured_against_the_stables_own_p99_less_what_is_slow_anyway() -> None:
    before = [*every(90, 100, ms=10), Answer(99, 80, 200, "/", 0)]  # p99 10 ms; 1 of 101 is above 12 ms
    during = [*every(103, 109, ms=10), *every(103, 109, step=0.2, ms=60)]
    harm = slow([*before, *during], SLOW, quiet_from=90)
    assert harm.bad == 29, "30 slow ones, less 1 in 101 of 90"
    assert harm.answers == 90
    assert "above 12 ms" in harm.note
    assert harm.visitors is None


def test_slow_answers_count_only_while_the_version_has_traffic() -> None:
    around = [Answer(102.9, 60, 200, "/", 0), Answer(109.6, 60, 200, "/", 0)]
    harm = slow([*every(90, 102), *every(103, 109), *around], SLOW, quiet_from=90)
    assert harm.bad == 0


def test_a_version_that_is_not_slower_did_no_harm() -> None:
    assert slow(every(90, 110), SLOW, quiet_from=90).bad == 0


def test_without_a_measure_of_the_stable_nothing_is_claimed() -> None:
    assert "nothing was measured" in slow(every(103, 109), SLOW, quiet_from=90).note


def test_the_good_release_is_everything_from_asking_to_its_end() -> None:
    good = journey("v2", rollout(promoted_story(at=100)), asked=95)
    answers = [*every(90, 120), Answer(94.9, 1, 500, "/", 0), Answer(95.1, 1, 500, "/", 0), Answer(107.9, 1, 0, "/", 0)]
    found = figures(100, "", [good], answers)
    assert (found.bad_in_good, found.bad) == (2, 3)
    assert found.served == 302, "what was never answered was not served"


def test_a_good_release_that_did_not_end_has_no_figure() -> None:
    assert figures(100, "", [journey("v2", None)], every(90, 100)).bad_in_good is None


def test_as_json_names_every_version() -> None:
    found = figures(100, "why", [journey("v2", rollout(promoted_story())), journey("v3", FAILING)], every(90, 110))
    told = as_json(found)
    assert told["ok"] is False, "nothing is claimed yet"
    assert told["versions"]["v3"]["production"]["outcome"] == "aborted"
    assert told["versions"]["v2"]["production"]["stages"]["10 %"] == 2.0
    assert told["versions"]["v3"]["harm"]["bad"] == 0
