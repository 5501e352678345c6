"""CI for real: a server, git, steps as processes. It is killed, flooded, overtaken, and typed at by hostile people."""

import asyncio
import json
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tests.faults.repository import FILE
from tests.faults.stage import Stage

from headgate.adapters.machine.identity import members

pytestmark = [pytest.mark.real("envoy"), pytest.mark.timeout(90)]

REPORT = '<testsuite><testcase classname="shop" name="price"><failure/></testcase><testcase name="b"/></testsuite>'


async def begun(stage: Stage, *steps: str) -> None:
    """A server on which the file is applied with these steps."""
    ci = "".join(f"    - {step}\n" for step in steps)
    (stage.repository.folder / "headgate.yaml").write_text(f"{FILE}pipeline:\n  ci:\n{ci}")
    await stage.serve()
    await stage.apply()
    stage.repository.commit("v1")


async def asked(stage: Stage, reference: str = "main") -> str:
    made = await stage.ask("/shop/releases", reference=reference, by="ann")
    return str(made["build"])


async def build(stage: Stage, name: str, state: str | None = None) -> dict[str, Any]:
    """As it is, or once it is in that state."""

    async def there() -> dict[str, Any] | None:
        view = await stage.ask(f"/shop/builds/{name}")
        return view if state in (None, view["state"]) else None

    found = await stage.until(there, f"the build is {state}")
    assert found is not None
    return found


async def running(stage: Stage, name: str, step: str) -> None:
    """Its command line is at work: what it says first is in its log."""

    async def there() -> bool:
        log = stage.data / "runners" / "host" / "commands" / f"{name}.{step}.1.log"
        return log.exists() and bool(log.read_text())

    await stage.until(there, f"{step} prints")


def marker(stage: Stage, step: str) -> str:
    record = stage.data / "runners" / "host" / "commands" / f"{step}.json"
    return str(json.loads(record.read_text())["marker"])


async def test_a_failing_step_names_its_tests_and_there_is_no_release(stage: Stage) -> None:
    await begun(stage, "{name: test, run: 'cp report.xml t.xml; exit 1', junit: t.xml}")
    (stage.repository.folder / "report.xml").write_text(REPORT)
    stage.repository.commit("v2")
    done = stage.command("release", "main")
    assert done.returncode == 1, done
    assert "failed: shop::price" in done.stdout
    assert "ended, failed: test failed: 1 of 2 tests failed: shop::price" in done.stdout
    assert (await stage.ask("/shop/releases"))["releases"] == []


async def test_it_is_the_release_of_exactly_what_was_tested(stage: Stage) -> None:
    here = "test -f app/service.py && test ! -e .git && test ! -e new"
    await begun(stage, f"{{name: test, run: '{here}'}}", "{name: other, run: 'true'}")
    (stage.repository.folder / "new").write_text("not committed")
    done = stage.command("release", "main", "--json")
    assert done.returncode == 0, done
    made = json.loads(done.stdout)
    assert (await build(stage, made["build"]))["release"] == made["release"]


class TestAKilledServer:
    async def test_a_step_goes_on_and_is_found_again(self, stage: Stage, tmp_path: Path) -> None:
        await begun(stage, f"{{name: test, run: 'echo began; sleep 2; echo ran >> {tmp_path}/ran'}}")
        name = await asked(stage)
        await running(stage, name, "test")
        stage.kill_server()
        await asyncio.sleep(0.3)
        await stage.serve()
        view = await build(stage, name, "passed")
        assert (view["steps"][0]["attempt"], (tmp_path / "ran").read_text()) == (1, "ran\n")

    async def test_an_end_while_it_was_dead_is_told_as_what_it_was(self, stage: Stage) -> None:
        await begun(stage, "{name: test, run: 'echo began; sleep 0.7; exit 5'}")
        name = await asked(stage)
        await running(stage, name, "test")
        stage.kill_server()
        await asyncio.sleep(1.2)
        await stage.serve()
        view = await build(stage, name, "failed")
        assert "exited with code 5" in view["why"]

    async def test_a_step_that_died_with_it_is_run_again(self, stage: Stage, tmp_path: Path) -> None:
        line = f"echo began; echo run >> {tmp_path}/runs; test $(wc -l < {tmp_path}/runs) = 2 || sleep 60"
        await begun(stage, f"{{name: test, run: '{line}'}}")
        name = await asked(stage)
        await running(stage, name, "test")
        stage.kill_server()
        for process in members(marker(stage, f"{name}.test.1")):
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        await stage.serve()
        view = await build(stage, name, "passed")
        assert view["steps"][0]["attempt"] == 2
        assert "once more, as it was lost" in str((await stage.ask(f"/shop/builds/{name}/events"))["events"])

    async def test_between_the_last_step_and_the_release(self, stage: Stage) -> None:
        await begun(stage, "{name: test, run: 'echo began; sleep 1'}")
        name = await asked(stage)
        await running(stage, name, "test")
        stage.kill_server()
        await asyncio.sleep(1.2)
        await stage.serve()
        view = await build(stage, name, "passed")
        assert [one["release"] for one in (await stage.ask("/shop/releases"))["releases"]] == [view["release"]]


async def test_a_newer_commit_ends_the_older_build_with_all_it_started(stage: Stage) -> None:
    line = "echo began; (setsid sleep 71 &); grep -q v2 app/behaviour.json || sleep 72"
    await begun(stage, f"{{name: test, run: '{line}'}}")
    stage.repository.git("tag", "--delete", "v1")
    first = await asked(stage)
    await running(stage, first, "test")
    mark = marker(stage, f"{first}.test.1")
    stage.repository.commit("v2")
    stage.repository.git("tag", "--delete", "v2")
    second = await asked(stage)
    assert (await build(stage, first, "cancelled"))["steps"][0]["state"] == "cancelled"
    assert not members(mark)
    assert (await build(stage, second, "passed"))["release"]


async def test_what_people_type_is_never_a_command(stage: Stage, tmp_path: Path) -> None:
    pwned = tmp_path / "pwned"
    branch = "x$(touch${IFS}" + str(pwned).replace("/", "${SLASH}") + ")`id`;'\""
    await begun(stage, "{name: test, run: 'printf \"%s\\n\" \"$HEADGATE_BRANCH\"'}")
    stage.repository.git("checkout", "-q", "-b", branch)
    subject = f"$(touch {pwned}); `touch {pwned}`; ' \" --"
    stage.repository.git("commit", "--allow-empty", "--quiet", "--message", subject)
    stage.repository.git("tag", "v$(touch${IFS}pwned)")
    name = await asked(stage, branch)
    view = await build(stage, name, "passed")
    assert (view["branch"], view["label"]) == (branch, "v$(touch${IFS}pwned)")
    assert stage.command("logs", "--build", name).stdout == f"test | {branch}\n"
    assert not pwned.exists()
    assert not list(stage.folder.rglob("pwned"))


async def test_a_log_is_live_and_hides_the_servers_token(stage: Stage) -> None:
    await begun(stage, f"{{name: test, run: 'echo began; cat {stage.data}/token; sleep 1; exit 1'}}")
    name = await asked(stage)
    done = stage.command("logs", "--build", name, "--follow")
    assert done.stdout == "test | began\ntest | ***\n"
    token = (stage.data / "token").read_text().strip()
    view = await build(stage, name, "failed")
    assert token not in json.dumps(view)
    kept = (stage.data / "runners" / "host" / "commands").glob("*.log")
    assert all(token not in path.read_text() for path in kept)
