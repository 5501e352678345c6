"""Everything that is left to chance in a world comes from one seed."""

from collections.abc import Sequence
from math import exp, sqrt
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Chance:
    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def happens(self, probability: float) -> bool:
        return probability > 0 and self._random.random() < probability

    def one(self, options: Sequence[T]) -> T:
        return options[int(self._random.random() * len(options))]

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * self._random.random()

    def some(self, options: Sequence[T], probability: float) -> list[T]:
        return [option for option in options if self.happens(probability)]

    def shuffled(self, options: Sequence[T]) -> list[T]:
        return self._random.sample(list(options), len(options))

    def events(self, mean: float) -> int:
        """Poisson; above 30 its normal approximation."""
        if mean <= 0:
            return 0
        if mean > 30:
            return max(0, round(self._random.gauss(mean, sqrt(mean))))
        limit, product, count = exp(-mean), self._random.random(), 0
        while product > limit:
            product *= self._random.random()
            count += 1
        return count
