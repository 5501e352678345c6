"""An exported file is checked by itself, without the log; spreadsheets find no formula in it."""

import csv
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.store.governed import pruned

from headgate.ports import LogUnavailable
from headgate.store.chain import Link, Row
from headgate.store.export import Format, Wanted, export, meant, neutral
from headgate.store.export import written as file_of
from headgate.store.exported import verify_export
from headgate.store.verify import verify

FORMS: tuple[Format, ...] = ("jsonl", "csv")


def written(log: Path, to: Path, form: Format = "jsonl", wanted: Wanted = Wanted()) -> Path:  # noqa: B008 - frozen
    with to.open("w", newline="") as file:
        file.writelines(export(log, wanted, form))
    return to


@pytest.mark.parametrize("form", FORMS)
async def test_the_whole_log(old: Path, tmp_path: Path, form: Format) -> None:
    found = verify_export(written(old, tmp_path / "x", form))
    assert found.ok, found.problem
    assert (found.count, found.gaps) == (12, 0)
    assert found.last == verify(old).head


async def test_the_same_rows_in_the_same_bytes(old: Path) -> None:
    assert list(export(old, Wanted(), "csv")) == list(export(old, Wanted(), "csv"))


@pytest.mark.parametrize(
    ("wanted", "positions"),
    [
        (Wanted(since=datetime(2018, 4, 1, tzinfo=UTC), until=datetime(2019, 1, 5, tzinfo=UTC)), [4, 5, 6]),
        (Wanted(environment="staging"), [3, 6, 9, 11]),
        (Wanted(application="pcw", environment="production"), [1, 2, 4, 5, 7, 8, 10, 11, 12]),
        (Wanted(application="other"), [11]),
        (Wanted(person="bob"), [3, 6, 9]),
        (Wanted(person="bo"), []),
        (Wanted(environment="staging", person="bob", since=datetime(2019, 1, 1, tzinfo=UTC)), [9]),
    ],
    ids=["time", "environment", "both", "another application", "person", "not a part of a name", "all"],
)
@pytest.mark.parametrize("form", FORMS)
async def test_what_is_asked_for(old: Path, tmp_path: Path, form: Format, wanted: Wanted, positions: list[int]) -> None:
    """What names no application concerns every one: row 11 is of the whole server."""
    file = written(old, tmp_path / "x", form, wanted)
    if form == "jsonl":
        assert [one["position"] for one in map(json.loads, file.read_text().splitlines()[:-1])] == positions
    found = verify_export(file)
    assert (found.ok, found.count) == (True, len(positions))
    assert found.asked == wanted.said()


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "'=1", "'", "", "plain", "{}"])
def test_no_cell_is_a_formula(cell: str) -> None:
    shown = neutral(cell)
    assert not shown.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert meant(shown) == cell


async def test_no_cell_of_an_export_is_a_formula(old: Path, tmp_path: Path) -> None:
    with written(old, tmp_path / "x", "csv").open(newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    assert [cell for cell in cells if "HYPERLINK" in cell]


async def test_an_export_of_a_pruned_log(old: Path, tmp_path: Path) -> None:
    pruned(old, tmp_path / "left")
    found = verify_export(written(old, tmp_path / "x"))
    assert (found.ok, found.count, found.gaps) == (True, 7, 3)


Lines = Callable[[list[str]], list[str]]
CHANGES: dict[str, tuple[Lines, str]] = {
    "a letter": (lambda all_: [all_[0], all_[1].replace("sale", "save"), *all_[2:]], "was changed"),
    "a hash": (lambda all_: [all_[0].replace('"hash":"', '"hash":"0'), *all_[1:]], "was changed"),
    "two swapped": (lambda all_: [all_[0], all_[2], all_[1], *all_[3:]], "reordered"),
    "one doubled": (lambda all_: [all_[0], *all_], "reordered or doubled"),
    "one taken out": (lambda all_: [all_[0], *all_[2:]], "rows were taken out"),
    "the tail cut": (lambda all_: all_[:-2], "its end was cut"),
    "the tail cut in front of the last line": (lambda all_: [*all_[:-2], all_[-1]], "rows were taken out"),
    "more behind the end": (lambda all_: [*all_, all_[0]], "stands behind the end"),
    "nothing": (lambda _: [], "its end was cut"),
    "another file": (lambda _: ["[1, 2]\n"], "not the heading"),
    "deep": (lambda _: ['{"a":' * 100_000 + "\n"], "no line of an export"),
}


@pytest.mark.parametrize("what", CHANGES)
async def test_a_changed_export_is_found(old: Path, tmp_path: Path, what: str) -> None:
    change, says = CHANGES[what]
    file = written(old, tmp_path / "x", wanted=Wanted(environment="production"))
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(change(lines)))
    found = verify_export(file)
    assert says in str(found.problem)
    assert found.line is not None


async def test_a_row_that_is_taken_out_with_a_new_last_line(old: Path, tmp_path: Path) -> None:
    """Whoever rewrites the last line too has made a gap that no row vouches for."""
    lines = written(old, tmp_path / "x").read_text().splitlines(keepends=True)
    rows = [json.loads(line) for line in lines[:-1]]
    kept = [(Row(*[one[name] for name in list(one)[:7]]), one["previous"]) for one in rows if one["position"] != 5]
    (tmp_path / "y").write_text("".join(file_of(kept, "jsonl", {})))
    assert "row 5 is missing, and no row says that it left by policy" in str(verify_export(tmp_path / "y").problem)


async def test_anchors_from_elsewhere(old: Path, tmp_path: Path) -> None:
    file = written(old, tmp_path / "x")
    head = verify(old).head
    assert verify_export(file, [head]).ok
    assert "is not the one that an anchor outside names" in str(verify_export(file, [Link(3, "0" * 64)]).problem)
    assert "its end was cut" in str(verify_export(file, [Link(13, "0" * 64)]).problem)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(LogUnavailable, match="cannot be read"):
        verify_export(tmp_path / "none")
