"""The nouns: what little they compute."""

from dataclasses import fields, is_dataclass
from typing import get_args

import pytest
from tests.decide.given import NOW, V1, V2, seconds

from headgate.model import commands, effects, events, freezes, glass, schema, steps
from headgate.model.checks import Check
from headgate.model.ids import EnvironmentId, application_stream, environment_id, environment_stream
from headgate.model.measurements import BUCKETS_PER_DOUBLING, Measurement, Sample, Window, add, edge
from headgate.model.routes import Backend, Routes
from headgate.model.steps import describe

VALUES = [*get_args(events.Event), *get_args(commands.Command), *get_args(effects.Effect), *get_args(steps.Step)]


@pytest.mark.parametrize("noun", VALUES, ids=lambda noun: noun.__name__)
def test_what_is_recorded_asked_and_done_is_frozen(noun: type) -> None:
    assert is_dataclass(noun)
    assert noun.__dataclass_params__.frozen  # type: ignore[attr-defined]


def test_every_class_of_events_is_an_event() -> None:
    homes = {home.__name__: home for home in (events, freezes, glass, schema)}
    known = {one for home in homes.values() for one in vars(home).values() if isinstance(one, type)}
    declared = {one for one in known if one.__module__ in homes}
    windows = {freezes.Closure, freezes.CronFreeze, freezes.DatesFreeze}
    others = {events.Recorded, freezes.Freeze, glass.Glass, schema.MigrationOrder, *windows}
    assert declared - others <= set(get_args(events.Event))


@pytest.mark.parametrize("step", get_args(steps.Step), ids=lambda step: step.__name__)
def test_every_step_has_words_and_a_deadline(step: type) -> None:
    arguments = {"check": Check("e2e", "run"), "preview": True, "weight": 5}
    assert "deadline" in {field.name for field in fields(step)}
    made = step(**{field.name: arguments.get(field.name, seconds(1)) for field in fields(step)})
    assert describe(made)


def test_streams_name_what_they_are_about() -> None:
    where = environment_id("pcw", "production")
    assert where == EnvironmentId("pcw/production")
    assert (environment_stream(where), application_stream("pcw")) == ("environment:pcw/production", "application:pcw")


def test_eight_buckets_double() -> None:
    assert edge(0) == 1.0
    assert edge(BUCKETS_PER_DOUBLING * 5) == 32.0
    assert edge(1) / edge(0) == pytest.approx(1.09, abs=0.001)


def test_samples_add_up() -> None:
    assert Sample(3, 1, {5: 3}) + Sample(4, 0, {5: 1, 9: 3}) == Sample(7, 1, {5: 4, 9: 3})
    assert add({"web": Sample(1)}, {"quotes": Sample(2)}) == {"web": Sample(1), "quotes": Sample(2)}


def test_measurements_add_up_and_only_what_is_missing_now_is_missing() -> None:
    early = Measurement(1, Window(NOW, NOW + seconds(2)), {"web": Sample(1)}, {}, ("down",))
    late = Measurement(2, Window(NOW + seconds(2), NOW + seconds(4)), {"web": Sample(2)}, {"web": Sample(5)})
    both = Measurement(2, Window(NOW, NOW + seconds(4)), {"web": Sample(3)}, {"web": Sample(5)})
    assert early + late == both


def test_routes_answer_for_revisions() -> None:
    routes = Routes(EnvironmentId("pcw/production"), (Backend(V2.id, 5, {}), Backend(V1.id, 95, {})))
    assert (routes.weight(V2.id), routes.weight(V1.id), routes.names(V1.id)) == (5, 95, True)
    assert str(effects.SetRoutes(routes)) == "set routes (rev_v2 5, rev_v1 95)"
