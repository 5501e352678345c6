"""What a server leaves behind when it dies is found again: nothing lost, nothing started twice, nobody else hit."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.adapters.platforms.process.stage import ProcessStage, get, marked, processes_below, staged, until

from headgate.adapters.machine.identity import identify, is_alive
from headgate.model.ids import JobId
from headgate.ports import AdapterError
from headgate.testing.contracts.platform import PRODUCTION, ended, observed, ready

ROOT = Path(__file__).parents[4]
SERVER = Path(__file__).with_name("server.py")


def killed_server(folder: Path, *what: str) -> None:
    """Runs a server until it has done what it was asked to, or has killed itself; and kills it then."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"}
    command = [sys.executable, str(SERVER), str(folder), *what]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        server.stdout.readline()
        server.send_signal(signal.SIGKILL)
    assert server.returncode == -signal.SIGKILL


@pytest.mark.real
class TestAKilledServer:
    async def test_its_instances_go_on_and_are_found(self, tmp_path: Path) -> None:
        killed_server(tmp_path, "run")
        async with staged(tmp_path) as stage:
            revision = stage.revision("one")
            (one,) = await stage.platform.observe(PRODUCTION)
            assert one.state == "ready"
            pid = stage.process(one.id).pid
            await stage.platform.run(revision)
            assert [other.id for other in await ready(stage, 1)] == [one.id]
            assert marked(stage.record(one.id).marker) == [pid]
            assert json.loads(await get(one, "/environment"))["HEADGATE_INSTANCE"] == stage.record(one.id).marker

    async def test_the_end_of_a_found_instance_is_seen_at_once(self, tmp_path: Path) -> None:
        killed_server(tmp_path, "run")
        async with staged(tmp_path) as stage:
            (one,) = await stage.platform.observe(PRODUCTION)
            changed = asyncio.Event()
            stage.platform.on_change = lambda _: changed.set()
            await stage.kill(one)
            await asyncio.wait_for(changed.wait(), 0.5)
            (one,) = await stage.platform.observe(PRODUCTION)
            assert one.state == "exited"
            assert "exit code is not known" in one.detail

    async def test_its_stop_goes_on(self, tmp_path: Path) -> None:
        killed_server(tmp_path, "stop")
        async with staged(tmp_path) as stage:
            await observed(stage, lambda seen: not seen)

    @pytest.mark.parametrize("where", ["before-record", "before-spawn", "before-pid"])
    async def test_killed_within_a_start_there_is_one_process_in_the_end(self, tmp_path: Path, where: str) -> None:
        killed_server(tmp_path, where)
        async with staged(tmp_path) as stage:
            revision = stage.revision("one")
            found = [process_of(stage, one.id) for one in await stage.platform.observe(PRODUCTION)]
            await stage.platform.run(revision)
            (one,) = await ready(stage, 1)
            assert marked(stage.record(one.id).marker) == [stage.process(one.id).pid]
            if where == "before-pid":
                assert found == [stage.process(one.id).pid], "the process that was started before is kept"
            assert processes_below(tmp_path) == [stage.process(one.id).pid]

    async def test_a_check_that_ended_meanwhile_is_not_run_again(self, tmp_path: Path) -> None:
        killed_server(tmp_path, "job", "sleep 0.3; echo ran >> $REVISION.txt; exit 4")
        await asyncio.sleep(0.6)
        async with staged(tmp_path) as stage:
            job = stage.command("rol_1-1-1", stage.revision("one"), "echo again >> $REVISION.txt")
            await stage.platform.run_job(job)
            assert await ended(stage, job) == "failed"
            seen = await stage.platform.observe_job(PRODUCTION, job.id)
            assert seen is not None
            assert seen.detail.startswith("exited with code 4")
            (written,) = stage.settings.releases.rglob("rev_*.txt")
            assert written.read_text() == "ran\n"


def process_of(stage: ProcessStage, instance: str) -> int | None:
    process = stage.record(instance).process
    return process.pid if process else None


@contextmanager
def sleeping(**variables: str) -> Iterator["subprocess.Popen[bytes]"]:
    environment = {**os.environ, **variables}
    with subprocess.Popen(["sleep", "60"], env=environment, start_new_session=True) as process:
        try:
            while not Path(f"/proc/{process.pid}/environ").read_bytes():  # empty for an instant within exec
                time.sleep(0.001)
            yield process
        finally:
            process.kill()


