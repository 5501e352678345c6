"""The trial on real releases: what its parts say, and, with real components, that it tells good from bad."""

import shutil
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from benchmarks.verdicts.real.__main__ import laid
from benchmarks.verdicts.real.bound import highest
from benchmarks.verdicts.real.defects import DEFECTS, Defect
from benchmarks.verdicts.real.file import COMPRESSED, DEMANDING, ENVIRONMENT, PROVEN, WEIGHTS, trial_file
from benchmarks.verdicts.real.record import HELD, PROMOTED, PUT_BACK, Release
from benchmarks.verdicts.real.report import tables
from benchmarks.verdicts.real.repository import Repository
from benchmarks.verdicts.real.summary import Run, summarised

from headgate.cli.demo import example
from headgate.model.rules import AnalysisRules, Tolerance
from headgate.spec import compile
from headgate.spec.read import read

EXAMPLE = Path(__file__).parents[2] / "examples" / "pcw"


@pytest.mark.parametrize(("seen", "of", "share"), [(0, 200, 0.0149), (1, 200, 0.0235), (2, 100, 0.0616), (3, 3, 1.0)])
def test_the_bound_is_that_of_clopper_and_pearson(seen: int, of: int, share: float) -> None:
    assert highest(seen, of) == pytest.approx(share, abs=5e-5)


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda one: one.name)
def test_a_defect_can_be_planted_and_taken_back(defect: Defect, tmp_path: Path) -> None:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    made = Repository(EXAMPLE, tmp_path / "repository", "pcw-1", COMPRESSED)
    made.begin()
    before = contents(made.folder)
    made.plant("r1", defect)
    planted = contents(made.folder)
    assert planted != before
    text = planted["headgate.yaml"]
    assert all(f'{name}: "{value}"' in text for name, value in defect.env.items())
    made.undo()
    assert contents(made.folder) == before


@pytest.mark.parametrize("rules", [COMPRESSED, PROVEN, DEMANDING], ids=["compressed", "proven", "demanding"])
def test_the_file_says_what_the_figures_are_told_to_rest_on(rules: AnalysisRules) -> None:
    text = trial_file((EXAMPLE / example.FILE).read_text(), "pcw-1", rules)
    made = compile.application(read(text), "/repository", "headgate.yaml")
    environment = made.environment(ENVIRONMENT)
    assert made.name == "pcw-1"
    assert environment is not None
    assert environment.strategy.weights == WEIGHTS
    found = environment.analysis
    assert (found.errors, found.latency, found.p99) == (
        approximately(rules.errors), approximately(rules.latency), approximately(rules.p99)
    )
    assert replace(found, errors=rules.errors, latency=rules.latency, p99=rules.p99) == rules


def approximately(one: Tolerance) -> Tolerance:
    return Tolerance(pytest.approx(one.harm), pytest.approx(one.accept))  # type: ignore[arg-type]


def release(outcome: str, defect: str = "", **more: Any) -> Release:
    stages = {"ready": 4.0, "10 %": 8.0, "25 %": 8.0, "50 %": 8.0, "100 %": 2.0}
    given: dict[str, Any] = {
        "label": "r1", "defect": defect, "outcome": outcome, "why": "", "started": 90.0, "met_users": 94.0,
        "ended": 120.0, "verdict_seconds": 26.0, "stages": stages, "proven": [10], "unproven": [25, 50],
        "candidate_requests": {"web": 500}, "stable_requests": {"web": 1500}, "highest_harm": 0.02,
        "highest_of": "web p99", "highest_at": 9.0, "figures": [], "missing": [], "load": 3.0, "bad_answers": 7,
        "usual_latency": {16: 500, 20: 400, 28: 100},
    }  # fmt: skip
    return Release(**{**given, **more})


def test_outcomes_are_counted_each_for_itself() -> None:
    run = Run(lanes=2, rate=100, rules=COMPRESSED, began=0.0, commit="abc")
    kinds = summarised([release(PROMOTED), release(PROMOTED), release(PUT_BACK), release(HELD)], run)["kinds"]
    assert kinds[""]["outcomes"] == {PROMOTED: 2, PUT_BACK: 1, HELD: 1}
    assert kinds[""]["put_back_at_most"] == pytest.approx(0.7514, abs=5e-5)
    assert kinds[""]["by_proof_alone"] == 0


def test_the_table_tells_what_was_caught_beside_what_was_planned() -> None:
    arms = {"web": {"10": {"candidate_slower": -0.09, "stable_p50_ms": 8.7, "stable_p99_ms": 58.7}}}
    good = summarised([release(PROMOTED)] * 200, Run(2, 160, COMPRESSED, 0.0, "abc"))
    caught = [release(PUT_BACK, "5 % errors", proven=[], verdict_seconds=21.0)] * 9 + [release(PROMOTED, "5 % errors")]
    planted = summarised([*caught, release(PUT_BACK, "one provider slow")], Run(1, 75, DEMANDING, 0.0, "abc"))
    text = tables([{**good, "arms": arms}, {**planted, "arms": arms}])
    assert "| Good, moved by the clock | 200 | 200 | 0 | 0 | 0 | 1.5 % | 500 |" in text
    assert "| 10 % | -9.0 % | 9 / 59 |" in text
    assert "| 5 % errors | 9 of 10 | 21 / 26 | 7 / 7 | 100 % |" in text
    assert "| one provider slow | 1 of 1 | 26 / 26 | 7 / 7 | - | - | - |" in text


@pytest.mark.real("envoy", "git")
@pytest.mark.timeout(240)
def test_a_good_release_is_promoted_and_a_defect_put_back(tmp_path: Path) -> None:
    """On a calm machine less than a minute."""
    run = Run(lanes=1, rate=120, rules=replace(COMPRESSED, deadline=timedelta(seconds=6)), began=time.time(), commit="")
    defect = next(one for one in DEFECTS if one.name == "5 % errors")
    with laid(run, tmp_path / "data") as (lane,):
        good, bad = lane.release(), lane.release(defect)
    assert (good.outcome, good.bad_answers) == (PROMOTED, 0), good.why
    assert bad.outcome == PUT_BACK, bad.why
    assert "errors" in bad.why
    assert 0 < bad.bad_answers < 0.03 * bad.answers
    found = summarised([good, bad], run)
    assert found["kinds"]["5 % errors"]["outcomes"] == {PUT_BACK: 1}
    assert good.candidate_requests["web"] > 100


def contents(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file() and ".git" not in path.parts)
    return {str(path.relative_to(folder)): path.read_text(errors="replace") for path in files}
