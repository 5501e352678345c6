"""Whatever a program makes of a secret before it shows it, nothing shows it."""

import html
import json
import logging
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from urllib.parse import quote, quote_plus, urlencode

import pytest

from headgate.engine.hidden import Hidden, Masked

VALUE = 'pa"ss/wörd\\ <1>&+?~ÿÿ'
WAYS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "in JSON": json.dumps,
    "in JSON, not ASCII alone": lambda value: json.dumps(value, ensure_ascii=False),
    "as Python": repr,
    "as HTML": html.escape,
    "in a path": quote,
    "in a URL": lambda value: quote(value, safe=""),
    "in a query": lambda value: urlencode({"key": value}),
    "in a form": quote_plus,
}


@pytest.fixture
def hidden() -> Hidden:
    made = Hidden()
    made.learn(VALUE)
    return made


@pytest.mark.parametrize("way", WAYS)
def test_as_programs_write_it(hidden: Hidden, way: str) -> None:
    told = hidden.hide(f"before {WAYS[way](VALUE)} after")
    assert "***" in told
    assert "ss" not in told
    assert told.startswith("before ")
    assert told.endswith(" after")


@pytest.mark.parametrize("encode", [b64encode, urlsafe_b64encode])
@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
@pytest.mark.parametrize("after", ["", "d", "de", "def"])
def test_in_base64_wherever_it_stands(
    hidden: Hidden, encode: Callable[[bytes], bytes], before: str, after: str
) -> None:
    whole = encode(f"{before}{VALUE}{after}".encode()).decode()
    told = hidden.hide(f"Basic {whole};")
    assert "***" in told
    assert len(told) <= len("Basic ***;") + 12  # of what stands around it, nothing of it


def test_each_line_of_several_and_none_that_is_short() -> None:
    hidden = Hidden()
    hidden.learn("-----BEGIN-----\nfirst-line\nab\n")
    assert hidden.hide("x first-line y ab") == "x *** y ab"
    hidden.learn("yes")
    assert hidden.hide("yes") == "yes"  # hiding it would hide words


def test_one_that_holds_another() -> None:
    hidden = Hidden()
    hidden.learn("secret")
    hidden.learn("secret-and-more")
    assert hidden.hide("secret-and-more, secret") == "***, ***"


def test_a_traceback_in_the_log(hidden: Hidden) -> None:
    try:
        raise ValueError(f"wrong password {VALUE}")
    except ValueError as error:
        record = logging.LogRecord("x", logging.ERROR, "x.py", 1, "failed: %s", (VALUE,), (ValueError, error, None))
    told = Masked(logging.Formatter("%(message)s"), hidden, lambda: ["ValueError"]).format(record)
    assert told == "failed: ***\n***: wrong password ***"
