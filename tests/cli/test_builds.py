"""headgate release, builds and logs, where the applied file has CI steps."""

import threading
import time
from pathlib import Path

import pytest
from tests.cli.conftest import Run, Served
from tests.web.world import FILE

from headgate.model.builds import Finding, Findings, Tally
from headgate.model.ids import StepRunId

CI = f"{FILE}pipeline:\n  ci: [{{name: test, run: pytest}}, {{name: pack, run: make}}]\n"


@pytest.fixture
def building(headgate: Run, served: Served, repository: Path) -> Served:
    (repository / "headgate.yaml").write_text(CI)
    headgate("apply")
    served.shop.source.commit(str(repository), {"headgate.yaml": CI}, subject="Sell more", version="v1")
    return served


def later(served: Served, step: str, state: str, **told: object) -> threading.Thread:
    """The step ends as soon as it runs."""

    def end() -> None:
        deadline = time.monotonic() + 20
        while step not in served.shop.runner.running() and time.monotonic() < deadline:
            time.sleep(0.02)
        served.shop.runner.end(step, state, **told)

    thread = threading.Thread(target=end)
    thread.start()
    return thread


class TestRelease:
    def test_waits_for_the_steps_and_prints_the_release(self, headgate: Run, building: Served) -> None:
        building.shop.runner.passing = True
        lines = headgate("release").out.splitlines()
        assert lines[0].endswith("  v1  Sell more: test, pack")
        assert any(line.endswith("pack passed after 0.0 s") for line in lines)
        assert any("ended, passed; it is release rel_" in line for line in lines)
        assert any(line.startswith("rel_") and "Sell more" in line for line in lines)

    def test_failed_tests_are_named_and_the_exit_code_says_so(self, headgate: Run, building: Served) -> None:
        ending = later(building, "test", "failed", tests=Tally(3, 1, 0, ("shop::price",)), why="exited with code 1")
        out = headgate("release", code=1).out
        ending.join()
        assert "    failed: shop::price" in out
        assert "headgate logs --build bld_" in out

    def test_json_is_one_answer(self, headgate: Run, building: Served) -> None:
        building.shop.runner.passing = True
        made = headgate("release", "--json").json()
        assert made["release"].startswith("rel_")
        assert made["build"].startswith("bld_")

    def test_no_wait_says_where_to_look(self, headgate: Run, building: Served) -> None:
        out = headgate("release", "--no-wait").out
        assert "its steps run; `headgate builds bld_" in out
        assert headgate("release", "--no-wait", "--json").json()["state"] == "running"

    def test_a_cancelled_one_has_a_code_of_its_own(self, headgate: Run, building: Served) -> None:
        name = headgate("release", "--no-wait", "--json").json()["build"]
        headgate("builds", name, "--cancel", "--why", "a mistake")
        deadline = time.monotonic() + 10
        while headgate("builds", name, "--json").json()["state"] != "cancelled":
            assert time.monotonic() < deadline
        assert "cancelled by" not in headgate("builds", name).out.splitlines()[0]
        assert "a mistake" in headgate("builds", name).out


class TestBuilds:
    def test_none_yet(self, headgate: Run, building: Served) -> None:
        assert "has no build yet" in headgate("builds").out

    def test_a_list_and_one_of_them(self, headgate: Run, building: Served) -> None:
        found = Findings({"error": 1, "warning": 0, "note": 2}, (Finding("error", "B602", "shell=True", "a.py:3"),))
        why = "1 finding of severity error or worse"
        ending = later(building, "test", "failed", seconds=1.5, findings=found, why=why)
        headgate("release", code=1)
        ending.join()
        head, row = headgate("builds").out.splitlines()
        assert head.split() == ["BUILD", "LABEL", "BRANCH", "STATE", "TOOK", "RELEASE", "ASKED", "SUBJECT"]
        assert row.split()[1:4] == ["v1", "main", "failed"]
        out = headgate("builds", row.split()[0]).out
        assert "  test: failed, 1.5 s, findings: 1 errors, 2 notes: 1 finding of severity error or worse" in out
        assert "    error: a.py:3 B602: shell=True" in out
        assert "  pack: waits for test" in out

    def test_which_one_is_to_be_cancelled_must_be_said(self, headgate: Run, building: Served) -> None:
        assert "headgate builds BUILD --cancel" in headgate("builds", "--cancel", code=2).err


class TestLogs:
    def test_of_a_build_and_one_step(self, headgate: Run, building: Served) -> None:
        building.shop.runner.passing = True
        name = headgate("release", "--json").json()["build"]
        for step in ("test", "pack"):
            building.shop.runner.printed[StepRunId(f"{name}.{step}.1")] = [f"\x1b[31m{step}\x1b[0m prints"]
        assert headgate("logs", "--build", name).out == "test | test prints\npack | pack prints\n"
        assert headgate("logs", "--build", name, "--step", "pack").out == "pack | pack prints\n"
        assert "has no step" in headgate("logs", "--build", name, "--step", "x", code=1).err

    @pytest.mark.parametrize("asked", [(), ("staging", "--build", "bld_1")])
    def test_an_environment_or_a_build(self, headgate: Run, building: Served, asked: tuple[str, ...]) -> None:
        assert "an environment or a build" in headgate("logs", *asked, code=2).err
