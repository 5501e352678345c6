"""Steps as processes of this machine: their end, their time limit, what they know, print and leave behind."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.adapters.runners.stage import HostStage

from headgate.adapters.machine.identity import members
from headgate.ports import AdapterError
from headgate.testing.contracts.runner import RunnerContract, over

pytestmark = pytest.mark.real

CASES = '<testcase classname="a" name="one"/><testcase classname="a" name="two"><failure/></testcase>'
ONE_FAILS = f"<testsuite>{CASES}</testsuite>"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[HostStage]:
    made = HostStage(tmp_path)
    yield made
    await made.clear()


class TestHostRunner(RunnerContract):
    @pytest.fixture
    async def stage(self, tmp_path: Path) -> AsyncIterator[HostStage]:
        made = HostStage(tmp_path)
        yield made
        await made.clear()


def marker(stage: HostStage, step: str = "bld_1.test.1") -> str:
    found = json.loads((stage.settings.data / "commands" / f"{step}.json").read_text())
    return str(found["marker"])


class TestItsEnd:
    async def test_a_failure_is_told_with_its_last_words(self, stage: HostStage) -> None:
        seen = await stage.run("echo one; echo two; exit 7")
        assert seen.state == "failed"
        assert seen.why.startswith("exited with code 7 after")
        assert seen.why.endswith("; last lines: one | two")

    async def test_its_time_limit_ends_it_and_all_it_started(self, stage: HostStage) -> None:
        order = stage.order("echo began; sleep 61 & (setsid sleep 62 &) ; sleep 63", timeout=timedelta(seconds=0.5))
        await stage.runner.start(order, stage.checkout(order))
        mark = marker(stage)
        assert members(mark)
        seen = await over(stage, order)
        assert (seen.state, seen.why) == ("failed", "was ended as it took longer than 0.5 s; last lines: began")
        assert not members(mark)

    async def test_what_it_leaves_running_is_ended(self, stage: HostStage) -> None:
        assert (await stage.run("sleep 61 & true")).state == "passed"
        assert not members(marker(stage))

    async def test_its_build_is_told(self, stage: HostStage) -> None:
        await stage.run("true")
        assert set(stage.changed) == {"bld_1"}

    async def test_its_checkout_goes_and_its_log_stays(self, stage: HostStage) -> None:
        await stage.run("echo here > file; cat file")
        for _ in range(100):
            if not any((stage.folder / "checkouts").iterdir()):
                break
            await asyncio.sleep(0.02)
        assert list((stage.folder / "checkouts").iterdir()) == []
        assert await stage.printed() == ["here"]


class TestARestart:
    async def test_an_end_while_nobody_looked_is_told_as_what_it_was(self, stage: HostStage) -> None:
        order = stage.order(f"sleep 0.3; echo '{ONE_FAILS}' > t.xml; exit 3", junit="t.xml")
        await stage.runner.start(order, stage.checkout(order))
        await stage.runner.close()
        time.sleep(0.8)  # no loop runs: nobody sees it end
        await stage.restart()
        seen = await over(stage, order)
        assert (seen.state, seen.why.partition(" after")[0]) == ("failed", "exited with code 3")
        assert seen.tests is not None
        assert seen.tests.names == ("a::two",)

    async def test_one_that_was_killed_with_everything_is_lost_not_passed(self, stage: HostStage) -> None:
        order = stage.order("goes on")
        await stage.runner.start(order, stage.checkout(order))
        mark = marker(stage)
        await stage.runner.close()
        found = members(mark)
        for process in found:
            os.kill(process.pid, 9)
        os.waitpid(min(process.pid for process in found), 0)  # as if another server had started it: no exit code
        await stage.restart()
        assert (await over(stage, order)).state == "lost"

    async def test_its_time_limit_holds_across_it(self, stage: HostStage) -> None:
        order = stage.order("sleep 60", timeout=timedelta(seconds=0.6))
        await stage.runner.start(order, stage.checkout(order))
        await stage.restart()
        assert (await over(stage, order)).why == "was ended as it took longer than 0.6 s"


class TestWhatItKnows:
    async def test_nothing_of_the_servers_environment(self, stage: HostStage, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_PROFILE", "production")
        await stage.run("env")
        names = {line.partition("=")[0] for line in await stage.printed()}
        allowed = {"PATH", "HOME", "TMPDIR", "LANG", "TZ", "CI", "PWD", "OLDPWD", "SHLVL", "_", "PYTHONUNBUFFERED"}
        allowed |= {"PYTHONDONTWRITEBYTECODE", "GIT_CEILING_DIRECTORIES"}
        assert {name for name in names if not name.startswith(("HEADGATE_", "LC_"))} <= allowed

    async def test_its_home_is_its_own(self, stage: HostStage) -> None:
        await stage.run("echo $HOME; touch $HOME/x $TMPDIR/y; pwd")
        home, here = await stage.printed()
        assert Path(home).parent == Path(here).parent
        assert Path(home) != Path.home()

    @pytest.mark.parametrize("typed", ["$(touch pwned)", "`touch pwned`", "; touch pwned #", "' touch pwned '", "-rf"])
    async def test_names_that_others_typed_are_never_commands(self, stage: HostStage, typed: str) -> None:
        seen = await stage.run('printf "%s\\n" "$HEADGATE_BRANCH" "$HEADGATE_VERSION"; ls', branch=typed, version=typed)
        assert seen.state == "passed"
        assert await stage.printed() == [typed, typed, "app.py"]


class TestReports:
    async def test_failed_tests_are_named(self, stage: HostStage) -> None:
        seen = await stage.run(f"mkdir r; echo '{ONE_FAILS}' > r/t.xml; exit 1", junit="r/*.xml")
        assert seen.tests is not None
        assert (seen.tests.total, seen.tests.failed, seen.tests.names) == (2, 1, ("a::two",))

    async def test_failed_tests_fail_the_step_whatever_its_exit_code(self, stage: HostStage) -> None:
        seen = await stage.run(f"echo '{ONE_FAILS}' > t.xml; true", junit="t.xml")
        assert (seen.state, seen.why) == ("failed", "1 of 2 tests failed, though its exit code is 0")

    async def test_a_report_that_it_owes_is_no_success(self, stage: HostStage) -> None:
        seen = await stage.run("true", junit="t.xml")
        assert (seen.state, seen.why) == ("failed", "its report t.xml was not written")

    @pytest.mark.parametrize(
        ("level", "severity", "state"),
        [
            ("error", "error", "failed"),
            ("warning", "error", "passed"),
            ("warning", "warning", "failed"),
            ("note", "note", "failed"),
            ("error", "never", "passed"),
        ],
    )
    async def test_findings_have_a_gate(self, stage: HostStage, level: str, severity: str, state: str) -> None:
        report = {"runs": [{"results": [{"level": level, "ruleId": "B101", "message": {"text": "no"}}]}]}
        seen = await stage.run(f"echo '{json.dumps(report)}' > s.sarif", sarif="s.sarif", severity=severity)
        assert seen.state == state
        assert seen.findings is not None
        assert [finding.rule for finding in seen.findings.worst] == ["B101"]

    async def test_a_report_that_is_a_link_out_is_not_read(self, stage: HostStage) -> None:
        secret = stage.folder / "secret.xml"
        secret.write_text(ONE_FAILS)
        seen = await stage.run(f"ln -s {secret} t.xml", junit="t.xml")
        assert seen.why == "its report t.xml was not written"


class TestItsLog:
    async def test_secrets_are_masked_on_disk_and_in_what_is_told(self, tmp_path: Path) -> None:
        stage = HostStage(tmp_path, secrets=("hunter22", "multi\nlines-too"))
        seen = await stage.run("echo pass hunter22 lines-too; echo bye hunter22; exit 1")
        await stage.clear()
        kept = "".join(path.read_text() for path in (tmp_path / "data").rglob("*.log"))
        assert kept == "pass *** ***\nbye ***\n"
        assert seen.why.endswith("last lines: pass *** *** | bye ***")

    async def test_a_flood_is_bounded_on_disk(self, tmp_path: Path) -> None:
        stage = HostStage(tmp_path, log_bytes=100_000)
        seen = await stage.run("yes 'a line of a flood' | head -n 500000; echo the end; exit 1")
        await stage.clear()
        (log,) = (tmp_path / "data" / "commands").glob("*.log")
        assert log.stat().st_size < 100_000 + 70_000
        assert "bytes of output are left out here" in log.read_text()
        assert seen.why.endswith("| the end")

    async def test_it_is_followed_while_it_is_written(self, stage: HostStage) -> None:
        order = stage.order("echo first; sleep 0.5; printf last")
        await stage.runner.start(order, stage.checkout(order))
        came = [(line, time.monotonic()) async for line in stage.runner.logs(order.id, follow=True)]
        assert [line for line, _ in came] == ["first", "last"]
        assert came[1][1] - came[0][1] > 0.3

    async def test_it_is_private(self, stage: HostStage) -> None:
        await stage.run("echo x")
        (log,) = (stage.settings.data / "commands").glob("*.log")
        assert log.stat().st_mode & 0o077 == 0


class TestWhatIsKept:
    async def test_artifacts_come_to_the_steps_that_need_it(self, stage: HostStage) -> None:
        await stage.run("mkdir -p dist/a; echo built > dist/a/app.whl; echo no > other", artifacts=("dist/**/*",))
        seen = await stage.run("cat dist/a/app.whl; ls", name="next", after=("bld_1.test.1",))
        assert seen.state == "passed"
        assert await stage.printed("bld_1.next.1") == ["built", "app.py", "dist"]

    async def test_too_many_are_left_out_and_that_is_said(self, tmp_path: Path) -> None:
        stage = HostStage(tmp_path, artifact_files=2)
        seen = await stage.run("touch 1.x 2.x 3.x", artifacts=("*.x",))
        await stage.clear()
        assert seen.why == "artifacts from 3.x on are left out: more than 2 files or 500,000,000 bytes"

    async def test_a_link_out_is_no_artifact(self, stage: HostStage) -> None:
        await stage.run("ln -s /etc/passwd p.x; ln -s /etc d", artifacts=("*.x", "d/passwd"))
        assert not stage.runner.kept.artifacts(stage.order("passes").id).exists()

    async def test_a_cache_comes_back_on_its_branch_alone(self, stage: HostStage) -> None:
        line = "mkdir -p c; echo again >> c/log; cat c/log"
        await stage.run(line, cache=("c",))
        await stage.run(line, cache=("c",), id="bld_2")
        await stage.run(line, cache=("c",), id="bld_3", branch="feature")
        assert await stage.printed("bld_2.test.1") == ["again", "again"]
        assert await stage.printed("bld_3.test.1") == ["again"]

    async def test_a_cache_of_a_step_that_was_ended_is_not_kept(self, stage: HostStage) -> None:
        line = "mkdir -p c; touch c/half; sleep 60"
        await stage.run(line, cache=("c",), timeout=timedelta(seconds=0.3))
        await stage.run("test ! -e c", cache=("c",), id="bld_2")
        assert (await over(stage, stage.order("", id="bld_2"))).state == "passed"

    async def test_the_oldest_are_forgotten(self, tmp_path: Path) -> None:
        stage = HostStage(tmp_path, steps_kept=2)
        for number in range(4):
            await stage.run("echo x", id=f"bld_{number}")
        await stage.clear()
        assert len(list((tmp_path / "data" / "commands").glob("*.log"))) <= 3


async def test_a_step_that_cannot_start_never_ran(stage: HostStage) -> None:
    order = stage.order("passes")
    with pytest.raises(AdapterError, match="Cannot start"):
        await stage.runner.start(order, stage.folder / "checkouts" / "none" / "source")
    assert await stage.runner.observe(order.id) is None
