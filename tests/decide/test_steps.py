"""One look at a rollout on trial: state + observation -> events + effects."""

from dataclasses import dataclass, replace

import pytest
from tests.decide.given import (
    ALL_AT_ONCE,
    BADLY_BAKED,
    BLIND,
    BLINDLY_BAKED,
    BOTH,
    CANARY,
    FEW,
    NOW,
    SHORT,
    USUAL,
    V1,
    V2,
    WELL,
    WELL_BAKED,
    WORSE,
    ago,
    job,
    measurement,
    revision,
    rollout,
    routes,
    sample,
    seconds,
    seen,
    state,
    steps_of,
    turn,
)

from headgate.model.checks import CheckResult
from headgate.model.ids import JobId, RolloutId
from headgate.model.measurements import Window
from headgate.model.observations import Seen
from headgate.model.rollouts import EnvironmentState, Failure

STABLE = {"v1": "ready ready"}
ON_V1 = routes({"v1": 100})
PREVIEWED = routes({"v2": 0, "v1": 100}, preview="v2")
ON_5 = routes({"v2": 5, "v1": 95}, preview="v2")
ON_25 = routes({"v2": 25, "v1": 75}, preview="v2")
ON_100 = routes({"v2": 100, "v1": 0}, preview="v2")

START, READY, SMOKE, E2E, AT_5, LOOK_5, AT_25, LOOK_25, AT_100, SMOKE_2, BAKE, RETIRE = steps_of(CANARY)
ABORTED = "RolloutAborted by headgate"
HOME = "set routes (rev_v1 100, rev_v2 0)"


PATIENT = replace(CANARY, checks=(replace(CANARY.checks[0], retries=2),))
ATTEMPT = CheckResult("e2e", "run", True, "failed", "", 1, 3, RolloutId("rol_2"), JobId("rol_2-3-1"), NOW)
UNPROVEN_BACK = replace(CANARY.analysis, unproven="rollback")
UNPROVEN_ON = replace(CANARY.analysis, unproven="promote")


def at(step: str, **changes: object) -> EnvironmentState:
    return state(rollout(step, **changes))


@dataclass(frozen=True)
class Case:
    id: str
    state: EnvironmentState
    seen: Seen
    events: list[str]
    effects: list[str]


