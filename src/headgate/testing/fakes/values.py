"""A value source in memory: a test says what each expression is worth, and may blind it."""

from collections.abc import Mapping
from math import isfinite

from headgate.model.measurements import NoData, Window


class FakeValues:
    def __init__(self) -> None:
        self.blind = ""  # a reason makes every reading NoData
        self.worth: dict[str, float] = {}  # expression -> number
        self.asked: list[str] = []

    async def value(self, expression: str, settings: Mapping[str, str], window: Window) -> float | NoData:
        self.asked.append(expression)
        if self.blind:
            return NoData(self.blind)
        if expression not in self.worth:
            return NoData(f"{expression} leads to nothing")
        number = self.worth[expression]
        return number if isfinite(number) else NoData(f"{expression} is {number}, no number")
