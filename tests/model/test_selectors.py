"""Whatever is filled in stays a value."""

import re

from hypothesis import given
from hypothesis import strategies as st

from headgate.model.selectors import check_expression, filled_in, literal, named, parse, parse_each

VALUES = {"application": "pcw", "environment": "production", "service": "web", "revision": "rev_1"}


def test_placeholders_are_filled_in_and_braces_of_expressions_stay() -> None:
    written = 'r{app="{application}-{environment}", service=~"{service}|a{2}|\\\\p{Greek}", revision="{revision}"}'
    assert parse(written).filled(VALUES) == (
        'r{app="pcw-production",service=~"web|a{2}|\\\\p{Greek}",revision="rev_1"}'
    )


@given(st.text())
def test_a_value_keeps_to_its_quotes(value: str) -> None:
    selector = parse("""r{service="{service}",a=~'{service}',revision="{revision}"}""")
    filled = selector.filled({**VALUES, "service": value})
    assert re.fullmatch(r"""r\{service="[\w/:\\-]*",a=~'[\w/:\\{}-]*',revision="rev_1"\}""", filled, re.ASCII)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_a_literal_matches_itself_alone(value: str) -> None:
    pattern = re.sub(r"\\\\x\{([0-9a-f]+)\}", lambda found: f"\\U{int(found[1], 16):08x}", literal(value))
    assert re.fullmatch(pattern, value)


def test_or_joins_selectors_and_stands_in_quotes_as_itself() -> None:
    written = """a{x="1 or {b}", revision="{revision}"} or b{y=~'"} or c{', revision="{revision}"}"""
    written = written.replace("{b}", "b")
    assert [one.name for one in parse_each(written)] == ["a", "b"]
    assert named('a{revision="{revision}",s="{service}"} or b{revision="{revision}"}') == {"revision"}


def test_an_expression_is_filled_in_within_its_quotes() -> None:
    written = 'sum(increase(r{revision="{revision}", s=~"{service}"}[{window}]))'
    check_expression(written)
    assert filled_in(written, {**VALUES, "service": 'a"}b', "window": "500ms"}) == (
        'sum(increase(r{revision="rev_1", s=~"a\\U00000022\\U0000007db"}[500ms]))'
    )


@given(st.text(max_size=60) | st.from_regex(r"[a-z]{0,3}\{([a-z\"'=~!,{}\\ ]{0,12}){3}\}?", fullmatch=True))
def test_any_text_is_a_selector_or_told(text: str) -> None:
    said = "fine."
    try:
        parse(text)
    except ValueError as error:
        said = str(error)
    assert said.isprintable()
    assert said.endswith(".")
