"""The log's disk is full, the log is damaged, two servers want it: said in a sentence, and users notice nothing."""

import asyncio
import os
import shutil
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from pathlib import Path
from time import monotonic

import pytest
from tests.faults import processes
from tests.faults.stage import Refused, Stage, staged

PAGE = 4096  # bytes

pytestmark = [pytest.mark.real("envoy"), pytest.mark.timeout(90)]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounting a small file system needs root")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", place], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no tmpfs here: {mounted.stderr.decode().strip()}")
    yield place
    if subprocess.run(["umount", place], check=False).returncode:
        subprocess.run(["umount", "--lazy", place], check=True)
        pytest.fail("something still holds files there")


@pytest.fixture
async def stage(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """With its data on the small disk where the test asks for one."""
    disk = request.getfixturevalue("small_disk") if "small_disk" in request.fixturenames else None
    async with staged(tmp_path, disk / "data" if disk else None) as made:
        yield made


async def test_a_disk_that_is_full_in_a_rollout_holds_it_up_and_no_longer(stage: Stage, small_disk: Path) -> None:
    await stage.serves("v1")
    assert stage.load is not None
    await stage.deploy("v2")
    await stage.phase("weight 50")
    full = monotonic()
    await asyncio.to_thread(use_up, small_disk / "ballast")
    told = await asyncio.to_thread(stage.command, "abort", "production", "--why", "no reason")  # the load goes on
    assert told.returncode == 1
    assert f"no room left for the event log {stage.data}" in told.stderr
    assert f"the file system mounted at {small_disk}" in told.stderr
    assert "Traceback" not in told.stderr
    await asyncio.sleep(1)
    assert stage.load.longest_silence(full, monotonic()) < 0.2
    (small_disk / "ballast").unlink()
    assert await stage.ended() == "promoted"
    await stage.well("v2")
    await stage.no_request_failed()


def use_up(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file:
        for block in (1 << 16, 512):
            try:
                while True:
                    file.write(bytes(block))
            except OSError:
                continue


def garbage(log: Path) -> None:
    """At the end of every page but the first, where SQLite puts what it stores."""
    with log.open("r+b") as file:
        for page in range(1, log.stat().st_size // PAGE):
            file.seek((page + 1) * PAGE - 300)
            file.write(os.urandom(300))


def changed_row(log: Path) -> None:
    by_force(log, "UPDATE events SET payload = replace(payload, 'ann', 'bob') WHERE kind = 'ReleaseRequested'")


def cut_end(log: Path) -> None:
    by_force(log, "DELETE FROM events WHERE position > (SELECT max(position) FROM events) - 2")


def by_force(log: Path, statement: str) -> None:
    """The tables themselves refuse changes."""
    with closing(sqlite3.connect(log)) as connection:
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        assert connection.execute(statement).rowcount > 0
        for _, definition in triggers:
            connection.execute(definition)
        connection.commit()


def gone(log: Path) -> None:
    log.unlink()


@pytest.mark.parametrize("damage", [garbage, changed_row, cut_end, gone], ids=lambda one: one.__name__)
async def test_on_a_damaged_log_no_server_starts(stage: Stage, damage: Callable[[Path], None]) -> None:
    await stage.serves("v1")
    running = processes.instances(stage.data)
    stage.journal.close()  # the last to close the log moves everything into its file
    assert await asyncio.to_thread(stage.end_server) == 0  # the load goes on
    log, copy = stage.data / "events.db", stage.folder / "copy.db"
    shutil.copy(log, copy)
    damage(log)
    told = await asyncio.to_thread(stage.command, "serve", "--port", "0")
    assert told.returncode == 1
    assert f"The event log {log} is damaged" in told.stderr
    assert "restore" in told.stderr
    assert "Traceback" not in told.stderr
    assert processes.instances(stage.data) == running
    shutil.copy(copy, log)
    await stage.serve()
    await stage.well("v1")
    await stage.no_request_failed()


async def test_a_second_server_on_the_folder_is_refused(stage: Stage) -> None:
    await stage.serves("v1")
    assert stage.server is not None
    told = stage.command("serve", "--port", "0")
    assert told.returncode == 1
    assert f"{stage.data} is in use by the Headgate server with pid {stage.server.pid}" in told.stderr
    assert "Traceback" not in told.stderr
    await stage.deploy("v2")
    assert await stage.ended() == "promoted"
    await stage.well("v2")
    await stage.no_request_failed()


async def test_a_command_without_a_server_says_so(stage: Stage) -> None:
    await stage.serves("v1")
    stage.kill_server()
    told = stage.command("status")
    assert told.returncode == 3
    assert "no server is running" in told.stderr
    await stage.serve()
    with pytest.raises(Refused, match="no rollout is in flight"):
        await stage.tell("pause")
    await stage.no_request_failed()
