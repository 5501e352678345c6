"""What a file's rules will do to releases, good and bad, before anything runs; and where they cannot decide."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from math import inf, sqrt

from headgate.analysis.course import FOR_EVER, LUCK, Course, Race, Terms, Walk, course, quantile, walks
from headgate.analysis.growth import Regression, sides
from headgate.analysis.policy import Policy, policy
from headgate.decide.compile import steps
from headgate.model.measurements import Traffic
from headgate.model.rules import Environment
from headgate.model.steps import AwaitReady, RunCheck, SetWeight, Start, Step

MOST_RATE = 1e6  # requests per second that are thought of
SURE = 0.95
LET_THROUGH = 0.05  # share of clearly worse releases that a policy may promote, before it is warned of
CLEARLY = 4  # times what promotion must rule out


@dataclass(frozen=True, slots=True)
class Doubt:
    """Rules that are well formed and cannot do what they are there for. `path`: of the field, below the environment."""

    path: tuple[str, ...]
    found: str
    allowed: str
    remedy: str  # a sentence


@dataclass(frozen=True, slots=True)
class Foresight:
    steps: tuple[Step, ...]
    good: Course  # a release that is as good as the stable
    worse: Mapping[str, Course]  # by what is worse
    thinnest: str  # the service with the least traffic: it is proven last, and its regressions are caught last
    preparation: timedelta  # at most, until the first user meets the candidate
    doubts: tuple[Doubt, ...]


def regressions(errors: float) -> dict[str, Regression]:
    """`errors`: share of the stable."""
    failing = {f"errors +{points:g} pp": Regression(more_errors=points / 100) for points in (0.2, 0.5, 1, 5, 20)}
    slower = {"latency +10 %": 0.1, "latency +20 %": 0.2, "latency x 2": 1.0}
    every = {"errors 100 %": Regression(more_errors=1 - errors)}
    return {**failing, **every, **{name: Regression(slower=one) for name, one in slower.items()}}


def foresee(rules: Environment, traffic: Mapping[str, Traffic]) -> Foresight:
    """`traffic` names every service."""
    thinnest = min(traffic, key=lambda name: traffic[name].rate)
    seen, terms = traffic[thinnest], terms_of(rules, len(traffic))
    judging = policy_for(rules)
    walked = steps(rules, first=False)
    worse = {name: course(judging, seen, one, terms) for name, one in regressions(seen.errors).items()}
    good = course(judging, seen, Regression(), terms)
    return Foresight(walked, good, worse, thinnest, _preparation(walked), tuple(doubts(rules, seen, len(traffic))))


def policy_for(rules: Environment) -> Policy:
    fewest = min(rules.replicas.values(), default=1)  # instances of a service; a baseline has as many
    return policy(rules.analysis, rules.strategy.weights, (fewest, fewest), rules.strategy.baseline)


def terms_of(rules: Environment, services: int) -> Terms:
    analysis = rules.analysis
    return Terms(
        deadline=analysis.deadline.total_seconds(),
        unproven=analysis.unproven,
        beat=analysis.interval.total_seconds(),
        bake=rules.bake.total_seconds(),
        services=services,
    )


def _preparation(walked: tuple[Step, ...]) -> timedelta:
    first = next(at for at, step in enumerate(walked) if isinstance(step, SetWeight))
    needed = (step for step in walked[:first] if isinstance(step, Start | AwaitReady | RunCheck))
    return sum((step.deadline for step in needed), timedelta())


def doubts(rules: Environment, traffic: Traffic, services: int) -> Iterator[Doubt]:
    if rules.strategy.weights:
        yield from _too_short(rules)
        yield from _long_blip(rules)
        yield from _unprovable(rules, traffic, services)
        yield from _too_trusting(rules, traffic, services)
    elif not rules.bake:
        yield Doubt(
            ("analysis",),
            f"rules of analysis, strategy {rules.strategy.kind} and no bake",
            "analysis where a canary or a bake is",
            "Nothing is measured here: use a canary, add `bake: 10m`, or remove the analysis.",
        )


def _too_short(rules: Environment) -> Iterator[Doubt]:
    analysis = rules.analysis
    least = analysis.at_least + 2 * analysis.interval  # the measurement within which the weight is set does not count
    if analysis.deadline < least:
        told = f"more than at_least ({written(analysis.at_least)}) and two intervals"
        yield Doubt(("analysis", "deadline"), written(analysis.deadline), told, f"Extend it to {written(least)}.")


def _long_blip(rules: Environment) -> Iterator[Doubt]:
    analysis = rules.analysis
    if analysis.blip >= analysis.at_least:
        allowed = f"less than at_least ({written(analysis.at_least)}), for a step may be over by then"
        remedy = "Shorten it, or watch longer: until a blip is over, only an outage puts a release back."
        yield Doubt(("analysis", "blip"), written(analysis.blip), allowed, remedy)


def _unprovable(rules: Environment, traffic: Traffic, services: int) -> Iterator[Doubt]:
    """Of twenty good releases, nineteen must be proven in time."""
    deadline = rules.analysis.deadline.total_seconds()
    needed, metric = slowest(rules, traffic, services)
    if needed <= deadline:
        return
    more = needed_rate(rules, traffic, services)
    longer = f"extend the deadline to {written(rounded(needed))}" if needed < inf else "no deadline is long enough"
    busier = f"have {more:.3g} requests/s" if more else "no traffic is enough"
    yield Doubt(
        ("analysis", "deadline"),
        written(rules.analysis.deadline),
        f"{written(rounded(needed))} at {traffic.rate:.3g} requests/s" if needed < inf else "more traffic",
        f"{_limit(rules, metric)} is not provable in {written(rules.analysis.deadline)}"
        f" at {traffic.rate:.3g} requests/s: {longer}, {busier}, or widen the margin.",
    )


def _limit(rules: Environment, metric: str) -> str:
    analysis = rules.analysis
    if metric == "errors":
        return f"That errors rise by less than {analysis.errors.accept * 100:.3g} pp"
    margin = analysis.latency if metric == "latency" else analysis.p99
    return f"That {metric} rises by less than {margin.accept * 100:.3g} %"


def slowest(rules: Environment, traffic: Traffic, services: int) -> tuple[float, str]:
    """Seconds that the slowest step takes for a good release (95 %), and the metric that it waits for."""
    terms, judging = replace(terms_of(rules, services), deadline=FOR_EVER), policy_for(rules)
    walked = [one for one in walks(judging, traffic, Regression(), terms) if one.outcome != "caught"]
    waits_for = _waits_for(Race(judging, traffic, tuple(sides(judging, traffic, Regression())), terms), walked)
    if not walked or any(one.outcome == "stopped" for one in walked):
        return inf, waits_for
    stages = [quantile(sorted(one.stages[at] for one in walked), SURE) for at in range(len(judging.weights))]
    return max(stages), waits_for


def _waits_for(race: Race, walked: list[Walk]) -> str:
    """In the longest stage of an unlucky release."""
    stages = max(walked, key=lambda one: one.seconds).stages[: len(race.weights)] if walked else (0.0,)
    at = max(range(len(stages)), key=stages.__getitem__)
    before = [(seconds, 0.0) for seconds in stages[:at]]
    last = max(race.proving, key=lambda one: one.proven(at, before, LUCK[-3]), default=None)
    return last.metric.name if last else "errors"


def needed_rate(rules: Environment, traffic: Traffic, services: int) -> float | None:
    """Requests per second at which the deadline suffices."""
    deadline = rules.analysis.deadline.total_seconds()
    low, high = traffic.rate, MOST_RATE
    if slowest(rules, replace(traffic, rate=high), services)[0] > deadline:
        return None
    while high / low > 1.05:
        middle = sqrt(low * high)
        enough = slowest(rules, replace(traffic, rate=middle), services)[0] <= deadline
        low, high = (low, middle) if enough else (middle, high)
    return high


def _too_trusting(rules: Environment, traffic: Traffic, services: int) -> Iterator[Doubt]:
    if rules.analysis.unproven != "promote":
        return
    more = CLEARLY * rules.analysis.errors.accept
    let = course(policy_for(rules), traffic, Regression(more_errors=more), terms_of(rules, services)).promoted
    if let > LET_THROUGH:
        found = f"promote, at {traffic.rate:.3g} requests/s"
        remedy = f"Of releases that fail {more * 100:.3g} pp more often, {let:.0%} would be promoted unproven."
        yield Doubt(("analysis", "unproven"), found, "hold or rollback", remedy)


def rounded(seconds: float) -> timedelta:
    """Up to what a person would write."""
    unit = next(unit for unit, most in ((5, 120), (60, 7200), (600, 86400), (3600, inf)) if seconds <= most)
    return timedelta(seconds=-(-seconds // unit) * unit)


def written(duration: timedelta) -> str:
    """As the file writes it."""
    left, text = round(duration.total_seconds(), 3), ""
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        count, left = divmod(left, size)
        text += f"{count:.0f}{unit}" if count else ""
    return text + (f"{left:g}s" if left or not text else "")