FORWARD = [
    Case(
        "weight: a stable that cannot serve does not hold up its fix, which has all traffic meanwhile",
        at(AT_5),
        seen({"v2": "ready ready", "v1": "unready unready"}, routes({"v2": 100}, preview="v2")),
        [f"StepCompleted {steps_of(CANARY).index(AT_5)}"],
        [],
    ),
    Case(
        "weight: a stable that is back has its share first",
        at(AT_5),
        seen(BOTH, routes({"v2": 100}, preview="v2")),
        [],
        ["set routes (rev_v2 5, rev_v1 95)"],
    ),
    Case(
        "effects: a stray that will not stop is no fault of the candidate",
        state(rollout(LOOK_5), failures=(Failure("stop rev_v0", "it hangs", 5, ago(60)),)),
        seen(BOTH, ON_5),
        [],
        [],
    ),
    Case(
        "check: a probe that was lost with the server is sent again",
        at(SMOKE),
        seen(BOTH, PREVIEWED, jobs=job(rollout(SMOKE), "lost")),
        [],
        ["run check smoke (rol_2-2-1)"],
    ),
    Case(
        "check: failed, and is tried again under another id",
        at(E2E, rules=PATIENT),
        seen(BOTH, PREVIEWED, rules=PATIENT, jobs=job(rollout(E2E, rules=PATIENT), "failed")),
        ["CheckEnded"],
        ["run check e2e (rol_2-3-2)"],
    ),
    Case(
        "check: lost, and is tried again under another id",
        at(E2E, rules=PATIENT),
        seen(BOTH, PREVIEWED, rules=PATIENT, jobs=job(rollout(E2E, rules=PATIENT), "lost")),
        ["CheckEnded"],
        ["run check e2e (rol_2-3-2)"],
    ),
    Case(
        "check: the second attempt runs, whatever the first is still seen to have come to",
        at(E2E, rules=PATIENT, attempt=2, ended=ATTEMPT),
        seen(BOTH, PREVIEWED, rules=PATIENT, jobs=job(rollout(E2E, rules=PATIENT), "failed")),
        [],
        ["run check e2e (rol_2-3-2)"],
    ),
    Case(
        "start: what is not there is started",
        at(START),
        seen(STABLE, ON_V1),
        [],
        ["run rev_v2"],
    ),
    Case(
        "start: half of it is there",
        at(START),
        seen({"v2": "starting", **STABLE}, ON_V1),
        [],
        ["run rev_v2"],
    ),
    Case(
        "start: all instances were started",
        at(START),
        seen({"v2": "starting starting", **STABLE}, ON_V1),
        ["StepCompleted 0"],
        [],
    ),
    Case(
        "await ready: one of two is no reason to go on, but to be previewed",
        at(READY),
        seen({"v2": "ready starting", **STABLE}, ON_V1),
        [],
        ["set routes (rev_v2 0, rev_v1 100)"],
    ),
    Case(
        "await ready: the platform has begun with more than the file's least, and all of them are waited for",
        at(READY),
        seen({"v2": "ready ready starting", **STABLE}, ON_V1),
        [],
        ["set routes (rev_v2 0, rev_v1 100)"],
    ),
    Case(
        "await ready: ready, so the preview is routed and the check waits for it",
        at(READY),
        seen(BOTH, ON_V1),
        ["StepCompleted 1"],
        ["set routes (rev_v2 0, rev_v1 100)"],
    ),
    Case(
        "check: started once the preview shows the candidate",
        at(SMOKE),
        seen(BOTH, PREVIEWED),
        [],
        ["run check smoke (rol_2-2-1)"],
    ),
    Case(
        "check: not started twice",
        at(SMOKE),
        seen(BOTH, PREVIEWED, jobs=job(rollout(SMOKE), "running")),
        [],
        [],
    ),
    Case(
        "check: passed, so the next one is run in the same turn",
        at(SMOKE),
        seen(BOTH, PREVIEWED, jobs=job(rollout(SMOKE), "passed")),
        ["CheckEnded", "StepCompleted 2"],
        ["run check e2e (rol_2-3-1)"],
    ),
    Case(
        "check: the last before traffic passed, so traffic is shifted",
        at(E2E),
        seen(BOTH, PREVIEWED, jobs=job(rollout(E2E), "passed")),
        ["CheckEnded", "StepCompleted 3"],
        ["set routes (rev_v2 5, rev_v1 95)"],
    ),
    Case(
        "weight: done when the router says so",
        at(AT_5),
        seen(BOTH, ON_5),
        ["StepCompleted 4"],
        [],
    ),
    Case(
        "weight: repeated while the router says otherwise",
        at(AT_5),
        seen(BOTH, PREVIEWED),
        [],
        ["set routes (rev_v2 5, rev_v1 95)"],
    ),
    Case(
        "analyze: well, but not for long enough",
        at(LOOK_5, measured=SHORT),
        seen(BOTH, ON_5),
        ["VerdictReached inconclusive"],
        [],
    ),
    Case(
        "analyze: well for long enough, so the next weight is set",
        at(LOOK_5, measured=WELL, step_started_at=ago(61)),
        seen(BOTH, ON_5),
        ["VerdictReached pass", "StepCompleted 5"],
        ["set routes (rev_v2 25, rev_v1 75)"],
    ),
    Case(
        "analyze: a new measurement is taken and judged in the same turn",
        at(LOOK_5, measured=WELL[:-1]),
        seen(BOTH, ON_5, measurement=measurement(sample(40), USUAL, tick=80, window=Window(NOW, NOW + seconds(1)))),
        ["MeasurementTaken", "VerdictReached pass", "StepCompleted 5"],
        ["set routes (rev_v2 25, rev_v1 75)"],
    ),
    Case(
        "analyze: a measurement that was taken already is not taken again",
        at(LOOK_5, measured=FEW),
        seen(BOTH, ON_5, measurement=measurement(sample(40), USUAL, tick=20)),
        ["VerdictReached inconclusive"],
        [],
    ),
    Case(
        "bake: over, so the candidate is stable and the old one stays warm",
        at(BAKE, measured=WELL_BAKED, step_started_at=ago(31)),
        seen(BOTH, ON_100),
        [
            "VerdictReached pass",
            "StepCompleted 10",
            "RevisionPromoted rev_v2",
            "RolloutEnded promoted",
        ],
        ["set routes (rev_v2 100, rev_v1 0)"],
    ),
    Case(
        "bake: not over",
        at(BAKE, measured=WELL_BAKED),
        seen(BOTH, ON_100),
        ["VerdictReached pass"],
        [],
    ),
    Case(
        "all at once, nothing kept warm: the old one leaves the routes before it is stopped",
        state(rollout("check smoke", rules=ALL_AT_ONCE, position=5)),
        seen(BOTH, ON_100, rules=ALL_AT_ONCE, jobs=job(rollout(START, position=5), "passed")),
        ["CheckEnded", "StepCompleted 5", "RevisionPromoted rev_v2"],
        ["set routes (rev_v2 100)"],
    ),
]

