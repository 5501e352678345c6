"""The load generator's record, and what is read from it."""

from pathlib import Path

import pytest

from headgate.cli.demo.answers import COLUMNS, Answer, between, met, p99, quantile, read


def answer(at: float = 0.0, ms: float = 5.0, status: int = 200, visitor: int = 1) -> Answer:
    return Answer(at, ms, status, "/", visitor)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "answers.csv"
    given = [Answer(2.5, 7.25, 0, "/motor", 3, "ServerDisconnectedError"), answer(at=1.5)]
    path.write_text(f"{','.join(COLUMNS)}\n" + "".join(one.line() for one in given))
    assert read(path) == [given[1], given[0]], "in the order in which they were due"


def test_a_line_cut_off_by_a_kill_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "answers.csv"
    path.write_text(f"{','.join(COLUMNS)}\n{answer().line()}1795000000.1,2.0,20")
    assert read(path) == [answer()]


@pytest.mark.parametrize(
    ("status", "bad"), [(200, False), (201, False), (422, False), (500, True), (503, True), (0, True)]
)
def test_bad_is_a_server_error_or_no_answer(status: int, bad: bool) -> None:
    assert answer(status=status).bad is bad


def test_a_visitor_has_the_answer_after_its_latency() -> None:
    assert answer(at=100.0, ms=250).done == 100.25


@pytest.mark.parametrize(
    ("count", "share", "found"), [(100, 0.99, 99), (100, 0.5, 50), (101, 0.99, 100), (1, 0.99, 1), (200, 0.99, 198)]
)
def test_a_quantile_is_the_smallest_value_that_enough_do_not_exceed(count: int, share: float, found: int) -> None:
    assert quantile([float(n) for n in range(1, count + 1)], share) == found


def test_p99_leaves_out_what_was_never_answered() -> None:
    assert p99([answer(ms=5), answer(ms=9000, status=0)]) == 5
    assert p99([]) is None


def test_what_the_bad_ones_met_is_told_with_when() -> None:
    gone = Answer(14.0, 0.0, 0, "/", 1, "not sent: too many wait for answers")
    answers = [answer(at=10.0), answer(at=11.0, status=503), answer(at=12.5, status=503), gone, answer(at=20.0)]
    assert met(answers) == "2 x status 503, 1 x not sent: too many wait for answers; within 3.0 s"
    assert met([answer()]) == ""


def test_between_goes_by_when_a_request_was_due() -> None:
    answers = [answer(at=float(at), ms=1500) for at in range(5)]
    assert [one.at for one in between(answers, 1, 3)] == [1, 2]
