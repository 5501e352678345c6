"""The vectorised twin of the trials says what the judge says."""

from dataclasses import replace

import pytest

np = pytest.importorskip("numpy")

from benchmarks.verdicts.candidate import ANSWERS, Beat, TwinJudge, reference  # noqa: E402
from benchmarks.verdicts.latency import Shape  # noqa: E402
from benchmarks.verdicts.world import Simulation, World  # noqa: E402

from headgate.analysis import rate  # noqa: E402
from headgate.analysis.policy import Policy  # noqa: E402
from headgate.analysis.rate import Rate, Stratum  # noqa: E402
from headgate.model.measurements import Sample, edge  # noqa: E402

POLICY = Policy()
RELEASES = 3
WORLDS = {
    "good": World(rate=200),
    "worse": World(rate=300, more_errors=0.03, begins=60),
    "in clusters": World(rate=120, errors=0.01, cluster=5),
    "slower": World(rate=300, shape=Shape(1.2)),
    "thin": World(rate=12, errors=0.02),
    "failing": World(rate=200, more_errors=0.9, begins=100),
}


def begun(judge: TwinJudge, errors: float) -> list[list[Rate]]:
    found = []
    for metric in judge.metrics:
        levels = metric.levels(Sample(ANSWERS, 0, reference()))
        share = sum(s * n for s, n in zip(metric.scores, levels, strict=True)) / sum(levels)
        found.append([rate.begin(metric, POLICY, share if metric.edges else errors, ANSWERS)] * RELEASES)
    return found


FAST, SLOW = ("good",), ("worse", "slower")


def marks(name: str) -> tuple[pytest.MarkDecorator, ...]:
    return () if name in FAST else (pytest.mark.slow,) if name in SLOW else (pytest.mark.real,)


@pytest.mark.parametrize("name", [pytest.param(one, marks=marks(one)) for one in WORLDS])
def test_the_twin_is_equal(name: str) -> None:
    world = replace(WORLDS[name], warm=0)
    twin = TwinJudge(POLICY, RELEASES, world.errors)
    simulation = Simulation(world, RELEASES, 7, tuple(edge(place) for place in twin.places))
    plain = begun(twin, world.errors)
    weights = [0.0] * 15 + [0.05] * 60 + [0.25] * 60 + [0.5] * 45
    for now, weight in enumerate(weights):
        changed = now > 0 and weight != weights[now - 1]
        beat = Beat.of([simulation.second(np.full(RELEASES, weight))])
        twin.watch(beat, 1, np.full(RELEASES, changed), weight == 0)
        for metric, rates in zip(twin.metrics, plain, strict=True):
            arms = beat.levels(metric, twin.places)
            for index, one in enumerate(rates):
                counts = [tuple(int(count) for count in arm[:, index]) for arm in arms]
                stepped = rate.steps(metric, POLICY, one) if changed else one
                rates[index] = rate.watched(metric, POLICY, stepped, Stratum(*counts, 1.0), weight)
    for metric, mine, theirs in zip(twin.metrics, twin.rates, plain, strict=True):
        nats = [rate.harm_nats(metric, POLICY, one, 1) for one in theirs]
        assert mine.nats() == pytest.approx(nats, abs=0.15)  # the judge keeps three decimals, and two of each gain
        assert mine.factor() == pytest.approx([rate.factor(metric, one) for one in theirs], abs=0.01)
        if metric.accept:
            final = [one.gates[2].total for one in theirs]  # a proof for a weight that was reached is not continued
            assert mine.proof(np.full(RELEASES, 2)) == pytest.approx(final, abs=0.15, rel=0.001)