WAITING = [
    Case("start: the platform cannot be seen", at(START), seen(None, ON_V1), [], []),
    Case("await ready: the platform cannot be seen", at(READY), seen(None, ON_V1), [], []),
    Case(
        "check: passed, but the platform cannot be seen",
        at(E2E),
        seen(None, PREVIEWED, jobs=job(rollout(E2E), "passed")),
        ["CheckEnded"],
        [],
    ),
    Case("weight: the router cannot be asked", at(AT_5), seen(BOTH), [], []),
    Case("weight: the router says so, but the platform cannot be seen", at(AT_5), seen(None, ON_5), [], []),
    Case(
        "analyze: a pass, but the router cannot be asked",
        at(LOOK_5, measured=WELL, step_started_at=ago(61)),
        seen(BOTH),
        ["VerdictReached pass"],
        [],
    ),
    Case("analyze: nothing was measured", at(LOOK_5, step_started_at=ago(61)), seen(BOTH, ON_5), [], []),
    Case(
        "analyze: the metric source is blind",
        at(LOOK_5, measured=BLIND, step_started_at=ago(61)),
        seen(BOTH, ON_5),
        [],
        [],
    ),
    Case(
        "analyze: too few requests",
        at(LOOK_5, measured=FEW, step_started_at=ago(61)),
        seen(BOTH, ON_5),
        ["VerdictReached inconclusive"],
        [],
    ),
    Case(
        "bake: over, but the metric source is blind",
        at(BAKE, measured=BLINDLY_BAKED, step_started_at=ago(31)),
        seen(BOTH, ON_100),
        [],
        [],
    ),
    Case("bake: over, but nothing was measured", at(BAKE, step_started_at=ago(31)), seen(BOTH, ON_100), [], []),
    Case(
        "paused: a weight that is set completes nothing",
        at(AT_5, phase="paused", paused_at=NOW),
        seen(BOTH, ON_5),
        [],
        [],
    ),
    Case(
        "paused: a weight that is lost is set again",
        at(AT_5, phase="paused", paused_at=NOW),
        seen(BOTH, ON_V1),
        [],
        ["set routes (rev_v2 5, rev_v1 95)"],
    ),
    Case(
        "paused: a check is not begun",
        at(SMOKE, phase="paused", paused_at=NOW),
        seen(BOTH, PREVIEWED),
        [],
        [],
    ),
    Case(
        "first deployment: the router says 100, but the only instances have died",
        state(rollout("weight 100", replaces=None), stable=None),
        seen({"v2": "exited exited"}, routes({"v2": 100}, preview="v2")),
        [],
        ["run rev_v2", "set routes (rev_v2 0)"],
    ),
]

