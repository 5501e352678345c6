"""Conditions on numbers are read as they are written, and nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.model.conditions import parse


@pytest.mark.parametrize(
    ("text", "held", "not_held"),
    [
        ("< 0.05", [0, 0.049, -1], [0.05, 1]),
        ("<=0.05", [0.05], [0.0501]),
        (">= 99", [99, 100], [98.9]),
        ("> -1e2", [0], [-100]),
        ("== 1", [1], [0, 1.1]),
        ("!= 0", [1], [0]),
        ("0.2 .. 0.8", [0.2, 0.5, 0.8], [0.19, 0.81]),
        ("1..2", [1, 2], [2.1]),
        (">= 1 and < 2 and != 1.5", [1, 1.6], [1.5, 2, 0.9]),
    ],
)
def test_conditions(text: str, held: list[float], not_held: list[float]) -> None:
    condition = parse(text)
    assert [one for one in held if not condition.holds(one)] == []
    assert [one for one in not_held if condition.holds(one)] == []
    assert parse(str(condition)) == condition


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("", "Compare with a number"),
        ("result < 5", "Compare with a number"),
        ("< 5 or > 7", "Compare with a number"),
        ("__import__('os')", "Compare with a number"),
        ("< nan", "Compare with a number"),
        ("= 5", "Write == 5."),
        ("5", "write <= 5 or >= 5"),
        ("< 5%", "without %"),
        ("0.8 .. 0.2", "0.2 .. 0.8"),
        ("< " + "9" * 300, "at most 200"),
    ],
)
def test_what_is_no_condition(text: str, remedy: str) -> None:
    with pytest.raises(ValueError, match=r".") as error:
        parse(text)
    assert remedy in str(error.value)


@given(st.text(max_size=60))
def test_any_text_is_a_condition_or_refused(text: str) -> None:
    try:
        assert parse(text).holds(1.0) in (True, False)
    except ValueError as error:
        said = str(error)
    else:
        said = str(parse(text))
    assert said


def test_nothing_holds_for_what_is_no_number() -> None:
    assert not any(parse(text).holds(float("nan")) for text in ("< 1", ">= 1", "== 1", "0 .. 1"))
