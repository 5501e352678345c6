"""Whatever the content is: a specification, or problems with a place within the file. Never another exception."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.compat import StringIO
from tests.spec.files import SAMPLE, SMALL

from headgate.spec.compile import services
from headgate.spec.missing import missing
from headgate.spec.problems import Problem, SpecificationError
from headgate.spec.read import read
from headgate.spec.reference import reference
from headgate.spec.tree import LINE_END

SYNTAX = [
    ": ",
    ":",
    "- ",
    "{",
    "}",
    "[",
    "]",
    "&a ",
    "*a",
    "!!str ",
    "? ",
    "|\n",
    ">",
    '"',
    "'",
    "#",
    "%",
    "@",
    "---",
    "...",
]
VALUES = [
    "0",
    "1e999",
    "9" * 30,
    "~",
    "null",
    "true",
    "<<: ",
    "\\",
    '"\\ud800"',
    '"\\U00110000"',
    "30",
    "é",
    "canary",
    "process",
]
SPACE = ["%YAML 1.1\n---\n", "", " ", "\t", "\n", "\u2028", "\ufeff", "x" * 200]
INTERESTING = st.sampled_from([*SYNTAX, *VALUES, *SPACE])
WORDS = re.findall(r"[a-z0-9_-]+", reference())
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.sampled_from(WORDS))
KEYS = st.one_of(st.sampled_from(sorted({word for word in WORDS if word.isidentifier()})), st.text(max_size=8))
TREES = st.recursive(
    SCALARS,
    lambda below: st.one_of(st.lists(below, max_size=4), st.dictionaries(KEYS, below, max_size=4)),
    max_leaves=25,
)


def check(content: str | bytes) -> None:
    try:
        spec = read(content, "f.yaml")
    except SpecificationError as error:
        check_places(content, error.problems)
    else:
        assert services(spec)
        missing(spec, {})


def check_places(content: str | bytes, problems: tuple[Problem, ...]) -> None:
    text = content if isinstance(content, str) else content.decode("utf-8", "replace")
    lines = LINE_END.split(text)
    assert problems
    for problem in problems:
        assert 1 <= problem.line <= len(lines)
        assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1
        assert problem.found
        assert problem.allowed
        assert problem.remedy.endswith((".", "?"))
        assert str(problem).isprintable()


def dumped(tree: object) -> str:
    stream = StringIO()
    YAML(typ="safe", pure=True).dump(tree, stream)
    return str(stream.getvalue())


@given(st.text())
def test_any_text(text: str) -> None:
    check(text)


@given(st.binary())
def test_any_bytes(content: bytes) -> None:
    check(content)


@given(st.lists(INTERESTING, max_size=30))
def test_text_made_of_what_yaml_cares_for(parts: list[str]) -> None:
    check("".join(parts))


@given(TREES)
def test_any_tree(tree: object) -> None:
    check(dumped(tree))


@given(st.data())
def test_any_tree_in_the_place_of_a_field(data: st.DataObject) -> None:
    """A well-formed file with one value, anywhere, replaced by another tree."""
    tree = YAML(typ="safe", pure=True).load(data.draw(st.sampled_from([SAMPLE, SMALL])))
    here = tree
    while True:
        key = data.draw(st.sampled_from(list(here) if isinstance(here, dict) else list(range(len(here)))))
        if not isinstance(here[key], dict | list) or not here[key] or data.draw(st.booleans()):
            break
        here = here[key]
    here[key] = data.draw(TREES)
    check(dumped(tree))


@given(st.data())
def test_a_mutated_reference(data: st.DataObject) -> None:
    text = reference()
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 30)))
        text = text[:start] + data.draw(INTERESTING) + text[end:]
    check(text)


@pytest.mark.parametrize("line", range(0, 110, 7))
def test_a_reference_cut_off(line: int) -> None:
    check("\n".join(reference().splitlines()[:line]))
