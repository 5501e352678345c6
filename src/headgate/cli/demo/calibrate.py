"""How much traffic this machine bears: tried on the stable version, with a quarter more than the demo will send."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from headgate.cli.demo.traffic import Figures

RATES = (500, 300, 200, 100)  # requests a second, tried from the top
HEADROOM = 1.25  # a candidate starts and tests run beside the traffic
TRIAL = 4.0  # seconds; the first two of them warm up
WARM_UP = 2  # seconds
SLOWEST = 50.0  # ms at the 99th percentile; above that requests queue


@dataclass(frozen=True, slots=True)
class Choice:
    rate: int
    why: str
    sustained: bool


def choose(highest: int, trial: Callable[[float], Sequence[Figures]]) -> Choice:
    """The highest rate that holds; `trial` sends at a rate and returns the figures of its seconds."""
    rates = [highest, *(rate for rate in RATES if rate < highest)]
    refusals: list[str] = []
    for rate in rates:
        refusal = judged(trial(rate * HEADROOM)[WARM_UP:], rate * HEADROOM)
        if not refusal:
            return Choice(rate, "; ".join([*refusals, f"{rate * HEADROOM:.0f}/s went well"]), True)
        refusals.append(refusal)
    return Choice(rates[-1], "; ".join(refusals), False)


def judged(seconds: Sequence[Figures], rate: float) -> str:
    """Why the rate does not hold; empty where it does."""
    if not seconds:
        return f"at {rate:.0f}/s nothing was measured"
    bad = sum(one.bad for one in seconds)
    if bad:
        return f"at {rate:.0f}/s {bad} requests failed"
    slowest = sorted(one.p99_ms for one in seconds if one.p99_ms is not None)
    middle = slowest[len(slowest) // 2] if slowest else float("inf")
    return f"at {rate:.0f}/s p99 was {middle:.0f} ms" if middle > SLOWEST else ""
