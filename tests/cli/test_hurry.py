"""The short way reads what it reads exactly as the full command line does."""

import inspect
from typing import Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from headgate.cli import group, hurry
from headgate.cli.forms import everyday

OPTIONS = sorted({option for _, values, flags in hurry.PLAIN.values() for option in (*values, *flags)})
WORDS = st.one_of(
    st.sampled_from([*OPTIONS, "--", "-", "--help", "--wait=1", "--why=x", "-ashop", "--app", "", "production"]),
    st.text(max_size=8),
)


def fully(arguments: list[str]) -> dict[str, Any]:
    """What the full command line would have done."""
    asked: dict[str, Any] = {}

    def carry_out(command: str, given: dict[str, Any]) -> int:
        asked.update(given)
        return 0

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(group, "carry_out", carry_out)
        typer.main.get_command(group.app).main(arguments, prog_name="headgate", standalone_mode=False)
    return asked


def defaults(command: str) -> dict[str, Any]:
    parameters = inspect.signature(getattr(everyday, command)).parameters.values()
    return {one.name: one.default for one in parameters if one.default is not one.empty}


@given(command=st.sampled_from(sorted(hurry.PLAIN)), rest=st.lists(WORDS, max_size=6))
def test_both_ways_read_the_same(command: str, rest: list[str]) -> None:
    quick = hurry.understood([command, *rest])
    if quick is not None:
        assert {**defaults(command), **quick} == fully([command, *rest])


@pytest.mark.parametrize(
    "arguments",
    [
        ["rollback", "production"],
        ["rollback", "production", "--to", "v1", "--why", "complaints of many"],
        ["rollback", "--wait", "production", "-a", "shop"],
        ["abort", "production", "--json", "--data", "/tmp/x", "--by", "ann"],
        ["deploy", "production", "v1"],
        ["status"],
    ],
    ids=" ".join,
)
def test_plain_forms_are_understood(arguments: list[str]) -> None:
    assert hurry.understood(arguments) is not None


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nonsense"],
        ["status", "production"],
        ["pause", "production", "--wait"],
        ["rollback"],
        ["rollback", "--help"],
        ["rollback", "production", "--help"],
        ["rollback", "production", "--to"],
        ["rollback", "production", "--to=v1"],
        ["rollback", "one", "two"],
        ["abort", "production", "--to", "v1"],
        ["rollback", "production", "--nonsense"],
    ],
    ids=" ".join,
)
def test_everything_else_is_left_to_the_full_command_line(arguments: list[str]) -> None:
    assert hurry.understood(arguments) is None
