"""Text from elsewhere, made safe to print."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.cli.plain import plain


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text", "plain text"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b[1;1Hgone", "gone"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]52;c;cGFzdGU=\x07clipboard", "clipboard"),
        ("\x9b31mred", "red"),
        ("a\tb\r\nc", "a b  c"),
        ("bell\x07", "bell\ufffd"),
        ("right\u202eleft", "right\ufffdleft"),
        ("Gr\u00fc\u00dfe \u4e2d\u6587 \u2713", "Gr\u00fc\u00dfe \u4e2d\u6587 \u2713"),
        ("[bold]markup[/bold]", "[bold]markup[/bold]"),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert plain(text) == shown


@given(st.text(st.characters(exclude_categories=())))
def test_nothing_that_commands_a_terminal_is_left(text: str) -> None:
    assert plain(text).isprintable()
