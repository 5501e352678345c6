"""How high a share may really be, of which so many of so many were seen."""

from math import comb


def highest(seen: int, of: int, confidence: float = 0.95) -> float:
    """One-sided upper bound of Clopper and Pearson: with a higher share, so few would be seen in 5 % of the trials."""
    if seen >= of:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        chance = sum(comb(of, n) * middle**n * (1 - middle) ** (of - n) for n in range(seen + 1))
        low, high = (middle, high) if chance > 1 - confidence else (low, middle)
    return high
