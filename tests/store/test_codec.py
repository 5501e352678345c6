"""Events must come back from the log as they went in, also years and versions later."""

import dataclasses
import json
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.model import (
    builds,
    checks,
    conditions,
    events,
    measurements,
    metrics,
    releases,
    rules,
    services,
    sources,
    steps,
)
from headgate.model.approvals import ApprovalGiven
from headgate.model.events import Event, RevisionPromoted, RolloutStarted, StepCompleted
from headgate.model.ids import ReleaseId, RevisionId, RolloutId
from headgate.ports import LogTooNew
from headgate.store.codec import KINDS, decode, encode

ROOMS = (builds, checks, conditions, events, measurements, metrics, releases, rules, services, sources, steps)
NOUNS = {v for room in ROOMS for v in vars(room).values() if isinstance(v, type) and dataclasses.is_dataclass(v)}
CENTURY = timedelta(days=36_500)

PLAIN = {
    str: st.text(st.characters(exclude_categories=()), max_size=20),  # lone surrogates and NUL too
    float: st.floats(allow_nan=False, allow_infinity=False),
    datetime: st.datetimes(timezones=st.just(UTC)),
    timedelta: st.timedeltas(-CENTURY, CENTURY),
}
for plain, strategy in PLAIN.items():
    st.register_type_strategy(plain, strategy)


FEW = 2  # of each collection: whole specifications nest ten deep, and grow with every one of them


def few(hint: Any) -> st.SearchStrategy[Any]:
    inner = get_args(hint)
    if get_origin(hint) is dict:
        return st.dictionaries(st.from_type(inner[0]), st.from_type(inner[1]), max_size=FEW)
    if inner[-1] is not Ellipsis:
        return st.tuples(*(st.from_type(one) for one in inner))
    return st.lists(st.from_type(inner[0]), max_size=FEW).map(tuple)


st.register_type_strategy(dict, few)
st.register_type_strategy(tuple, few)


@cache
def every_field(noun: type) -> st.SearchStrategy[Any]:
    """Unlike `from_type`, which leaves fields that have a default alone."""
    return st.builds(noun, **{name: few(hint) for name, hint in get_type_hints(noun).items()})


def few(hint: Any) -> st.SearchStrategy[Any]:
    """Two of each say as much as twenty, and a whole specification has many lists of lists."""
    kind, parts = get_origin(hint), get_args(hint)
    if kind is tuple and parts[-1] is ...:
        return st.lists(st.deferred(lambda: st.from_type(parts[0])), max_size=2).map(tuple)
    if kind is dict:
        return st.dictionaries(*(st.from_type(part) for part in parts), max_size=2)
    return st.from_type(hint)


for noun in NOUNS - {measurements.Query}:
    st.register_type_strategy(noun, every_field)


@pytest.mark.parametrize("kind", get_args(Event), ids=lambda kind: kind.__name__)
def test_every_event_comes_back_as_it_went_in(kind: type) -> None:
    @given(every_field(kind))
    def round_trip(event: Event) -> None:
        text = encode(event)
        assert text.isascii()
        assert decode(kind.__name__, text) == event

    round_trip()


def test_every_event_has_a_kind() -> None:
    assert set(KINDS.values()) == set(get_args(Event))
    assert len(KINDS) == len(get_args(Event))


