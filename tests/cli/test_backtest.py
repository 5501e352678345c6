"""headgate backtest: a log on disk, and a file with other rules."""

import asyncio
from datetime import datetime
from itertools import groupby
from pathlib import Path

import pytest
from tests.cli.conftest import Run
from tests.decide.given import CANARY, NOW, PRODUCTION, V1, V2, V3
from tests.decide.test_backtest import Drawn

from headgate.model.ids import environment_stream
from headgate.store.sqlite import SqliteEventLog

FILE = """\
application: pcw
services:
  web: {build: ., command: [serve], port: 8000}
environments:
  staging: {platform: process, strategy: all-at-once}
  production:
    platform: process
    strategy: {canary: {steps: [5, 25]}}
    analysis: {deadline: 10m, at_least: 60s}
    bake: 30s
"""


class Then:
    """A clock that says when something happened."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at


async def written(world: Drawn, folder: Path) -> None:
    clock = Then()
    async with SqliteEventLog(folder / "events.db", clock) as log:
        version = 0
        for at, found in groupby(world.log, lambda one: one.at):
            clock.at = at
            version += len(await log.append(environment_stream(PRODUCTION), [one.event for one in found], version))


@pytest.fixture
def recorded(data: Path, work: Path) -> Path:
    """v2 went out well; v3 was put back. The file has the rules of then."""
    world = Drawn(CANARY)
    world.errors[V3.id] = 20
    for revision in (V1, V2, V3):
        world.deploy(revision)
        world.run_until_quiet()
    asyncio.run(written(world, data))
    (work / "headgate.yaml").write_text(FILE)
    return work / "headgate.yaml"


def test_the_rules_of_then_change_nothing(headgate: Run, recorded: Path) -> None:
    out = headgate("backtest").out
    assert "pcw / production\nSTARTED" in out
    assert "put back after" in out
    assert out.splitlines()[-1] == "2 releases, 0 verdicts change; the others are decided when they were (median)"


def test_other_rules_are_compared_and_what_cannot_be_known_is_said(headgate: Run, recorded: Path) -> None:
    recorded.write_text(FILE.replace("at_least: 60s", "at_least: 2m"))
    lines = headgate("backtest").out.splitlines()
    assert "still undecided when the record ends after" in lines[3]
    assert "changes" in lines[3]
    assert "not proven yet when the record of this step ends" in lines[3]
    assert lines[2].split("put back")[1:], lines
    assert lines[-1].startswith("2 releases, 1 verdict changes; the others are decided ")


def test_json_has_both_verdicts(headgate: Run, recorded: Path) -> None:
    recorded.write_text(FILE.replace("at_least: 60s", "at_least: 20s"))
    found = headgate("backtest", "--json", "--environment", "production", "-n", "5").json()
    assert (found["releases"], found["changed"]) == (2, 0)
    bad, good = found["environments"][0]["rollouts"]
    assert [one["label"] for one in (bad, good)] == ["v3", "v2"]
    assert good["then"]["decided"] == good["now"]["decided"] == "promoted"
    assert good["sooner"] == pytest.approx(80, abs=10)
    assert bad["replayed"]
    assert bad["now"]["weight"] == 5


def test_only_the_latest_releases(headgate: Run, recorded: Path) -> None:
    assert headgate("backtest", "--releases", "1", "--json").json()["releases"] == 1


def test_an_environment_that_the_file_does_not_have(headgate: Run, recorded: Path) -> None:
    err = headgate("backtest", "--environment", "moon", code=2).err
    assert "has no environment 'moon'; known: staging, production" in err


def test_nothing_was_recorded_yet(headgate: Run, recorded: Path) -> None:
    recorded.write_text(FILE.replace("application: pcw", "application: shop"))
    out = headgate("backtest").out
    assert out == "no rollout of shop was measured beside a stable yet: there is nothing to replay\n"


def test_no_log_and_no_file(headgate: Run, work: Path) -> None:
    assert "headgate init" in headgate("backtest", code=1).err
    (work / "headgate.yaml").write_text(FILE)
    assert "There is no event log at" in headgate("backtest", code=1).err


def test_a_damaged_log_is_told(headgate: Run, recorded: Path, data: Path) -> None:
    (data / "events.db").write_bytes(b"no database at all, but something else " * 200)
    for name in ("events.db-wal", "events.db-shm"):
        (data / name).unlink(missing_ok=True)
    assert "damaged" in headgate("backtest", code=1).err
