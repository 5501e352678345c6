"""headgate plan: with and without a server."""

from datetime import timedelta
from pathlib import Path

import pytest
from tests.cli.conftest import Run, Served
from tests.web.world import FILE

from headgate.model.events import MeasurementTaken
from headgate.model.ids import RolloutId, environment_id, environment_stream
from headgate.model.measurements import Measurement, Sample, Window

EXAMPLE = Path(__file__).parents[2] / "examples" / "pcw" / "headgate.yaml"
ENVIRONMENT = environment_stream(environment_id("shop", "production"))


@pytest.fixture
def file(work: Path) -> Path:
    (work / "headgate.yaml").write_text(FILE)
    return work / "headgate.yaml"


def measure(served: Served, seconds: int) -> None:
    """`web` gets 60 requests a second, 2 % of which fail, as a rollout would have recorded it."""
    start = served.shop.clock.now()
    sample = Sample(60, 1, {50: 60})
    taken = [
        Measurement(n + 1, Window(start + timedelta(seconds=n), start + timedelta(seconds=n + 1)), {}, {"web": sample})
        for n in range(seconds)
    ]
    events = [MeasurementTaken(RolloutId("rol_0"), one) for one in taken]
    served.do(served.shop.engine.log.append(ENVIRONMENT, events, 0))


def test_the_example_is_foretold_without_a_server(headgate: Run) -> None:
    out = headgate("plan", str(EXAMPLE), "--rate", "300/s").out
    assert "pcw / production\n  start, await ready, check smoke (preview), weight 5, analyze" in out
    assert "300 requests/s (as stated), 0.5 % errors (assumed)" in out
    assert "say what is true with --errors, --latency" in out
    assert "blue-green without bake: nothing is measured" in out
    assert "errors 100 %" in out
    assert "deadlines.weight allows 30 s" in out
    assert "watched for 4 h after a promotion, against what the old version did, 99.9 % of requests" in out
    assert "2 instances of what was replaced stay up for 60 min: 2 instance-hours a promotion" in out
    assert "warning" not in out


@pytest.mark.slow
def test_a_policy_that_cannot_decide_is_warned_of_where_it_stands(headgate: Run, file: Path) -> None:
    file.write_text(FILE.replace("[5, 50]}}", "[5, 50]}}\n    analysis: {deadline: 10m}"))
    out = headgate("plan", "--rate", "20/s").out
    assert "warning: headgate.yaml:14:26: environments.production.analysis.deadline: found 10m; allowed: " in out
    assert "at 20 requests/s: extend the deadline to " in out
    assert "held for a person" in out
    problems = headgate("plan", "--rate", "20/s", "--json").json()["problems"]
    assert [one["line"] for one in problems] == [14]


@pytest.mark.slow
def test_metrics_of_the_file_are_named_and_not_foretold(headgate: Run, file: Path) -> None:
    metrics = "{metrics: [{name: sales, job: {run: x}}, {name: tried, job: {run: x}, dry_run: true}]}"
    file.write_text(FILE.replace("[5, 50]}}", f"[5, 50]}}}}\n    analysis: {metrics}"))
    assert "not foretold: the file's own metrics, which must pass too: sales\n" in headgate("plan").out


@pytest.mark.slow
def test_what_a_server_measured_is_used_unless_something_else_is_stated(
    headgate: Run, served: Served, repository: Path
) -> None:
    served.apply(repository, FILE)
    measure(served, 30)
    known = {one["environment"]: one["traffic"] for one in headgate("plan", "--json").json()["environments"]}
    assert known["production"]["requests_per_second"] == pytest.approx(60)
    assert known["production"]["error_share"] == pytest.approx(1 / 60)
    assert known["production"]["p50_ms"] == pytest.approx(76.1, abs=0.1)
    assert set(known["production"]["origin"].values()) == {"measured"}
    assert set(known["staging"]["origin"].values()) == {"assumed"}
    out = headgate("plan", "--rate", "90/min").out
    assert "1.5 requests/s (as stated), 1.7 % errors (measured)" in out


@pytest.mark.slow
def test_json_has_every_figure(headgate: Run, file: Path) -> None:
    found = headgate("plan", "--json").json()
    production = found["environments"][1]
    assert production["judged"] == "canary"
    assert [row["what"] for row in production["regressions"]][:2] == ["errors +0.2 pp", "errors +0.5 pp"]
    for row in production["regressions"]:
        assert row["caught"] + row["promoted"] + row["stopped"] == pytest.approx(1)
    assert production["rollback"]["origin"] == "docs/benchmarks.md"


@pytest.mark.parametrize(
    ("option", "value"),
    [("--rate", "500"), ("--rate", "0/s"), ("--rate", ""), ("--errors", "1"), ("--errors", "101%"), ("--latency", "9")],
)
def test_figures_need_their_units(headgate: Run, file: Path, option: str, value: str) -> None:
    err = headgate("plan", option, value, code=2).err
    assert err.startswith(f"headgate: {option} is not understood; allowed: ")
    assert "next:  " in err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("option", "value"), [("--errors", "0%"), ("--errors", "100%"), ("--latency", "1ms"), ("--latency", "5m")]
)
@pytest.mark.parametrize("rate", ["1/min", "100000/s"])
def test_extreme_figures_are_figures(headgate: Run, file: Path, option: str, value: str, rate: str) -> None:
    assert "a regression of" in headgate("plan", option, value, "--rate", rate).out.lower()


@pytest.mark.slow
def test_a_file_with_problems_is_refused(headgate: Run, work: Path) -> None:
    (work / "headgate.yaml").write_text(FILE.replace("port: 8000", "port: high"))
    assert "headgate.yaml:6:11: services.web.port: " in headgate("plan", code=1).err
    assert "headgate init" in headgate("plan", "nowhere.yaml", code=1).err
