"""Secrets of the server: from its variables, and never in what is told."""

import pytest

from headgate.adapters.credentials import from_variable, without
from headgate.adapters.quoted import short
from headgate.ports import AdapterError


@pytest.mark.parametrize(("value", "told"), [("", "not set"), (" ", "not set"), ("a\nb", "ASCII"), ("ä", "ASCII")])
def test_what_cannot_be_sent_is_told_without_it(monkeypatch: pytest.MonkeyPatch, value: str, told: str) -> None:
    monkeypatch.setenv("WEB_TOKEN", value)
    with pytest.raises(AdapterError, match=f"WEB_TOKEN.*{told}") as caught:
        from_variable("WEB_TOKEN")
    assert not value.strip() or value not in str(caught.value)


def test_it_is_read_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEB_TOKEN", " one ")
    assert from_variable("WEB_TOKEN") == "one"
    monkeypatch.setenv("WEB_TOKEN", "two")
    assert from_variable("WEB_TOKEN") == "two"


def test_what_is_answered_back_is_masked_as_text_and_in_json() -> None:
    assert without(['pass"word'], b'{"asked": "Bearer pass\\"word"} pass"word') == b'{"asked": "Bearer ***"} ***'


@pytest.mark.parametrize(
    ("words", "line"),
    [("a\tb\n", "a b"), (b"\xff", "\ufffd"), ("", "str"), (OSError("x"), "x"), ("a" * 201, "a" * 197 + "...")],
)
def test_words_become_one_short_line(words: object, line: str) -> None:
    assert short(words) == line
