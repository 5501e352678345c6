"""After a promotion: what rolls back by itself, what only calls, and what is no news at all."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.decide.given import (
    BOTH,
    CANARY,
    NOW,
    V0,
    V1,
    V2,
    V3,
    ago,
    measurement,
    request,
    rollout,
    routes,
    sample,
    seconds,
    seen,
    state,
    told,
    turn,
)

from headgate.analysis.record import remembered
from headgate.decide import monitoring as m
from headgate.decide import sentinel, sight
from headgate.decide.accept import accept
from headgate.decide.explain import waits_for
from headgate.decide.fold import apply
from headgate.decide.rules import decide
from headgate.model import commands as c
from headgate.model import events as e
from headgate.model.freezes import Freeze
from headgate.model.ids import RolloutId
from headgate.model.measurements import Measurement, Sample, Window
from headgate.model.monitors import (
    AlarmRaised,
    LatencyObjective,
    MonitoringEnded,
    MonitoringStarted,
    MonitorRules,
    StableMeasured,
)
from headgate.model.observations import Seen
from headgate.model.rollouts import EnvironmentState, Past

HOURS = MonitorRules(seconds(4 * 3600), seconds(4 * 3600))
PROMISED = replace(HOURS, availability=0.9995)
FAST = replace(HOURS, latency=(LatencyObjective(0.9, timedelta(milliseconds=100)),))
CALLS = replace(HOURS, on_breach="call")
WATCHED = replace(CANARY, monitor=HOURS)
HOME = routes({"v2": 100, "v1": 0})
WARM = seen(BOTH, HOME, rules=WATCHED)
BEAT = 60  # seconds of one entry in the log

GOOD, BAD, SLOW = sample(6000, 2), sample(6000, 600), sample(6000, 0, 4000)
COLD = ["MonitoringEnded", "ReleaseRequested rollback v1", "RolloutStarted rollback v1"]
BACK = [*COLD, "StepCompleted 0", "StepCompleted 1"]  # what is warm needs no start
CALL = ["AlarmRaised"]


def monitored(*minutes: Sample | str, rules: MonitorRules = HOURS, began: float | None = None, **more: Any) -> Any:
    """V2 since its promotion, minute by minute until NOW; a text: why the minute could not be read."""
    before = {"web": GOOD}
    known: Any = {}
    for _ in range(10):
        known = remembered(known, before, BEAT)
    here = state(stable=V2, previous=V1, warm_until=NOW + seconds(3600), records={V1.id: known}, **more)
    begin = ago(len(minutes) * BEAT)
    since = ago(began) if began else begin
    started = MonitoringStarted(RolloutId("rol_2"), V2.release, V1.id, rules, since + rules.duration, "")
    here = apply(started, here, begin)
    for number, one in enumerate(minutes, start=1):
        here = apply(StableMeasured(RolloutId("rol_2"), tick(number, one, len(minutes))), here, NOW)
    return here


def tick(number: int, what: Sample | str, last: int, lasts: float = BEAT) -> Measurement:
    end = NOW - seconds((last - number) * BEAT)
    missing = (what,) if isinstance(what, str) else ()
    return measurement(None, None if missing else what, missing, number, Window(end - seconds(lasts), end))  # type: ignore[arg-type]


def alarmed(here: EnvironmentState, kind: Any = "breach") -> EnvironmentState:
    return apply(AlarmRaised(RolloutId("rol_2"), V2.release, kind, "it fails"), here, ago(30))


BURNING = monitored(*[sample(6000, 60)] * 30, rules=PROMISED)

CASES: list[tuple[str, EnvironmentState, Seen, list[str]]] = [
    ("all is well", monitored(*[GOOD] * 10), WARM, []),
    ("failing, the earlier one was not", monitored(*[GOOD] * 5, *[BAD] * 5), WARM, BACK),
    ("one bad minute is forgiven", monitored(*[GOOD] * 9, BAD), WARM, []),
    ("an outage is not waited for", monitored(GOOD, sample(6000, 6000)), WARM, BACK),
    ("twice as slow", monitored(GOOD, *[SLOW] * 4), WARM, BACK),
    ("it is over", monitored(GOOD, *[BAD] * 5, *[GOOD] * 2), WARM, []),
    ("only call", monitored(GOOD, *[BAD] * 5, rules=CALLS), WARM, CALL),
    ("few requests prove little", monitored(*[sample(4, 1)] * 10), WARM, []),
    ("a promise is broken slowly", monitored(*[sample(6000, 60)] * 50, rules=PROMISED), WARM, BACK),
    ("a promise that is not yet broken", BURNING, WARM, []),
    ("the same, and nothing is promised", monitored(*[sample(6000, 60)] * 50), WARM, []),
    ("slower than promised", monitored(*[SLOW] * 40, rules=replace(FAST, burn=FAST.burn[:1])), WARM, BACK),
    (
        "the earlier one broke it as well",
        monitored(*[sample(6000, 4)] * 60, rules=replace(HOURS, availability=0.99999)),
        WARM,
        CALL,
    ),
    ("a rush: three times the traffic", monitored(GOOD, *[sample(18_000, 1800)] * 5), WARM, CALL),
    ("the earlier one is sick too", monitored(*[BAD] * 5), seen({"v2": "ready ready", "v1": "unready"}, HOME), CALL),
    ("the platform cannot be seen", monitored(*[BAD] * 5), seen(None, HOME), CALL),
    (
        "the earlier one is cold: it is started",
        replace(monitored(*[BAD] * 5), warm_until=None),
        seen({"v2": "ready ready"}, HOME),
        COLD,
    ),
    ("quarantined is no way back", monitored(*[BAD] * 5), replace(WARM, quarantined={V1.release: "bad"}), CALL),
    (
        "nor is what nobody compared with",
        monitored(*[BAD] * 5, past=(Past(RolloutId("rol_0"), "deploy", V0, "promoted", ago(9), ago(8), ""),)),
        replace(WARM, quarantined={V1.release: "bad"}),
        CALL,
    ),
    ("the rules are gone", monitored(*[BAD] * 5), replace(WARM, rules=None), CALL),
    ("a freeze stops no rollback", monitored(*[BAD] * 5, freeze=Freeze("ann", "sale", ago(9), None)), WARM, BACK),
    ("nor does what waits", monitored(*[BAD] * 5, waiting=request(V3)), replace(WARM, rules=WATCHED), [
        "MonitoringEnded", "ReleaseSuperseded rel_v3", *BACK[1:],
    ]),
    ("called already", alarmed(monitored(*[BAD] * 5, rules=CALLS)), WARM, []),
    ("called for nothing seen, and now it fails", alarmed(monitored(*[BAD] * 5, rules=CALLS), "no_data"), WARM, CALL),
    ("the alarm ends", alarmed(monitored(*[BAD] * 5, *[GOOD] * 3)), WARM, ["AlarmEnded"]),
    ("not while it is half as bad", alarmed(monitored(*[sample(6000, 120)] * 8)), WARM, []),
    ("blind for a while", monitored(GOOD, *["down"] * 4), WARM, []),
    ("blind for long", monitored(GOOD, *["down"] * 6), WARM, CALL),
    ("blind after trouble: no blame", monitored(*[BAD] * 5, *["down"] * 6), WARM, CALL),
    ("sight is back", alarmed(monitored(*["down"] * 6, GOOD), "no_data"), WARM, ["AlarmEnded"]),
    ("nobody asks for anything", monitored(*[sample(0)] * 6), WARM, CALL),
    ("its time is over", monitored(*[GOOD] * 2, began=4 * 3600), WARM, ["MonitoringEnded"]),
    ("news", monitored(*[GOOD] * 3), replace(WARM, watched=tick(4, GOOD, 4)), ["StableMeasured"]),
    ("a look between", monitored(*[GOOD] * 3), replace(WARM, watched=tick(4, sample(1500), 4, 15)), []),
    (
        "a look that tells",
        monitored(*[GOOD] * 3),
        replace(WARM, watched=tick(4, sample(1500, 1500), 4, 15)),
        ["StableMeasured", *BACK],
    ),
    ("blind from here", monitored(GOOD), replace(WARM, watched=tick(2, "down", 2, 15)), ["StableMeasured"]),
    ("still blind", monitored(GOOD, "down"), replace(WARM, watched=tick(3, "down", 3, 15)), []),
    ("twice is once", monitored(*[GOOD] * 3), replace(WARM, watched=tick(3, GOOD, 3)), []),
]  # fmt: skip


@pytest.mark.parametrize(("name", "now_state", "look", "events"), CASES, ids=[case[0] for case in CASES])
def test_after_a_promotion(name: str, now_state: EnvironmentState, look: Seen, events: list[str]) -> None:
    assert turn(now_state, look)[0] == events


def test_nothing_is_watched_while_another_is_on_trial() -> None:
    busy = replace(monitored(*[BAD] * 5), rollout=rollout("analyze", V3))
    assert [rule(busy, replace(WARM, watched=tick(6, BAD, 6)), NOW) for rule in sentinel.RULES] == [[]] * 5


def promotion(kind: Any = "deploy", rules: Any = WATCHED) -> list[e.Event]:
    back = rollout("retire", kind=kind, ticks=3, last_tick_at=ago(1))
    return decide(state(back), seen(BOTH, routes({"v2": 100, "v1": 0}), rules=rules), NOW)


def test_a_promotion_begins_it_and_keeps_the_old_one_warm_as_long() -> None:
    promoted, started, _ = promotion()
    assert isinstance(promoted, e.RevisionPromoted)
    assert promoted.warm_until == NOW + HOURS.warm
    assert isinstance(started, MonitoringStarted)
    assert (started.previous, started.until, started.why) == (
        V1.id,
        NOW + HOURS.duration,
        "v2 is watched for 4 h, alone",
    )


@pytest.mark.parametrize(
    ("warm", "kept"),
    [(timedelta(0), CANARY.keep_warm), (timedelta(hours=1), timedelta(hours=1))],
    ids=["never less than keep_warm", "as the monitor says"],
)
def test_how_long_the_old_one_stays_warm(warm: timedelta, kept: timedelta) -> None:
    promoted = promotion(rules=replace(WATCHED, monitor=replace(HOURS, warm=warm)))[0]
    assert isinstance(promoted, e.RevisionPromoted)
    assert promoted.warm_until == NOW + kept


def test_a_rollback_is_not_monitored_so_that_none_follows_by_itself() -> None:
    assert not [one for one in promotion("rollback") if isinstance(one, MonitoringStarted)]


def test_what_is_measured_goes_on_where_the_trial_ended() -> None:
    here = state(rollout("retire", ticks=3, last_tick_at=ago(1)))
    for event in promotion():
        here = apply(event, here, NOW)
    assert here.monitoring is not None
    assert here.monitoring.last_tick_at == ago(1)


def rolled_back(here: EnvironmentState) -> e.RolloutStarted:
    return next(one for one in decide(here, WARM, NOW) if isinstance(one, e.RolloutStarted))


def test_it_says_why_with_its_numbers() -> None:
    one = rolled_back(monitored(*[sample(2460, 22)] * 58, rules=PROMISED))
    why = "v2 web: 0.89 % of 12,300 requests failed in the last 5 min (burn 17.9x of 99.95 %); v1 had 0.033 % before"
    assert (one.kind, one.by, one.why) == ("rollback", "headgate", why)


def test_it_says_what_the_earlier_one_did_in_its_worst_minutes() -> None:
    why = "v2 web: 10 % of 6,000 requests failed in the last 60 s; v1 had 0.033 % in its worst minutes before"
    assert rolled_back(monitored(*[BAD] * 5)).why == why


def test_it_quarantines_what_it_goes_back_from() -> None:
    here = monitored(*[BAD] * 5)
    for event in decide(here, WARM, NOW):
        here = apply(event, here, NOW)
    assert set(here.refused) == {V2.release}
    assert here.monitoring is None


def test_it_is_decided_again_under_the_same_id() -> None:
    assert rolled_back(monitored(*[BAD] * 5)).rollout == rolled_back(monitored(*[BAD] * 6)).rollout


@pytest.mark.parametrize(
    ("here", "look", "says"),
    [
        (monitored(*[BAD] * 5, rules=CALLS), WARM, "`on_breach: call` says so"),
        (monitored(*[sample(18_000, 1800)] * 5), WARM, "300 requests/s are 3.0 times what v1 ever got"),
        (monitored(*[BAD] * 5), seen(None, HOME), "nobody knows whether v1 could serve"),
        (
            monitored(*[BAD] * 5),
            seen({"v2": "ready ready", "v1": "unready"}, HOME),
            "v1 is warm, gets no traffic and is not ready either: what ails both is not the release",
        ),
        (
            monitored(*[sample(6000, 4)] * 60, rules=replace(HOURS, availability=0.99999)),
            WARM,
            "v1 did no better: 0.033 % before",
        ),
        (
            replace(monitored(*[sample(6000, 600)] * 60, rules=PROMISED), records={}),
            WARM,
            "too little was measured of v1 to know that it did better",
        ),
        (
            monitored(*[BAD] * 5),
            replace(WARM, quarantined={V1.release: "bad"}),
            "no earlier revision was stable here and is not quarantined",
        ),
        (monitored(GOOD, *["down"] * 6), WARM, "nothing could be measured for 6 min: down"),
        (monitored(*[sample(0)] * 6), WARM, "web got no request for 5 min"),
    ],
    ids=["call", "rush", "unseen", "sick too", "no better", "no record", "refused", "blind", "silent"],
)
def test_a_call_says_why_it_is_only_a_call(here: EnvironmentState, look: Seen, says: str) -> None:
    events = decide(here, look, NOW)
    assert [type(one) for one in events] == [AlarmRaised]
    assert says in getattr(events[0], "why")  # noqa: B009 - the union has no such field
    assert f"ALARM since 12:00:00 UTC: {events[0].why}" in waits_for(apply(events[0], here, NOW), look, NOW)[0]  # type: ignore[union-attr]


def test_a_person_goes_back_by_the_same_rule() -> None:
    answer = accept(c.Rollback(RolloutId("rol_9"), "bob"), monitored(GOOD), WARM, NOW)
    assert isinstance(answer, list)
    assert [told(event) for event in answer] == COLD


@pytest.mark.parametrize(
    ("by", "outcome", "before", "to", "refused"),
    [
        ("headgate", "promoted", 60, None, True),
        ("headgate", "promoted", 600, None, False),
        ("headgate", "promoted", 60, "v0", False),
        ("headgate", "aborted", 60, None, False),
        ("ann", "promoted", 60, None, False),
    ],
    ids=["just now", "a while ago", "further, by name", "in vain", "by a person"],
)
def test_who_goes_back_right_after_the_sentinel(by: str, outcome: Any, before: float, to: Any, refused: bool) -> None:
    went = Past(RolloutId("rol_1"), "rollback", V1, outcome, ago(before), ago(before - 1), "", by=by)
    earlier = Past(RolloutId("rol_0"), "deploy", V0, "promoted", ago(9000), ago(8000), "")
    here = state(stable=V1, previous=V2, past=(earlier, went), refused={V2.release: (ago(before), "it fails")})
    answer = accept(c.Rollback(RolloutId("rol_9"), "bob", to=to), here, WARM, NOW)
    assert isinstance(answer, c.Refused) is refused
    assert not refused or "went back to v1 by itself 60 s ago: it fails" in getattr(answer, "why", "")


def test_a_deployment_sets_it_aside_until_it_is_promoted() -> None:
    here = monitored(GOOD, waiting=request(V3))
    assert turn(here, WARM)[0] == ["RolloutStarted deploy v3"]
    trial = replace(monitored(GOOD), rollout=rollout("retire", V3))
    news = decide(trial, seen({"v2": "ready ready", "v3": "ready ready"}, routes({"v3": 100}), rules=WATCHED), NOW)
    assert [type(one).__name__ for one in news][:3] == ["MonitoringEnded", "RevisionPromoted", "MonitoringStarted"]
    about = [one.release for one in news if isinstance(one, MonitoringStarted | MonitoringEnded)]
    assert about == [V2.release, V3.release]


def test_it_goes_on_after_a_trial_that_was_aborted() -> None:
    here = replace(monitored(GOOD, "down"), rollout=rollout("analyze", V3, phase="aborting"))
    after = apply(e.RolloutEnded(RolloutId("rol_3"), "aborted", ""), here, NOW)
    assert (after.monitoring, here.monitoring) != (None, None)
    assert after.monitoring.last_tick_at == NOW  # type: ignore[union-attr]
    assert decide(after, WARM, NOW + HOURS.silence) == []  # blind before the trial is not blind now
    again = Window(NOW, NOW + seconds(60))
    bad = Measurement(3, again, stable={"web": sample(6000, 6000)})
    assert turn(after, replace(WARM, watched=bad))[0][:2] == ["StableMeasured", "MonitoringEnded"]


@pytest.mark.parametrize(
    ("here", "text"),
    [
        (monitored(GOOD, GOOD, began=120), "15:58 UTC (3 h 58 min more), 0.033 % of 12,000 requests failed"),
        (BURNING, "15:30 UTC (3 h 30 min more), 98.61 % of the budget left"),
        (monitored(*[sample(60, 60)] * 300, rules=PROMISED), "11:00 UTC, 0 % of the budget left"),
        (monitored(), "16:00 UTC (4 h more), no requests yet"),
        (monitored(rules=PROMISED), "16:00 UTC (4 h more), 100 % of the budget left"),
        (
            monitored(GOOD, rollout=rollout("analyze", V3)),
            "15:59 UTC (3 h 59 min more), set aside while another is on trial",
        ),
    ],
    ids=["nothing promised", "promised", "spent", "at first", "promised, at first", "set aside"],
)
def test_how_it_stands(here: EnvironmentState, text: str) -> None:
    assert here.monitoring is not None
    assert sight.standing(here.monitoring, here, NOW) == f"monitored until 2026-03-02 {text}"


@pytest.mark.parametrize(
    ("here", "texts"),
    [
        (monitored(), ["web: nothing was measured yet"]),
        (monitored(GOOD), ["web: 0.033 % of 6,000 requests failed in the last 5 min; a breach beyond 2.1 %"]),
        (
            BURNING,
            ["web: 99.95 % burns 20x over 1 h and 20x over 5 min; a breach beyond 14.4x in both"],
        ),
        (
            monitored(*[SLOW] * 20, rules=replace(FAST, burn=FAST.burn[:1])),
            ["web: 66.67 % of 30,000 answers took over 99 ms in the last 5 min; a breach beyond 10 %"],
        ),
        (monitored(GOOD, "down"), ["nothing could be measured since 2026-03-02 11:59 UTC: down"]),
        (
            replace(monitored(), records={}, monitoring=None),
            ["web: no promise and no record to go by: nothing is a breach"],
        ),
    ],
    ids=["at first", "well", "burning", "slow", "blind", "nothing to go by"],
)
def test_what_it_sees(here: EnvironmentState, texts: list[str]) -> None:
    began = MonitoringStarted(RolloutId("rol_2"), V2.release, V1.id, HOURS, NOW, "")
    known = here.monitoring or m.begun(began, here, NOW)
    assert sight.nearest(known) == texts
