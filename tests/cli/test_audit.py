"""headgate audit: what a person is told of a log, of an export, and of what left."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from tests.store.governed import years

from headgate.bootstrap import LOG
from headgate.cli.commands import audit
from headgate.cli.failure import Failure


@pytest.fixture
async def log(tmp_path: Path) -> str:
    (tmp_path / "data").mkdir()
    await years(tmp_path / "data" / LOG)
    return str(tmp_path / "data")


def test_export_verify_prune_verify(log: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, archive = str(tmp_path / "log.csv"), str(tmp_path / "left.jsonl")
    assert audit.export("csv", file, data=log) == 0
    assert Path(file).stat().st_mode & 0o777 == 0o600
    assert audit.verify(file) == 0
    assert audit.prune(archive, "seven years", data=log, by="ann") == 0
    assert audit.verify(data=log) == 0
    assert audit.verify(archive) == 0
    assert audit.prune(archive, "seven years", data=log, by="ann") == 0
    said = capsys.readouterr().out.splitlines()
    assert said[1] == "12 rows, each as it was written, up to row 12 of the log"
    assert said[2].startswith("6 rows of 3 streams left; they are in ")
    assert said[3].startswith("13 rows, each as it was written (6 of them left by policy); the last has the hash ")
    assert said[5] == "nothing is older than 7y: nothing left, and no archive was written"


def test_an_export_of_a_part_says_so(log: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(tmp_path / "bob.jsonl")
    audit.export(to=file, person="bob", since="2018-04-01", until="2030-01-01T00:00+01:00", data=log)
    audit.verify(file)
    asked = "(since 2018-04-01T00:00:00+00:00, until 2029-12-31T23:00:00+00:00, person bob)"
    assert asked in capsys.readouterr().out
    audit.verify(file, as_json=True)
    assert json.loads(capsys.readouterr().out)["rows"] == 2


def test_to_standard_output(log: str, capsys: pytest.CaptureFixture[str]) -> None:
    audit.export(data=log)
    assert len(capsys.readouterr().out.splitlines()) == 13


def test_a_changed_export(log: str, tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    audit.export(to=str(file), data=log)
    file.write_text(file.read_text().replace("a sale", "a game", 1))
    with pytest.raises(Failure, match=r"line 2, row 2 .CommandAnswered, version 1 of commands:2018-03. was changed"):
        audit.verify(str(file))
    assert audit.verify(str(file), as_json=True) == 1


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"since": "yesterday"}, "'yesterday' is no moment"),
        ({"until": "2026-11-01T08:00"}, "is no moment"),
        ({"to": "/nowhere/x"}, "cannot be written"),
        ({"to": "."}, "that is no file"),
        ({"to": ""}, "that is no file"),
    ],
)
def test_what_cannot_be_exported(log: str, asked: dict[str, Any], says: str) -> None:
    with pytest.raises(Failure, match=says) as refusal:
        audit.export(data=log, **asked)
    assert refusal.value.remedy


def test_what_is_no_file_stays_what_it_is(log: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Failure, match="that is no file"):
        audit.export(data=log, to=str(tmp_path / "pipe"))
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.parametrize("keep", ["364d", "0y", "7", "", "-7y", "7y7d", "101y", "99999999y", "seven"])
def test_what_no_policy_may_let_go(log: str, tmp_path: Path, keep: str) -> None:
    with pytest.raises(Failure, match="is not how long to keep"):
        audit.prune(str(tmp_path / "x"), "why", keep, data=log)
    assert not (tmp_path / "x").exists()


def test_without_a_reason_nothing_leaves(log: str, tmp_path: Path) -> None:
    with pytest.raises(Failure, match="--why is empty"):
        audit.prune(str(tmp_path / "x"), " ", data=log)
