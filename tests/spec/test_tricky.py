"""What fuzzing found, kept as examples."""

import pytest
from tests.spec.files import SMALL

from headgate.spec.problems import SpecificationError
from headgate.spec.read import read

TRICKY = {
    "a field called as pydantic marks keys": SMALL + "'[key]': 1\n",
    "a service called so": SMALL.replace("web:", "'[key]':"),
    "a variable called so": SMALL.replace("platform: process", "platform: process, env: {'[key]': {}}"),
    "a code point that is none": 'a: "\\U00110000"',
    "a lone surrogate": 'a: "\\ud800"',
    "a line end that editors do not count": "\x850",
    "a byte order mark inside": "a: \ufeffb: c",
    "a carriage return alone": "a: b\rc",
}


@pytest.mark.parametrize("content", TRICKY.values(), ids=TRICKY)
def test_is_told_with_a_place(content: str) -> None:
    with pytest.raises(SpecificationError) as error:
        read(content)
    assert all(problem.line >= 1 and problem.column >= 1 for problem in error.value.problems)
