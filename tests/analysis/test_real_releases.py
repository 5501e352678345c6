"""The trial on real releases: what its parts say, and, with real components, that it tells good from bad."""

import shutil
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from benchmarks.verdicts.real.__main__ import laid
from benchmarks.verdicts.real.bound import highest
from benchmarks.verdicts.real.defects import DEFECTS, Defect
from benchmarks.verdicts.real.file import COMPRESSED, DEMANDING, ENVIRONMENT, PROVEN, WEIGHTS, trial_file
from benchmarks.verdicts.real.record import PROMOTED, PUT_BACK
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
