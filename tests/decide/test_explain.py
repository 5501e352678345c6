"""What is waited for: a failure is told as long as its effect is wanted, and no longer."""

from datetime import timedelta

import pytest
from tests.decide.given import NOW, V0, V1, ago, routes, seen, state

from headgate.decide.explain import waits_for
from headgate.model.clusters import Drift
from headgate.model.observations import Seen
from headgate.model.rollouts import Failure

FAILED = (Failure("set routes (rev_v1 100)", "Envoy does not answer", 2, ago(5)),)
READY = {"v1": "ready ready"}


@pytest.mark.parametrize(
    ("look", "told"),
    [
        pytest.param(
            seen(READY, None), ["set routes (rev_v1 100) failed 2 times, is tried again: Envoy does not answer"],
            id="still wanted",
        ),
        pytest.param(seen(READY, routes({"v1": 100})), [], id="it took hold since"),
    ],
)  # fmt: skip
def test_a_failure_is_waited_for_while_its_effect_is_wanted(look: Seen, told: list[str]) -> None:
    assert waits_for(state(failures=FAILED), look, NOW + timedelta(seconds=1)) == told


def test_what_was_changed_by_hand_is_told_with_what_becomes_of_it() -> None:
    what = "Deployment web-v1: replicas is 5, made as 2"
    late = Drift(V1.id, "HorizontalPodAutoscaler web-v1: it keeps at least 2", by_hand=False)
    drift = (Drift(V1.id, what), Drift(V1.id, what, heal=False), Drift(V0.id, "what goes anyway"), late)
    assert waits_for(state(), seen(READY, routes({"v1": 100}), drift=drift), NOW) == [
        f"somebody changed what Headgate made: {what}; it is put back",
        f"somebody changed what Headgate made: {what}; `heal: false` leaves it to you",
        late.what,
    ]
