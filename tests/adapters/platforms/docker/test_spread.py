"""Which hosts an environment is on, and where the next instance goes. No engine is needed."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from headgate.adapters.machine.folders import Folder
from headgate.adapters.platforms.docker.machines import HERE
from headgate.adapters.platforms.docker.seats import Seating
from headgate.adapters.platforms.docker.spread import Spread, remember, spread
from headgate.model.ids import EnvironmentId, ReleaseId, RevisionId
from headgate.model.releases import Revision
from headgate.model.rules import ContainerHost, Environment
from headgate.model.services import Service

FIVE, SIX = (ContainerHost(f"ssh://10.0.0.{number}", f"10.0.0.{number}") for number in (5, 6))
ONE = Revision(RevisionId("rev_1"), EnvironmentId("pcw/qa"), ReleaseId("rel_1"), "c" * 40, "one", ())


def rules(*hosts: ContainerHost) -> Environment:
    return Environment("qa", "docker", hosts)


def test_this_machine_alone_leaves_no_trace(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    assert spread(rules(), folder) == spread(None, folder) == Spread((HERE,))
    remember(Spread((HERE,)), folder)
    assert list(tmp_path.iterdir()) == []


def test_hosts_that_are_named_no_more_are_remembered_until_they_are_left(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    first = spread(rules(FIVE, SIX), folder)
    assert first == Spread((FIVE, SIX), leaving=(HERE,)), "it may have been on this machine before"
    remember(Spread((FIVE, SIX)), folder)
    assert spread(rules(SIX), folder) == Spread((SIX,), leaving=(FIVE,))
    remember(Spread((SIX,), leaving=(FIVE,)), folder)
    assert spread(rules(SIX), folder) == spread(None, folder) == Spread((SIX,), leaving=(FIVE,))
    assert spread(rules(FIVE, SIX), folder) == Spread((FIVE, SIX)), "named again, it leaves no more"


@pytest.mark.parametrize("text", ["", "[]", "{}", json.dumps({"hosts": [{"x": 1}], "server": "", "leaving": []})])
def test_a_damaged_file_is_begun_anew(tmp_path: Path, text: str) -> None:
    (tmp_path / "hosts.json").write_text(text)
    assert spread(rules(FIVE), Folder(tmp_path)).hosts == (FIVE,)


@dataclass(frozen=True)
class Somewhere:
    place: str


@dataclass(frozen=True)
class Seat:
    machine: Somewhere


def seating(*places: str) -> Seating:
    seats: Any = [Seat(Somewhere(place)) for place in places]
    return Seating(seats, set())


@pytest.mark.parametrize(("count", "shares"), [(0, {}), (1, {"a": 1}), (3, {"a": 2, "b": 1}), (6, {"a": 3, "b": 3})])
def test_instances_are_spread_evenly(count: int, shares: dict[str, int]) -> None:
    placed = [tag.place for _, tag in seating("a", "b").place(ONE, Service("web", (), 1), count)]
    assert {place: placed.count(place) for place in placed} == shares


def test_services_of_one_instance_are_spread_too() -> None:
    made = seating("a", "b")
    placed = [made.place(ONE, Service(name, (), 1), 1)[0][1] for name in ("web", "api", "jobs", "mail")]
    assert [tag.place for tag in placed] == ["a", "b", "a", "b"]


def test_no_number_is_used_twice() -> None:
    made = seating("a", "b")
    made.taken.add((RevisionId("rev_1"), "web", 2))
    assert [tag.number for _, tag in made.place(ONE, Service("web", (), 1), 3)] == [1, 3, 4]