@pytest.mark.real
class TestWhoAProcessIs:
    async def test_another_process_with_the_same_pid_is_neither_taken_over_nor_stopped(
        self, stage: ProcessStage
    ) -> None:
        await stage.platform.run(stage.revision("one"))
        (one,) = await ready(stage, 1)
        with sleeping() as stranger:  # only now: one that started in the same hundredth of a second looks the same
            await stage.platform.close()
            old = stage.process(one.id)
            rewrite(stage.path(one.id), "process", {"pid": stranger.pid})
            await stage.restart()
            (one,) = await stage.platform.observe(PRODUCTION)
            assert one.state == "exited"
            await until(lambda: not is_alive(old, ""))  # what could no longer be told apart was ended by its mark
            await stage.platform.run(stage.revision("one"))
            await stage.platform.stop(PRODUCTION, one.revision)
            await observed(stage, lambda seen: not seen)
            assert stranger.poll() is None

    def test_start_boot_and_mark_must_all_agree(self) -> None:
        with sleeping(HEADGATE_INSTANCE="web.1") as process:
            identity = identify(process.pid)
            assert identity is not None
            assert is_alive(identity, "web.1")
            assert not is_alive(identity, "web.2")
            assert not is_alive(type(identity)(identity.pid, identity.started + 1, identity.boot), "web.1")
            assert not is_alive(type(identity)(identity.pid, identity.started, "another boot"), "web.1")
            process.kill()
            process.wait()
            assert not is_alive(identity, "web.1")

    async def test_a_damaged_record_is_named(self, stage: ProcessStage) -> None:
        await stage.platform.run(stage.revision("one"))
        (one,) = await ready(stage, 1)
        await stage.platform.close()
        whole = stage.path(one.id).read_text()
        stage.path(one.id).write_text(whole[: len(whole) // 2])
        await stage.restart()
        with pytest.raises(AdapterError, match=f"{one.id}.json is damaged"):
            await stage.platform.observe(PRODUCTION)
        stage.path(one.id).write_text(whole)
        assert len(await stage.platform.observe(PRODUCTION)) == 1

    @pytest.mark.parametrize("left", ["", "\0" * 300])
    async def test_what_a_power_cut_emptied_named_nothing_that_lives(self, stage: ProcessStage, left: str) -> None:
        await stage.platform.observe(PRODUCTION)
        stage.path("web.rev_1.1").write_text(left)
        await stage.restart()
        await stage.platform.run(stage.revision("one"))
        await ready(stage, 1)

    async def test_what_cannot_be_written_down_is_not_started(self, stage: ProcessStage) -> None:
        await stage.platform.observe(PRODUCTION)
        folder = stage.path("x").parent
        folder.rmdir()
        folder.write_text("in the way")
        with pytest.raises(AdapterError, match="Cannot make the folder"):
            await stage.platform.run(stage.revision("one"))
        assert processes_below(stage.settings.releases) == []
        folder.unlink()


def rewrite(path: Path, field: str, changes: dict[str, object]) -> None:
    record = json.loads(path.read_text())
    record[field].update(changes)
    path.write_text(json.dumps(record))


@pytest.mark.real
async def test_a_deadline_of_a_check_holds_across_servers(stage: ProcessStage) -> None:
    revision = stage.revision("one")
    await stage.platform.run(revision)
    job = stage.command("rol_1-1-1", revision, "sleep 61 & sleep 60", timeout=stage.settings.grace)
    await stage.platform.run_job(job)
    path = stage.path("x").parents[1] / "jobs" / f"{job.id}.json"
    record = json.loads(path.read_text())
    await stage.platform.close()
    path.write_text(json.dumps({**record, "timeout": "PT0.5S"}))
    await stage.restart()
    assert await ended(stage, job) == "failed"
    seen = await stage.platform.observe_job(PRODUCTION, JobId("rol_1-1-1"))
    assert seen is not None
    assert "took longer" in seen.detail
    await until(lambda: not marked(record["marker"]))
