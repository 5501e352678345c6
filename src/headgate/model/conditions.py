"""A condition on a number, as the file writes it: one comparison or a range, or several of them joined by `and`."""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

_NUMBER = r"[+-]?[0-9]{1,15}(?:\.[0-9]{1,15})?(?:[eE][+-]?[0-9]{1,2})?"
_COMPARISON = re.compile(rf"(<=|>=|==|!=|<|>)\s*({_NUMBER})")
_RANGE = re.compile(rf"({_NUMBER})\s*\.\.\s*({_NUMBER})")
_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt, "<=": operator.le, "==": operator.eq, "!=": operator.ne, ">=": operator.ge, ">": operator.gt,
}  # fmt: skip

LONGEST = 200  # characters


@dataclass(frozen=True, slots=True)
class Comparison:
    operator: str  # <, <=, ==, !=, >=, >, or .. for a range that both of its ends are in
    than: float
    to: float = 0.0  # upper end of a range

    def holds(self, value: float) -> bool:
        if self.operator == "..":
            return self.than <= value <= self.to
        return _OPERATORS[self.operator](value, self.than)

    def __str__(self) -> str:
        return f"{self.than:.12g} .. {self.to:.12g}" if self.operator == ".." else f"{self.operator} {self.than:.12g}"


@dataclass(frozen=True, slots=True)
class Condition:
    """Holds where every comparison does."""

    comparisons: tuple[Comparison, ...]

    def holds(self, value: float) -> bool:
        return all(one.holds(value) for one in self.comparisons)

    def __str__(self) -> str:
        return " and ".join(map(str, self.comparisons))


def parse(text: str) -> Condition:
    """Raises ValueError, whose text is a sentence that says what to do."""
    if len(text) > LONGEST:
        raise ValueError(f"Write at most {LONGEST} characters.")
    return Condition(tuple(_comparison(part.strip()) for part in re.split(r"\sand\s", text)))


def _comparison(text: str) -> Comparison:
    if found := _COMPARISON.fullmatch(text):
        return Comparison(found[1], float(found[2]))
    if found := _RANGE.fullmatch(text):
        low, high = float(found[1]), float(found[2])
        if low > high:
            raise ValueError(f"Write the lower end first: {high:.12g} .. {low:.12g}.")
        return Comparison("..", low, high)
    raise ValueError(_remedy(text))


def _remedy(text: str) -> str:
    if found := re.fullmatch(rf"=\s*({_NUMBER})", text):
        return f"Write == {found[1]}."
    if re.fullmatch(_NUMBER, text):
        return f"A number needs an operator before it: write <= {text} or >= {text}."
    if re.fullmatch(rf"(?:<=|>=|==|!=|<|>)\s*{_NUMBER}\s*%", text):
        return "Write the number that the source gives, without %."
    return "Compare with a number by <, <=, ==, !=, >= or >, or write a range LOW .. HIGH; join several by `and`."