ABORTS = [
    Case(
        "a check failed",
        at(E2E),
        seen(BOTH, PREVIEWED, jobs=job(rollout(E2E), "failed")),
        ["CheckEnded", ABORTED, "RolloutEnded aborted"],
        ["set routes (rev_v1 100)"],
    ),
    Case(
        "a check failed for the last time",
        at(E2E, rules=PATIENT, attempt=3, ended=ATTEMPT),
        seen(BOTH, PREVIEWED, rules=PATIENT, jobs=job(rollout(E2E, rules=PATIENT, attempt=3), "failed")),
        ["CheckEnded", ABORTED, "RolloutEnded aborted"],
        ["set routes (rev_v1 100)"],
    ),
    Case(
        "a check was lost",
        at(E2E),
        seen(BOTH, PREVIEWED, jobs=job(rollout(E2E), "lost")),
        ["CheckEnded", ABORTED, "RolloutEnded aborted"],
        ["set routes (rev_v1 100)"],
    ),
    Case(
        "the check where users are failed: back to the old one, which is still there",
        at(SMOKE_2),
        seen(BOTH, ON_100, jobs=job(rollout(SMOKE_2), "failed")),
        ["CheckEnded", ABORTED],
        [HOME],
    ),
    Case(
        "the analysis failed", at(LOOK_25, measured=WORSE), seen(BOTH, ON_25), ["VerdictReached fail", ABORTED], [HOME]
    ),
    Case(
        "the bake failed",
        at(BAKE, measured=BADLY_BAKED),
        seen(BOTH, ON_100),
        ["VerdictReached fail", ABORTED],
        [HOME],
    ),
    Case(
        "the analysis fails while paused",
        at(LOOK_5, measured=WORSE, phase="paused", paused_at=ago(5)),
        seen(BOTH, ON_5),
        ["VerdictReached fail", ABORTED],
        [HOME],
    ),
    Case(
        "a failed analysis aborts even when nobody can see the platform",
        at(LOOK_5, measured=WORSE),
        seen(None, ON_5),
        ["VerdictReached fail", ABORTED],
        [],
    ),
    Case(
        "never ready: overdue",
        at(READY, step_started_at=ago(121)),
        seen({"v2": "starting starting", **STABLE}, ON_V1),
        [ABORTED, "RolloutEnded aborted"],
        ["stop rev_v2"],
    ),
    Case(
        "a platform that stays out of sight: overdue",
        at(START, step_started_at=ago(121)),
        seen(None, ON_V1),
        [ABORTED, "RolloutEnded aborted"],
        [],
    ),
    Case(
        "the router never takes the weight: overdue",
        at(AT_25, step_started_at=ago(31)),
        seen(BOTH, ON_5),
        [ABORTED],
        [HOME],
    ),
    Case(
        "analysis without a proof: overdue, and the file says rollback",
        at(LOOK_5, measured=FEW, step_started_at=ago(601), analysis=UNPROVEN_BACK),
        seen(BOTH, ON_5),
        ["VerdictReached inconclusive", ABORTED],
        [HOME],
    ),
    Case(
        "bake without sight: overdue",
        at(BAKE, measured=BLINDLY_BAKED, step_started_at=ago(631)),
        seen(BOTH, ON_100),
        ["VerdictReached no_data", ABORTED],
        [HOME],
    ),
    Case(
        "a check that never answers: overdue",
        at(SMOKE, step_started_at=ago(61)),
        seen(BOTH, PREVIEWED, jobs=job(rollout(SMOKE), "running")),
        [ABORTED, "RolloutEnded aborted"],
        ["set routes (rev_v1 100)"],
    ),
    Case(
        "paused for too long",
        at(LOOK_5, phase="paused", paused_at=NOW - seconds(24 * 3600 + 1)),
        seen(BOTH, ON_5),
        [ABORTED],
        [HOME],
    ),
    Case(
        "crash loop",
        at(READY),
        seen({"v2": "ready exited/3", **STABLE}, ON_V1),
        [ABORTED, "RolloutEnded aborted"],
        ["stop rev_v2"],
    ),
    Case(
        "an effect failed five times",
        replace(at(START), failures=(Failure("run rev_v2", "no memory", 5, ago(1)),)),
        seen(STABLE, ON_V1),
        [ABORTED, "RolloutEnded aborted"],
        [],
    ),
    Case(
        "the candidate's instances are gone while it has traffic",
        at(LOOK_5, measured=WELL),
        seen({"v2": "exited exited", **STABLE}, ON_5),
        [ABORTED],
        [HOME],
    ),
]