def test_the_form_that_logs_have_on_disk() -> None:
    """Fails where a change would make logs unreadable that were written before it."""
    promoted = RevisionPromoted(
        RolloutId("rol_1"), RevisionId("rev_1"), datetime(2026, 11, 23, 9, 30, tzinfo=UTC), "fine"
    )
    assert json.loads(encode(promoted)) == {
        "rollout": "rol_1", "revision": "rev_1", "warm_until": "2026-11-23T09:30:00+00:00", "why": "fine",
    }  # fmt: skip
    sample = measurements.Sample(2, 1, {40: 2})
    window = measurements.Window(promoted.warm_until, promoted.warm_until)
    taken = events.MeasurementTaken(RolloutId("rol_1"), measurements.Measurement(1, window, {"web": sample}))
    assert json.loads(encode(taken))["measurement"]["candidate"] == {
        "web": {"requests": 2, "errors": 1, "latency": "40:2"}
    }


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ({}, ""),
        ({40: 2}, "40:2"),
        ({41: 3, 40: 2}, "40:2,3"),
        ({40: 2, 44: 1}, "40:2,,,,1"),
        ({40: 2, 45: 1}, "40:2;45:1"),
        ({-3: 1, 0: 7}, "-3:1,,,7"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_histograms_are_written_as_runs_and_read_also_as_they_were_before(counts: dict[int, int], text: str) -> None:
    window = measurements.Window(datetime(2026, 11, 23, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC))
    taken = events.MeasurementTaken(
        RolloutId("rol_1"), measurements.Measurement(1, window, {"web": measurements.Sample(9, 0, counts)})
    )
    written = encode(taken)
    assert f'"latency":"{text}"' in written
    before = json.dumps({str(bucket): count for bucket, count in counts.items()})
    assert decode("MeasurementTaken", written) == taken
    assert decode("MeasurementTaken", written.replace(f'"{text}"', before) if text else written) == taken


def started() -> RolloutStarted:
    revision = releases.Revision(RevisionId("rev_1"), "pcw/qa", ReleaseId("rel_1"), "c0ffee", "v1", ())  # type: ignore[arg-type]
    walk = (steps.Start(timedelta(minutes=2)), steps.SetWeight(5, timedelta(seconds=0.5)))
    return RolloutStarted(
        RolloutId("rol_1"), "deploy", revision, None, walk,
        rules.Strategy("canary", (5,)), rules.AnalysisRules(), rules.Deadlines(), "zoe", "",
    )  # fmt: skip


def test_steps_and_gates_say_their_kind() -> None:
    value = json.loads(encode(started()))
    assert value["steps"] == [{"deadline": 120, "kind": "Start"}, {"weight": 5, "deadline": 0.5, "kind": "SetWeight"}]


def test_a_time_in_another_zone_is_the_same_moment() -> None:
    paris = datetime(2026, 11, 23, 10, tzinfo=timezone(timedelta(hours=1)))
    event = RevisionPromoted(RolloutId("rol_1"), RevisionId("rev_1"), paris, "")
    assert '"2026-11-23T09:00:00+00:00"' in encode(event)


def test_a_time_without_zone_is_refused() -> None:
    event = RevisionPromoted(RolloutId("rol_1"), RevisionId("rev_1"), datetime(2026, 11, 23), "")  # noqa: DTZ001
    with pytest.raises(ValueError, match="no time zone"):
        encode(event)


def test_fields_that_a_newer_headgate_added_are_ignored() -> None:
    value = json.loads(encode(started()))
    value["colour"] = value["revision"]["colour"] = value["steps"][0]["colour"] = {"any": ["thing"]}
    assert decode("RolloutStarted", json.dumps(value)) == started()


def test_fields_that_an_older_headgate_did_not_write_take_their_default() -> None:
    value = json.loads(encode(started()))
    del value["revision"]["author"], value["analysis"]["minimum_requests"], value["strategy"]["sticky"]
    assert decode("RolloutStarted", json.dumps(value)) == started()


def test_what_was_written_before_there_were_baselines_reads_as_it_did() -> None:
    value = json.loads(encode(started()))
    del value["baseline"], value["strategy"]["baseline"]
    assert decode("RolloutStarted", json.dumps(value)) == started()
    window = measurements.Window(datetime(2026, 11, 23, tzinfo=UTC), datetime(2026, 11, 23, 0, 1, tzinfo=UTC))
    measured = measurements.Measurement(1, window, stable={"web": measurements.Sample(2)})
    taken = events.MeasurementTaken(RolloutId("rol_1"), measured)
    old = json.loads(encode(taken))
    del old["measurement"]["baseline"]
    assert decode("MeasurementTaken", json.dumps(old)) == taken
    assert (measured.against, measured.reference) == ("stable", measured.stable)


def without(field: str) -> str:
    value = json.loads(encode(started()))
    del value[field]
    return json.dumps(value)


def with_step(**step: object) -> str:
    return json.dumps(json.loads(encode(started())) | {"steps": [step]})


@pytest.mark.parametrize(
    ("kind", "payload", "names"),
    [
        pytest.param("RolloutTeleported", "{}", "RolloutTeleported", id="unknown kind"),
        pytest.param("RolloutStarted", with_step(kind="Teleport"), "Teleport", id="unknown step"),
        pytest.param("RolloutStarted", with_step(deadline=1), "kind", id="step without a kind"),
        pytest.param("RolloutStarted", without("revision"), "revision", id="missing field"),
        pytest.param("StepCompleted", '{"rollout": "rol_1", "index": null, "why": ""}', "int", id="null for a number"),
        pytest.param("StepCompleted", '{"rollout": "rol_1", "index": 1, "why": null}', "str", id="null for a text"),
        pytest.param("StepCompleted", '{"rollout": "rol_1", "index": true, "why": ""}', "int", id="bool for a number"),
        pytest.param("RolloutEnded", '{"rollout": "r", "outcome": "lost", "why": ""}', "lost", id="unknown outcome"),
        pytest.param("StepCompleted", "[]", "StepCompleted", id="a list"),
        pytest.param("StepCompleted", "{", "StepCompleted", id="no JSON"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_refused_by_name(kind: str, payload: str, names: str) -> None:
    with pytest.raises(LogTooNew, match="newer Headgate") as refusal:
        decode(kind, payload)
    assert names in str(refusal.value)


def test_numbers_that_json_cannot_say_are_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        encode(dataclasses.replace(started(), analysis=rules.AnalysisRules(false_rollback_rate=float("nan"))))


def test_plain_events_survive_the_words_people_write() -> None:
    event = ApprovalGiven(ReleaseId("rel_1"), "Zoë", 'says: "ship\\ it"\n')
    assert decode("ApprovalGiven", encode(event)) == event
    assert decode("StepCompleted", encode(StepCompleted(RolloutId("r"), 1, ""))) == StepCompleted(RolloutId("r"), 1, "")