UNPROVEN = [
    Case(
        "held for a person, which is the default",
        at(LOOK_5, measured=FEW, step_started_at=ago(601)),
        seen(BOTH, ON_5),
        ["VerdictReached inconclusive", "RolloutPaused"],
        [],
    ),
    Case(
        "goes on where the file says promote",
        at(LOOK_5, measured=FEW, step_started_at=ago(601), analysis=UNPROVEN_ON),
        seen(BOTH, ON_5),
        ["VerdictReached inconclusive", "StepCompleted 5"],
        ["set routes (rev_v2 25, rev_v1 75)"],
    ),
    Case(
        "but a source that is blind promotes nothing",
        at(LOOK_5, measured=BLIND, step_started_at=ago(601), analysis=UNPROVEN_ON),
        seen(BOTH, ON_5),
        ["VerdictReached no_data", "RolloutPaused"],
        [],
    ),
    Case(
        "nor does one that never spoke",
        at(LOOK_5, step_started_at=ago(601), analysis=UNPROVEN_ON),
        seen(BOTH, ON_5),
        ["VerdictReached no_data", "RolloutPaused"],
        [],
    ),
    Case(
        "a candidate that cannot serve is never promoted",
        at(LOOK_5, measured=FEW, step_started_at=ago(601), analysis=UNPROVEN_ON),
        seen({"v2": "unready unready", **STABLE}, ON_5),
        [ABORTED],
        [HOME],
    ),
    Case(
        "while someone has paused it, its time does not run out",
        at(LOOK_5, measured=FEW, step_started_at=ago(601), phase="paused", paused_at=ago(400)),
        seen(BOTH, ON_5),
        ["VerdictReached inconclusive"],
        [],
    ),
]

TOLERATED = [
    Case(
        "an effect failed four times",
        replace(at(START), failures=(Failure("run rev_v2", "no memory", 4, ago(1)),)),
        seen(STABLE, ON_V1),
        [],
        ["run rev_v2"],
    ),
    Case(
        "two crashes",
        at(READY),
        seen({"v2": "ready starting/2", **STABLE}, PREVIEWED),
        [],
        ["set routes (rev_v2 0, rev_v1 100)"],
    ),
    Case(
        "one instance of two gone",
        at(LOOK_5),
        seen({"v2": "ready", **STABLE}, ON_5),
        [],
        ["run rev_v2", "set routes (rev_v2 5, rev_v1 95)"],
    ),
    Case(
        "the candidate's instances are gone before it has traffic",
        at(SMOKE),
        seen({"v2": "exited exited", **STABLE}, PREVIEWED),
        [],
        ["run rev_v2", "set routes (rev_v1 100)"],
    ),
    Case(
        "a pause uses up no deadline",
        at(READY, step_started_at=ago(500), phase="paused", paused_at=ago(450)),
        seen({"v2": "starting starting", **STABLE}, ON_V1),
        [],
        [],
    ),
    Case(
        "the stable has died: who is left takes all, and the stable is started again",
        at(LOOK_5),
        seen({"v2": "ready ready", "v1": "exited exited"}, ON_5),
        [],
        ["run rev_v1", "set routes (rev_v2 100, rev_v1 0)"],
    ),
]


@pytest.mark.parametrize("case", [*FORWARD, *WAITING, *ABORTS, *UNPROVEN, *TOLERATED], ids=lambda case: case.id)
def test_turn(case: Case) -> None:
    assert turn(case.state, case.seen) == (case.events, case.effects)


@pytest.mark.parametrize(
    "case", [case for case in [*WAITING, *TOLERATED] if case.seen.routes], ids=lambda case: case.id
)
def test_a_second_look_at_the_same_decides_nothing_new(case: Case) -> None:
    events, effects = turn(case.state, case.seen)
    if not events:
        assert turn(case.state, case.seen) == (events, effects)


def test_a_service_without_instances_is_started_however_many_another_has() -> None:
    two = revision("v2", services=("web", "quotes"), replicas=1)
    look = seen({"v2": "ready ready", **STABLE}, ON_V1)
    assert turn(state(rollout(START, candidate=two)), look)[1] == ["run rev_v2"]


def test_the_names_of_the_steps() -> None:
    assert (RETIRE, V1.label, V2.label) == ("retire", "v1", "v2")
